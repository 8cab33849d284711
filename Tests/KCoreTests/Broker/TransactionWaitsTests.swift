import Testing

@testable import KCore

@Suite struct TransactionWaitsTests {
    private let waits = TransactionWaits()
    private let heard = Heard<String>()

    private func add(_ id: String, _ name: String) -> Int { waits.add(id) { [heard] in heard.add(name) } }

    @Test func `who waits for an id goes on once when its transaction is over, in order`() {
        for name in ["a1", "a2"] { _ = add("a", name) }
        _ = add("b", "b1")
        waits.resume("nobody")
        #expect(heard.all.isEmpty)
        waits.resume("a")
        waits.resume("a")
        #expect(heard.all == ["a1", "a2"])
        waits.resume("b")
        #expect(heard.all == ["a1", "a2", "b1"])
    }

    @Test func `who has waited for too long is not called, and who was called has not`() {
        let first = add("a", "a1")
        let second = add("a", "a2")
        #expect(waits.remove("a", first))
        #expect(!waits.remove("a", first))
        waits.resume("a")
        #expect(heard.all == ["a2"])
        #expect(!waits.remove("a", second))
    }
}
