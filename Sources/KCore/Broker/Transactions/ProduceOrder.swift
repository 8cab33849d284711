/// Produce requests of one connection that may not be appended yet, in the order in which they came: one that waits for the
/// coordinator of its transaction, and those behind it, so that no batch overtakes another one.
struct ProduceOrder {
    private struct Request {
        var number: Int
        /// Nil until it may be appended.
        var append: (() -> Void)?
    }

    private var waiting: [Request] = []
    private var last = 0

    var isEmpty: Bool { waiting.isEmpty }

    /// Takes the next place in the row.
    /// - Returns: its number, which ``ready(_:_:)`` takes.
    mutating func enter() -> Int {
        last += 1
        waiting.append(Request(number: last))
        return last
    }

    /// A request has what it waited for.
    /// - Returns: what is to be called now, in this order.
    mutating func ready(_ number: Int, _ append: @escaping () -> Void) -> [() -> Void] {
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return [] }
        waiting[index].append = append
        let ready = waiting.prefix { $0.append != nil }.compactMap(\.append)
        waiting.removeFirst(ready.count)
        return ready
    }
}
