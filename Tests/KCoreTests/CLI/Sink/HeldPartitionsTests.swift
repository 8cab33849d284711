import Testing

@testable import KCore

@Suite struct HeldPartitionsTests {
    private let a = TopicPartition(topic: "t", partition: 0)
    private let b = TopicPartition(topic: "t", partition: 1)

    @Test func `what is held is tried again after a while, until it is not`() {
        var held = HeldPartitions()
        #expect(held.due(nowMs: 0).isEmpty)
        held.add([b: .process, a: .transaction], nowMs: 1000)
        #expect(held.due(nowMs: 1000 + HeldPartitions.retryMs - 1).isEmpty)
        #expect(held.due(nowMs: 1000 + HeldPartitions.retryMs) == [a, b])
        held.remove([a])
        held.add([b: .process], nowMs: 2000)
        #expect(held.due(nowMs: 2050).isEmpty && held.due(nowMs: 3000) == [b])
        held.remove([b])
        #expect(held.due(nowMs: 3000).isEmpty)
    }

    @Test func `where nobody can be asked the others are read for as long as that took`() {
        var held = HeldPartitions()
        held.add([a: .transaction], nowMs: 0)
        held.failed([a], sinceMs: 1000, nowMs: 4000)
        #expect(held.due(nowMs: 6999).isEmpty && held.due(nowMs: 7000) == [a])
        held.failed([a], sinceMs: 7000, nowMs: 7000)
        #expect(held.due(nowMs: 7000 + HeldPartitions.retryMs - 1).isEmpty)
        #expect(held.due(nowMs: 7000 + HeldPartitions.retryMs) == [a])
    }

    @Test func `what was assigned while the broker is away waits for it, and what was held is held by whom it was`() {
        var held = HeldPartitions()
        held.add([a: .transaction], nowMs: 0)
        held.failed([a, b], sinceMs: 1000, nowMs: 4000)
        #expect(held.due(nowMs: 6999).isEmpty && held.due(nowMs: 7000) == [a, b])
        #expect(held.held(by: .transaction, forMs: 0, nowMs: 7000) == a)
        #expect(held.held(by: .broker, forMs: 6000, nowMs: 7000) == b)
        #expect(held.held(by: .broker, forMs: 6001, nowMs: 7000) == nil, "it is so since it was asked first")
        // It is there again, and knows of a transaction.
        held.add([b: .transaction], nowMs: 8000)
        #expect(held.held(by: .broker, forMs: 0, nowMs: 8000) == nil)
        held.remove([a, b])
        #expect(held.due(nowMs: 60_000).isEmpty && held.toTell(nowMs: 60_000).isEmpty)
    }

    @Test func `a person is told once who holds it, when that lasts`() {
        var held = HeldPartitions()
        func told(_ nowMs: Int64) -> [TopicPartition] { held.toTell(nowMs: nowMs).map(\.partition) }
        held.add([a: .process], nowMs: 0)
        held.add([a: .process, b: .process], nowMs: 1000)
        #expect(told(HeldPartitions.patienceMs - 1).isEmpty)
        #expect(told(HeldPartitions.patienceMs) == [a])
        held.add([a: .process, b: .process], nowMs: HeldPartitions.patienceMs + 1)
        #expect(told(60_000) == [b] && told(60_000).isEmpty)
        // Somebody else holds it now.
        held.add([a: .transaction], nowMs: 60_000)
        #expect(held.toTell(nowMs: 60_000).first?.holder == .transaction)
        held.remove([a])
        held.add([a: .process], nowMs: 61_000)
        #expect(told(62_000).isEmpty, "it was let go of in between")
    }

    @Test func `how long one is held counts from the first time`() {
        var held = HeldPartitions()
        for nowMs in [0, 5000, 9000] as [Int64] { held.add([a: .process], nowMs: nowMs) }
        #expect(held.held(by: .process, forMs: 10_000, nowMs: 9999) == nil)
        #expect(held.held(by: .process, forMs: 10_000, nowMs: 10_000) == a)
        #expect(held.held(by: .transaction, forMs: 0, nowMs: 10_000) == nil)
    }
}
