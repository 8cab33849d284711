internal import Synchronization

/// How far a reader may read (the protocol's isolation level, KIP-98).
public enum ReadLimit: Sendable {
    /// Everything that all in-sync replicas have.
    case highWatermark
    /// Only what belongs to no open transaction.
    case lastStableOffset
}

/// A partition that this broker leads: the log behind it, the high watermark, and the fetches that wait for records.
///
/// With one replica the in-sync set is this broker alone, so an append moves the high watermark at once. The rules are
/// in the folder's README.
public final class Partition: Sendable {
    public let topicPartition: TopicPartition
    public let topicId: Uuid
    public let log: Log

    fileprivate struct State {
        var leaderEpoch: Int32
        var isOpen = true
        var highWatermark: Int64
        var inSyncReplicas: Int
        var waiting: [WaitingFetch] = []
    }
    private let state: Mutex<State>
    // A copy of the state's value that readers load without the lock.
    private let publishedHighWatermark: Atomic<Int64>

    public init(topicPartition: TopicPartition, topicId: Uuid, log: Log, leaderEpoch: Int32, inSyncReplicas: Int) {
        self.topicPartition = topicPartition
        self.topicId = topicId
        self.log = log
        let end = log.logEndOffset
        state = Mutex(State(leaderEpoch: leaderEpoch, highWatermark: end, inSyncReplicas: inSyncReplicas))
        publishedHighWatermark = Atomic(end)
        log.highWatermark = end
    }

    public var leaderEpoch: Int32 { state.withLock { $0.leaderEpoch } }
    public var highWatermark: Int64 { publishedHighWatermark.load(ordering: .acquiring) }
    /// The offset below which no transaction is open. Without a transaction coordinator nothing can open one.
    public var lastStableOffset: Int64 { highWatermark }

    /// The first offset that a reader with this limit may not see.
    public func endOffset(_ limit: ReadLimit) -> Int64 {
        switch limit {
        case .highWatermark: highWatermark
        case .lastStableOffset: lastStableOffset
        }
    }

    /// Takes over what the controller decided.
    public func lead(epoch: Int32, inSyncReplicas: Int) {
        let waiting = state.withLock { state in
            state.leaderEpoch = epoch
            state.inSyncReplicas = inSyncReplicas
            return state.takeWaiting()
        }
        for fetch in waiting { fetch.wakeNow() }
    }

    /// Stops serving: the topic is deleted or the broker stops. Whoever waits is told.
    public func close() {
        let waiting = state.withLock { state in
            state.isOpen = false
            return state.takeWaiting()
        }
        for fetch in waiting { fetch.wakeNow() }
    }

    /// Compares the leader epoch that a request carries with this leader's (KIP-320).
    /// - Parameter epoch: -1 when the client does not know one, which is always accepted.
    /// - Returns: ``ErrorCode/none`` when the request may be answered here.
    public func check(leaderEpoch epoch: Int32) -> ErrorCode {
        state.withLock { state in
            if !state.isOpen { return .notLeaderOrFollower }
            if epoch < 0 || epoch == state.leaderEpoch { return .none }
            return epoch < state.leaderEpoch ? .fencedLeaderEpoch : .unknownLeaderEpoch
        }
    }

    /// Appends a producer's batches and moves the high watermark as far as the in-sync replicas allow.
    /// - Parameter requiredAcks: with -1, `min.insync.replicas` must be met before anything is written.
    public func append(
        _ records: Bytes, requiredAcks: Int16, origin: AppendOrigin
    ) throws(LogError) -> AppendResult {
        let (epoch, isOpen, inSyncReplicas) = state.withLock { ($0.leaderEpoch, $0.isOpen, $0.inSyncReplicas) }
        guard isOpen else {
            throw LogError(.notLeaderOrFollower, "\(topicPartition) is not served by this broker any more")
        }
        let required = log.config.minInSyncReplicas
        if requiredAcks == -1 && inSyncReplicas < required {
            throw LogError(
                .notEnoughReplicas,
                "\(topicPartition) has \(inSyncReplicas) in-sync replicas, and min.insync.replicas is \(required)")
        }
        let result = try log.append(records, leaderEpoch: epoch, origin: origin)
        advanceHighWatermark(to: log.logEndOffset, byteCount: records.count)
        return result
    }

    private func advanceHighWatermark(to offset: Int64, byteCount: Int) {
        let waiting = state.withLock { state -> [WaitingFetch] in
            if offset > state.highWatermark {
                state.highWatermark = offset
                log.highWatermark = offset
                publishedHighWatermark.store(offset, ordering: .releasing)
            }
            // Also when another append has moved it beyond these records: it counted its own bytes only.
            return state.waiting
        }
        for fetch in waiting { fetch.arrived(byteCount: byteCount) }
    }

    /// Reads batches from `offset` on that end below `end`.
    /// - Parameter end: the watermark that the reader is told. Not the one of now: that may have moved since.
    public func read(
        from offset: Int64, maxBytes: Int, upTo end: Int64, minOneBatch: Bool
    ) throws(LogError) -> LogRead {
        try log.read(from: offset, maxBytes: maxBytes, upTo: end, minOneBatch: minOneBatch)
    }

    /// Parks a fetch that found nothing at `highWatermark`.
    /// - Returns: false when the partition has moved since; the fetch should read again instead.
    func wait(_ fetch: WaitingFetch, since highWatermark: Int64) -> Bool {
        state.withLock { state in
            guard state.isOpen, state.highWatermark == highWatermark else { return false }
            state.waiting.append(fetch)
            return true
        }
    }

    /// Forgets a fetch that has been answered.
    func stopWaiting(_ fetch: WaitingFetch) {
        state.withLock { state in
            if let index = state.waiting.firstIndex(where: { $0 === fetch }) {
                state.waiting.swapAt(index, state.waiting.count - 1)
                state.waiting.removeLast()
            }
        }
    }

    /// Removes records below `offset`, or below the high watermark for -1 (DeleteRecords, KIP-107).
    /// - Returns: the log start offset afterwards.
    public func deleteRecords(before offset: Int64) throws(LogError) -> Int64 {
        guard log.config.cleanupPolicy.contains(.delete) else {
            throw LogError(.policyViolation, "the cleanup.policy of \(topicPartition) does not allow deletion")
        }
        let limit = highWatermark
        let target = offset == -1 ? limit : offset
        guard target >= 0, target <= limit else {
            throw LogError(
                .offsetOutOfRange,
                "offset \(offset) of \(topicPartition) is outside of 0 to the high watermark \(limit)")
        }
        try log.advanceStartOffset(to: target)
        return log.logStartOffset
    }
}

extension Partition.State {
    fileprivate mutating func takeWaiting() -> [WaitingFetch] {
        defer { waiting = [] }
        return waiting
    }
}
