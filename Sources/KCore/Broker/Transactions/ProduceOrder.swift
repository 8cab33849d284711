/// Produce requests of one connection that may not be appended yet, in the order in which they came: one that waits for the
/// coordinator of its transaction, or for a disk, and those behind it, so that no batch overtakes another one.
struct ProduceOrder {
    private struct Request {
        var number: Int
        /// Nil until it may be appended.
        var append: (() -> Void)?
        var hasBegun = false
    }

    private var waiting: [Request] = []
    private var last = 0

    var isEmpty: Bool { waiting.isEmpty }

    /// Takes the next place in the row.
    /// - Parameter hasBegun: whether it is being appended already, with nobody in front of it.
    /// - Returns: its number.
    mutating func enter(hasBegun: Bool = false) -> Int {
        last += 1
        waiting.append(Request(number: last, hasBegun: hasBegun))
        return last
    }

    /// A request has what it waited for. Its turn comes with ``next()``.
    mutating func ready(_ number: Int, _ append: @escaping () -> Void) {
        guard let index = waiting.firstIndex(where: { $0.number == number }), !waiting[index].hasBegun else { return }
        waiting[index].append = append
    }

    /// What is to be called now: the first request, if it may be appended and has not begun.
    mutating func next() -> (() -> Void)? {
        guard let append = waiting.first?.append else { return nil }
        waiting[0].append = nil
        waiting[0].hasBegun = true
        return append
    }

    /// All of a request is appended: those behind it may follow.
    mutating func finish(_ number: Int) { waiting.removeAll { $0.number == number } }
}
