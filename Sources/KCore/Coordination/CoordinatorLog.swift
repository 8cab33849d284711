internal import Synchronization

/// What became of a coordinator's append.
struct CoordinatorAppended: Equatable, Sendable {
    /// Behind its last record.
    var endOffset: Int64
    /// Others may see it, but it is to be told only when it is on stable storage: see ``CoordinatorLog/whenFlushed(to:_:)``.
    var awaitsFlush = false
}

/// The log of a coordinator's partition, as ``CoordinatorPartition`` and ``CoordinatorLoader`` need it.
protocol CoordinatorLog: Sendable {
    var topicPartition: TopicPartition { get }
    /// The first offset that there is.
    var startOffset: Int64 { get }
    /// The offset that the next record gets.
    var endOffset: Int64 { get }
    /// All below is on every in-sync replica, and on stable storage where it has to be before it counts.
    var highWatermark: Int64 { get }
    /// All below is on stable storage.
    var flushedOffset: Int64 { get }
    /// Whether its disk is lost: the high watermark never moves again.
    var isOffline: Bool { get }
    /// Whether its disk is known not to answer, so that nothing is to wait for it.
    var isSilent: Bool { get }
    /// The same for those that have their records in one place.
    var storage: ObjectIdentifier { get }

    /// What a batch must stay below.
    var maxBatchBytes: Int { get }

    /// Appends one batch, whose offsets are set in place. Waits for no fsync: the high watermark says when it is kept.
    func append(_ batch: Bytes) throws(LogError) -> CoordinatorAppended
    /// The same for a thread that must not wait for a disk.
    /// - Returns: nil when it would have to, or for somebody who does: then nothing has changed.
    func appendAtOnce(_ batch: Bytes) throws(LogError) -> CoordinatorAppended?
    /// Whether a producer with that epoch may write into a transaction.
    func check(_ producer: CoordinatorProducer) -> ErrorCode
    /// The same for a thread that must not wait for a disk.
    /// - Returns: nil when it would have to, for somebody who does.
    func checkAtOnce(_ producer: CoordinatorProducer) -> ErrorCode?
    /// Has a thread do what may wait for the log's disk.
    func runLate(_ work: @escaping @Sendable () -> Void)
    /// Has a thread read all of it.
    /// - Parameter workers: for a log that has no threads of its own.
    func runReading(_ workers: WorkerPool, _ work: @escaping @Sendable () -> Void)
    /// Whole batches from the one that holds `offset` on; nothing at the end.
    func read(from offset: Int64, maxBytes: Int) throws(LogError) -> Bytes
    /// The file and the byte where the batch that holds `offset` begins; nil when that cannot be told.
    func place(of offset: Int64) -> String?
    /// Calls `wake` once when the high watermark is no longer `highWatermark` or the log is offline, from any thread. A log that is given up does not
    /// call: whoever coordinates it is told otherwise.
    func whenHighWatermarkMoves(from highWatermark: Int64, _ wake: @escaping @Sendable () -> Void)
    /// Calls `completion` once when all below `offset` is on stable storage, or can no longer get there, from any thread.
    func whenFlushed(to offset: Int64, _ completion: @escaping @Sendable (LogError?) -> Void)
}

extension CoordinatorLog {
    func place(of offset: Int64) -> String? { nil }
    var isOffline: Bool { false }
    var isSilent: Bool { false }
    var flushedOffset: Int64 { .max }
    func whenFlushed(to offset: Int64, _ completion: @escaping @Sendable (LogError?) -> Void) { completion(nil) }
    var storage: ObjectIdentifier { ObjectIdentifier(self as AnyObject) }
    func appendAtOnce(_ batch: Bytes) throws(LogError) -> CoordinatorAppended? { try append(batch) }
    func checkAtOnce(_ producer: CoordinatorProducer) -> ErrorCode? { check(producer) }
    func runLate(_ work: @escaping @Sendable () -> Void) { work() }
    func runReading(_ workers: WorkerPool, _ work: @escaping @Sendable () -> Void) { workers.submit(work) }
}

extension Partition: CoordinatorLog {
    var startOffset: Int64 { log.logStartOffset }
    var endOffset: Int64 { log.logEndOffset }
    var maxBatchBytes: Int { log.config.segmentBytes }

    var isOffline: Bool { log.isOffline }
    var isSilent: Bool { log.environment.directory.isSilent }
    var storage: ObjectIdentifier { ObjectIdentifier(log) }

    var flushedOffset: Int64 { log.recoveryPoint }

    func append(_ batch: Bytes) throws(LogError) -> CoordinatorAppended {
        let prepared = try log.prepare(batch, origin: .coordinator)
        return appended(try append(prepared, requiredAcks: -1, origin: .coordinator))
    }

    func appendAtOnce(_ batch: Bytes) throws(LogError) -> CoordinatorAppended? {
        switch try appendAtOnce(batch, requiredAcks: -1, origin: .coordinator) {
        case .done(let result): appended(result)
        case .wouldWait: nil
        }
    }

    // With flush.messages=1 the flush that was begun moves the high watermark.
    private func appended(_ result: AppendResult) -> CoordinatorAppended {
        CoordinatorAppended(
            endOffset: result.lastOffset + 1, awaitsFlush: result.awaitsFlush && !log.config.showsOnlyFlushed)
    }

    func whenFlushed(to offset: Int64, _ completion: @escaping @Sendable (LogError?) -> Void) {
        log.whenFlushed(to: offset, completion)
    }

    func check(_ producer: CoordinatorProducer) -> ErrorCode {
        log.check(producerId: producer.id, epoch: producer.epoch)
    }

    func checkAtOnce(_ producer: CoordinatorProducer) -> ErrorCode? {
        log.checkAtOnce(producerId: producer.id, epoch: producer.epoch)
    }

    func runLate(_ work: @escaping @Sendable () -> Void) { log.environment.appends(work) }

    // A disk that does not answer must not keep logs on others from being loaded, nor consumers who read what is cold.
    func runReading(_ workers: WorkerPool, _ work: @escaping @Sendable () -> Void) {
        (log.environment.loads ?? workers).submit(work)
    }

    func read(from offset: Int64, maxBytes: Int) throws(LogError) -> Bytes {
        let found = try log.read(from: offset, maxBytes: maxBytes)
        switch found.records {
        case .bytes(let bytes): return bytes
        case .files(let regions):
            // A read is of one segment.
            guard let region = regions.first else { return Bytes() }
            guard let bytes = region.load() else {
                throw LogError(.kafkaStorageError, "\(topicPartition): a segment is shorter than its index says")
            }
            return bytes
        }
    }

    func place(of offset: Int64) -> String? { log.place(of: offset).map { "\($0.path) at byte \($0.position)" } }

    func whenHighWatermarkMoves(from highWatermark: Int64, _ wake: @escaping @Sendable () -> Void) {
        let box = HighWatermarkWatch()
        let fetch = WaitingFetch(missingBytes: 1) { [self] in
            if let fetch = box.take() { stopWaiting(fetch) }
            wake()
        }
        box.set(fetch)
        // One that is closed never moves any more: who called at once would be asked again at once, for ever.
        if wait(fetch, since: highWatermark) ? isOffline : isOpen { fetch.wakeNow() }
    }
}

/// What a partition has to forget when it has called.
private final class HighWatermarkWatch: Sendable {
    private let fetch = Mutex<WaitingFetch?>(nil)

    func set(_ fetch: WaitingFetch) { self.fetch.withLock { $0 = fetch } }
    func take() -> WaitingFetch? { fetch.withLock { $0.take() } }
}
