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
/// One that has ended counts until its marker is below the high watermark: until then the marker can still be lost with
/// its leader, and what was read as committed would not be.
struct UnstableTransactions: Equatable, Sendable {
    /// Where the oldest transaction without a marker begins.
    var firstOpenOffset: Int64?
    private var ended: [EndedTransaction] = []

    var isEmpty: Bool { firstOpenOffset == nil && ended.isEmpty }

    mutating func end(_ transaction: EndedTransaction) { ended.append(transaction) }

    /// The first offset that is not decided; nil when all below the high watermark are.
    mutating func firstUnstableOffset(highWatermark: Int64) -> Int64? {
        if !ended.isEmpty { ended.removeAll { $0.lastOffset < highWatermark } }
        guard let oldest = ended.lazy.map(\.firstOffset).min() else { return firstOpenOffset }
        return min(oldest, firstOpenOffset ?? oldest)
    }
}
