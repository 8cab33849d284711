internal import Synchronization

/// A partition that this broker leads: the log behind it, the high watermark, and the fetches that wait for records.
///
/// With one replica the in-sync set is this broker alone, so an append moves the high watermark at once. The rules are
/// in the folder's README.
public final class Partition: Sendable {
    public let topicPartition: TopicPartition
    public let topicId: Uuid
    public let log: Log

    struct State: Sendable {
        var leaderEpoch: Int32
        var isOpen = true
        var visibility: Visibility
        var inSyncReplicas: Int
        /// As it was when readers were last woken.
        var lastStableOffset: Int64
        var waiting: [WaitingFetch] = []
        /// Those that read committed records only.
        var waitingForStable: [WaitingFetch] = []
    }
    let state: Mutex<State>
    // Copies of what the state's visibility says, which readers load without the lock.
    let publishedHighWatermark: Atomic<Int64>
    let publishedDueMs = Atomic<Int64>(.max)
    /// Whether it has been told that the age of records cannot be read.
    let isAgeUnknown = Atomic(false)

    public init(topicPartition: TopicPartition, topicId: Uuid, log: Log, leaderEpoch: Int32, inSyncReplicas: Int) {
        self.topicPartition = topicPartition
        self.topicId = topicId
        self.log = log
        let visibility = Partition.visibility(of: log)
        publishedHighWatermark = Atomic(visibility.highWatermark)
        log.highWatermark = visibility.replicatedEnd
        log.lead(epoch: leaderEpoch)
        state = Mutex(
            State(
                leaderEpoch: leaderEpoch, visibility: visibility, inSyncReplicas: inSyncReplicas,
                lastStableOffset: log.lastStableOffset(highWatermark: visibility.highWatermark)))
        log.visibleEnd.withLock { $0 = VisibleEnd { [weak self] in self?.highWatermark ?? 0 } }
        if visibility.isDelaying { updateVisibility { _ in } }
        log.observeFlushes { [weak self] in self?.hasFlushed() }
        advanceWhenFlushed()
    }

    public var leaderEpoch: Int32 { state.withLock { $0.leaderEpoch } }
    /// Whether this broker serves it still.
    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Takes over what the controller decided.
    public func lead(epoch: Int32, inSyncReplicas: Int) {
        log.lead(epoch: epoch)
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

    /// The log's directory is offline: whoever waits is told.
    public func directoryFailed() {
        log.giveUpFlushes()
        for fetch in state.withLock({ $0.takeWaiting() }) { fetch.wakeNow() }
    }

    /// Compares the leader epoch that a request carries with this leader's (KIP-320).
    /// - Parameter epoch: -1 when the client does not know one, which is always accepted.
    /// - Returns: ``ErrorCode/none`` when the request may be answered here; KAFKA_STORAGE_ERROR when the log's directory is
    ///   offline.
    public func check(leaderEpoch epoch: Int32) -> ErrorCode {
        state.withLock { state in
            if !state.isOpen { return .notLeaderOrFollower }
            if log.isOffline { return .kafkaStorageError }
            if epoch < 0 || epoch == state.leaderEpoch { return .none }
            return epoch < state.leaderEpoch ? .fencedLeaderEpoch : .unknownLeaderEpoch
        }
    }

    /// Appends a producer's batches and moves the high watermark as far as the in-sync replicas allow. Where the result
    /// says that it awaits a flush, it may be acknowledged when ``Log/whenFlushed(to:_:)`` says so.
    /// - Parameter requiredAcks: with -1, `min.insync.replicas` must be met before anything is written.
    public func append(
        _ records: Bytes, requiredAcks: Int16, origin: AppendOrigin
    ) throws(LogError) -> AppendResult {
        let epoch = try epoch(toAppendWith: requiredAcks)
        let result = try log.append(records, leaderEpoch: epoch, origin: origin)
        appended(result, byteCount: records.count)
        return result
    }

    /// The same for a thread that must not wait for a disk.
    func appendAtOnce(
        _ records: Bytes, requiredAcks: Int16, origin: AppendOrigin = .client
    ) throws(LogError) -> AppendAttempt {
        let epoch = try epoch(toAppendWith: requiredAcks)
        let attempt = try log.appendAtOnce(records, leaderEpoch: epoch, origin: origin)
        if case .done(let result) = attempt { appended(result, byteCount: records.count) }
        return attempt
    }

    /// Appends records that could not be appended at once.
    func append(
        _ prepared: PreparedAppend, requiredAcks: Int16, origin: AppendOrigin = .client
    ) throws(LogError) -> AppendResult {
        let epoch = try epoch(toAppendWith: requiredAcks)
        let result = try log.append(prepared, leaderEpoch: epoch, origin: origin)
        appended(result, byteCount: prepared.records.count)
        return result
    }

    private func epoch(toAppendWith requiredAcks: Int16) throws(LogError) -> Int32 {
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
        return epoch
    }

    /// Reads batches from `offset` on that end below `end`.
    /// - Parameter end: the watermark that the reader is told. Not the one of now: that may have moved since.
    public func read(
        from offset: Int64, maxBytes: Int, upTo end: Int64, minOneBatch: Bool
    ) throws(LogError) -> LogRead {
        try log.read(from: offset, maxBytes: maxBytes, upTo: end, minOneBatch: minOneBatch)
    }

    /// The same for a thread that must not wait for a disk.
    /// - Returns: nil when it would have to.
    public func readCached(
        from offset: Int64, maxBytes: Int, upTo end: Int64, minOneBatch: Bool
    ) throws(LogError) -> LogRead? {
        try log.readCached(from: offset, maxBytes: maxBytes, upTo: end, minOneBatch: minOneBatch)
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
