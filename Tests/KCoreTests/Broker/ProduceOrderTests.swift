import Testing

@testable import KCore

@Suite struct ProduceOrderTests {
    private final class Log {
        var appended: [String] = []
    }

    private let log = Log()

    private func ready(_ order: inout ProduceOrder, _ number: Int, _ name: String) {
        for append in order.ready(number, { [log] in log.appended.append(name) }) { append() }
    }

    @Test func `requests are appended in the order in which they came, whichever is ready first`() {
        var order = ProduceOrder()
        let (a, b, c) = (order.enter(), order.enter(), order.enter())
        ready(&order, b, "b")
        #expect(log.appended.isEmpty)
        ready(&order, a, "a")
        #expect(log.appended == ["a", "b"])
        #expect(!order.isEmpty)
        let d = order.enter()
        ready(&order, d, "d")
        #expect(log.appended == ["a", "b"])
        ready(&order, c, "c")
        #expect(log.appended == ["a", "b", "c", "d"])
        #expect(order.isEmpty)
    }

    @Test func `a request is appended once`() {
        var order = ProduceOrder()
        let a = order.enter()
        ready(&order, a, "a")
        ready(&order, a, "a")
        ready(&order, a + 1, "nobody")
        #expect(log.appended == ["a"])
        #expect(order.isEmpty)
    }
}
