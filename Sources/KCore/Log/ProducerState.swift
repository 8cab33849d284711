/// What a log knows of one idempotent producer: enough to refuse gaps and to recognize what it has already.
struct ProducerState: Equatable, Sendable {
    /// An appended batch.
    struct Batch: Equatable, Sendable {
        var lastSequence: Int32
        var lastOffset: Int64
        /// Last offset minus first.
        var offsetDelta: Int32
        /// The batch's largest timestamp, milliseconds.
        var timestamp: Int64

        var firstSequence: Int32 { SequenceNumber.decrement(lastSequence, by: offsetDelta) }
        var firstOffset: Int64 { lastOffset - Int64(offsetDelta) }
    }

    static let maxBatches = 5

    var epoch: Int16
    /// The newest, the last one last. A client has at most five requests in flight, so an older duplicate cannot come.
    var batches: [Batch] = []
    /// When it last wrote, milliseconds.
    var lastTimestamp: Int64
    var coordinatorEpoch: Int32 = -1
    /// Where the open transaction began; nil when there is none.
    var transactionFirstOffset: Int64?

    /// -1 when nothing is known of this epoch.
    var lastSequence: Int32 { batches.last?.lastSequence ?? -1 }

    func isExpired(before timeMs: Int64) -> Bool { transactionFirstOffset == nil && lastTimestamp < timeMs }

    mutating func add(_ batch: Batch) {
        if batches.count == ProducerState.maxBatches { batches.removeFirst() }
        batches.append(batch)
    }
}

/// Sequence numbers run from 0 to `Int32.max` and begin again.
enum SequenceNumber {
    static func next(_ sequence: Int32) -> Int32 { sequence == Int32.max ? 0 : sequence + 1 }

    static func decrement(_ sequence: Int32, by count: Int32) -> Int32 {
        Int32(truncatingIfNeeded: (Int64(sequence) - Int64(count)) & Int64(Int32.max))
    }
}
