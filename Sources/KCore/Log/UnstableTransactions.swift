/// A transaction that has records in the log and no marker.
struct OpenTransaction: Equatable, Sendable {
    var producerId: Int64
    var firstOffset: Int64
}

/// A transaction that a marker has ended.
struct EndedTransaction: Equatable, Sendable {
    var producerId: Int64
    var firstOffset: Int64
    /// Of the marker.
    var lastOffset: Int64
    var isCommit: Bool
}

/// The transactions that keep the last stable offset back, as readers need to know them.
///
/// One that has ended counts until its marker is replicated: until then the marker can still be lost with its leader, and
/// what was read as committed would not be. Nothing else that readers do not see yet holds it back.
struct UnstableTransactions: Equatable, Sendable {
    /// Where the oldest transaction without a marker begins.
    var firstOpenOffset: Int64?
    // Ended, in the order of their markers, and only those that may yet be the oldest: of two, the one that began later and
    // ended earlier is forgotten. So they began in this order, too.
    private var ended: [Span] = []
    private var head = 0

    private struct Span: Equatable, Sendable {
        var firstOffset: Int64
        var lastOffset: Int64
    }

    var isEmpty: Bool { firstOpenOffset == nil && ended.isEmpty }

    mutating func end(_ transaction: EndedTransaction) {
        while head < ended.count, let last = ended.last, last.firstOffset >= transaction.firstOffset {
            ended.removeLast()
        }
        ended.append(Span(firstOffset: transaction.firstOffset, lastOffset: transaction.lastOffset))
    }

    /// The first offset that is not decided; nil when all are.
    /// - Parameter replicatedEnd: never less than before.
    mutating func firstUnstableOffset(replicatedEnd: Int64) -> Int64? {
        while head < ended.count, ended[head].lastOffset < replicatedEnd { head += 1 }
        if head == ended.count {
            ended.removeAll(keepingCapacity: ended.capacity <= 64)
            head = 0
            return firstOpenOffset
        }
        if head > ended.count / 2 {
            ended.removeFirst(head)
            head = 0
        }
        let oldest = ended[head].firstOffset
        return min(oldest, firstOpenOffset ?? oldest)
    }
}
