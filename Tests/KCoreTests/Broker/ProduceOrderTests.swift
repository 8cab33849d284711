import Testing

@testable import KCore

@Suite struct ProduceOrderTests {
    private final class Connection {
        var order = ProduceOrder()
        var appended: [String] = []

        /// - Parameter isLate: whether some of it takes longer.
        func ready(_ number: Int, _ name: String, isLate: Bool = false) {
            order.ready(number) { [unowned self] in
                appended.append(name)
                if !isLate { order.finish(number) }
            }
            callNext()
        }

        func callNext() {
            while let next = order.next() { next() }
        }
    }

    private let connection = Connection()

    @Test func `requests are appended in the order in which they came, whichever is ready first`() {
        let (a, b, c) = (connection.order.enter(), connection.order.enter(), connection.order.enter())
        connection.ready(b, "b")
        #expect(connection.appended.isEmpty)
        connection.ready(a, "a")
        #expect(connection.appended == ["a", "b"])
        #expect(!connection.order.isEmpty)
        let d = connection.order.enter()
        connection.ready(d, "d")
        #expect(connection.appended == ["a", "b"])
        connection.ready(c, "c")
        #expect(connection.appended == ["a", "b", "c", "d"])
        #expect(connection.order.isEmpty)
    }

    @Test func `a request is appended once`() {
        let a = connection.order.enter()
        connection.ready(a, "a", isLate: true)
        connection.ready(a, "a")
        connection.ready(a + 1, "nobody")
        #expect(connection.appended == ["a"])
        connection.order.finish(a)
        connection.ready(a, "a")
        #expect(connection.appended == ["a"])
        #expect(connection.order.isEmpty)
    }

    @Test func `nothing follows a request before all of it is appended`() {
        let first = connection.order.enter(hasBegun: true)
        let (a, b) = (connection.order.enter(), connection.order.enter())
        connection.ready(a, "a", isLate: true)
        connection.ready(b, "b")
        #expect(connection.appended.isEmpty)
        connection.order.finish(first)
        connection.callNext()
        #expect(connection.appended == ["a"])
        connection.callNext()
        #expect(connection.appended == ["a"])
        connection.order.finish(a)
        connection.callNext()
        #expect(connection.appended == ["a", "b"])
        #expect(connection.order.isEmpty)
    }
}
