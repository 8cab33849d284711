/// What a cleaning knows of transactions while it goes through a log from its beginning: whose records do not count, and
/// which markers still mark something (KIP-98).
///
/// A marker can be missing: retention may remove segments that have not been read yet. So what was aborted ends where its
/// index entry says, whether or not the marker is met.
struct CleanedTransactions {
    private struct Aborted {
        var transaction: AbortedTransaction
        /// Whether a batch of it was met on the way.
        var hasBatches = false
    }

    private var upcoming: ArraySlice<AbortedTransaction>
    private var aborted: [Int64: Aborted] = [:]
    // Producers of which transactional batches were met that will be committed.
    private var committed: Set<Int64> = []

    /// - Parameter transactions: the aborted ones of what will be read, in any order.
    init(aborted transactions: [AbortedTransaction]) {
        upcoming = transactions.sorted { $0.firstOffset < $1.firstOffset }[...]
    }

    private mutating func begin(upTo offset: Int64) {
        while let next = upcoming.first, next.firstOffset <= offset {
            upcoming.removeFirst()
            if let known = aborted[next.producerId], known.transaction.lastOffset >= next.firstOffset { continue }
            aborted[next.producerId] = Aborted(transaction: next)
        }
    }

    /// Takes note of a batch of records.
    /// - Returns: whether its records belong to an aborted transaction.
    mutating func meet(_ header: RecordBatchHeader) -> Bool {
        begin(upTo: header.lastOffset)
        guard header.isTransactional else { return false }
        guard let known = aborted[header.producerId], known.transaction.lastOffset > header.lastOffset else {
            aborted[header.producerId] = nil
            committed.insert(header.producerId)
            return false
        }
        aborted[header.producerId]?.hasBatches = true
        return true
    }

    enum Marker: Equatable {
        /// Nothing of its transaction is left in the log.
        case obsolete
        case needed
        /// Batches of this transaction are still there, or were until now: readers may need to know of it.
        case abort(AbortedTransaction)
    }

    /// Takes note of a control batch.
    /// - Parameter marker: what is in it; nil for another control record.
    mutating func meet(_ header: RecordBatchHeader, marker: EndTransactionMarker?) -> Marker {
        begin(upTo: header.lastOffset)
        // The record went in an earlier cleaning.
        if header.recordCount == 0 { return .obsolete }
        guard let marker else { return .needed }
        if marker.isCommit { return committed.remove(header.producerId) == nil ? .obsolete : .needed }
        guard let transaction = aborted.removeValue(forKey: header.producerId), transaction.hasBatches,
            transaction.transaction.lastOffset >= header.baseOffset
        else { return .obsolete }
        return .abort(transaction.transaction)
    }
}
