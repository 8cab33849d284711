internal import Synchronization

/// The log of one partition: a sequence of segments, the last of which is appended to.
///
/// Appends are serialized by a lock for each log. Reads take only a short look at what is published and then read files
/// without any lock, so that they never wait for an append or an fsync.
public final class Log: Sendable {
    public let topicPartition: TopicPartition
    let knownTopicId: Mutex<Uuid?>

    let environment: LogEnvironment
    let folder: PartitionFolder
    let writer: Mutex<Writer>
    let published: Mutex<Published>
    let settings: Mutex<LogConfig>
    /// Held during an fsync: who comes meanwhile waits, and then finds that one fsync has served all.
    let flushing = Mutex(())
    private let recovered: Atomic<Int64>
    let isDeleted = Atomic<Bool>(false)
    let hasRolled = Atomic<Bool>(false)
    let flushQueue = Mutex(FlushQueue())
    /// Called when more is on stable storage than before.
    let flushObserver = Mutex<FlushObserver?>(nil)
    let isWritingBehind = Atomic<Bool>(false)
    /// Up to where consumers were shown records before this start, as far as the checkpoint knows.
    let shownEndOffset = Atomic<Int64>(0)
    let watermark = Atomic<Int64>(Int64.max)
    /// See ``lead(epoch:)``; -1 for none.
    private let leadingEpoch = Atomic<Int32>(-1)
    /// Where the first segment begins that was retired and whose files may still have their names.
    let firstRetiredOffset = Atomic<Int64>(.max)
    /// The largest start offset at which the records in front of it were on stable storage.
    let safeStart: Atomic<Int64>
    /// Where files were found to be damaged.
    let damagedPlaces = Mutex(DamagedPlaces())
    /// The last append found no room; said once.
    let isOutOfRoom = Atomic(false)
    /// The last flush that was due failed; said once.
    let isUnflushable = Atomic(false)
    /// Goes up when transaction indexes begin to be written anew and when they are: odd in between.
    let indexRebuilds = Atomic<Int>(0)
    /// Tells up to where consumers can see records now. Set by who serves the log, and asked where `delivery.delay.ms` is.
    let visibleEnd = Mutex<VisibleEnd?>(nil)
    /// Held while segments are exchanged, deleted or truncated, so that these take turns.
    let rearranging = Mutex(())
    /// Up to where the log has been cleaned; -1 when it never was, or nobody knows.
    let cleanedOffset = Atomic<Int64>(-1)

    /// Which transactions may begin here. Not the writer's, whom a disk may have: who asks must not wait.
    let verifications = Mutex(TransactionVerifications())

    /// What appends change.
    struct Writer: Sendable {
        var segments: [LogSegment]
        var endOffset: Int64
        var epochs: LeaderEpochs
        var producers: ProducerStates
        /// The producers as they were where the active segment begins, until the next flush has written them.
        var dueSnapshot: ProducerStates?
        var rollJitterMs: Int64 = 0
        var recordsSinceFlush: Int64 = 0
        var lastFlushMs: Int64
        /// Up to where in the active segment the kernel was told to begin to write.
        var writtenBehind: Int64 = 0
        /// Names in the directory that are not on stable storage yet.
        var hasNewFiles = false
        /// How often something was cut off.
        var truncations = 0
        /// Where something was to be cut off and could not be for a reason that passes: nothing is appended before it is.
        var unfinishedCut: Int64?
        /// Segments that are not part of the log any more, and whose files still have their names.
        var leftovers: [LogSegment] = []
        /// What retention has taken out of the log, the oldest first, and whose files still have their names.
        var retired: [LogSegment] = []
        var unfinishedSwap: UnfinishedSwap?
        var isClosed = false
        /// Where the log ended when all of it was last put away: files on stable storage, indexes complete, a snapshot of
        /// the producers. Nil when it was not, or has been changed other than by appends.
        var savedEnd: Int64?
    }

    /// What readers see.
    struct Published: Sendable {
        var segments: [LogSegment]
        var startOffset: Int64
        var endOffset: Int64
        var activeSize: Int64
        /// The writer's, whom readers of epochs must not wait for: a disk may have him.
        var epochs: LeaderEpochs
        var tail = TailMarks()
        var unstable = UnstableTransactions()
    }

    init(
        topicPartition: TopicPartition, topicId: Uuid?, environment: LogEnvironment, folder: PartitionFolder,
        config: LogConfig, state: Writer, startOffset: Int64, recoveryPoint: Int64
    ) {
        self.topicPartition = topicPartition
        knownTopicId = Mutex(topicId)
        self.environment = environment
        self.folder = folder
        published = Mutex(
            Published(
                segments: state.segments, startOffset: startOffset, endOffset: state.endOffset,
                activeSize: state.segments.last?.size ?? 0, epochs: state.epochs))
        settings = Mutex(config)
        recovered = Atomic(recoveryPoint)
        safeStart = Atomic(startOffset)
        writer = Mutex(state)
        published.withLock { $0.unstable.firstOpenOffset = state.producers.firstOpenTransactionOffset }
    }

    // MARK: Facts

    public var config: LogConfig { settings.withLock { $0 } }

    /// Puts changed settings into force, for what is appended, rolled and retained from now on.
    public func updateConfig(_ config: LogConfig) { settings.withLock { $0 = config } }

    /// The first offset that may be read.
    public var logStartOffset: Int64 { published.withLock { $0.startOffset } }
    /// The start offset as a checkpoint may name it: no further than the records in front of it were ever on stable storage,
    /// or power could leave a log that begins behind its end.
    var startToKeep: Int64 {
        let start = logStartOffset
        if recoveryPoint >= start { safeStart.store(start, ordering: .relaxed) }
        return min(start, safeStart.load(ordering: .relaxed))
    }
    /// The offset that the next record gets.
    public var logEndOffset: Int64 { published.withLock { $0.endOffset } }
    /// Everything below is on stable storage.
    public var recoveryPoint: Int64 { recovered.load(ordering: .acquiring) }
    public var directoryPath: String { folder.path }
    /// Whether the log's directory is offline.
    public var isOffline: Bool { environment.directory.isOffline }

    /// What the partition holds to be replicated. Retention removes nothing above it. Until it is set, the log's end.
    public var highWatermark: Int64 {
        get { min(watermark.load(ordering: .acquiring), logEndOffset) }
        set { watermark.store(newValue, ordering: .releasing) }
    }

    /// Bytes in all segments.
    public var size: Int64 {
        let segments = published.withLock { $0.segments }
        return segments.reduce(0) { $0 + $1.size }
    }

    /// Where a start would find the log to begin that has no checkpoint of its own.
    var firstOffsetOnDisk: Int64 { min(firstSegmentOffset, firstRetiredOffset.load(ordering: .acquiring)) }

    /// The base offset of the first segment, which is at most ``logStartOffset``.
    var firstSegmentOffset: Int64 { published.withLock { $0.segments.first?.baseOffset ?? $0.startOffset } }

    /// Where segments begin and when their files were last written to, oldest first, for the first version of
    /// ListOffsets. Looks at every segment's file.
    public func segmentStarts() throws(LogError) -> [(baseOffset: Int64, lastModifiedMs: Int64)] {
        var starts: [(baseOffset: Int64, lastModifiedMs: Int64)] = []
        for segment in published.withLock({ $0.segments }) {
            let path = folder.path + "/" + SegmentFileKind.log.fileName(baseOffset: segment.baseOffset)
            do throws(DiskError) {
                guard let modifiedMs = try environment.disk.modificationTimeMs(path) else { continue }
                starts.append((segment.baseOffset, modifiedMs))
            } catch {
                throw answer(to: error)
            }
        }
        return starts
    }

    public var segmentCount: Int { published.withLock { $0.segments.count } }

    func wereShown(upTo offset: Int64) { shownEndOffset.store(offset, ordering: .relaxed) }

    func setRecoveryPoint(_ offset: Int64) { recovered.store(offset, ordering: .releasing) }

    // MARK: Leader epochs

    /// The epoch of the newest records; nil when nothing was appended with an epoch.
    public var latestEpoch: Int32? { published.withLock { $0.epochs.latest } }

    /// The largest epoch up to `epoch` and the offset behind its last record, as OffsetForLeaderEpoch answers.
    /// - Returns: nil when nothing is known of such an epoch.
    public func endOffset(forLeaderEpoch epoch: Int32) -> (epoch: Int32, endOffset: Int64)? {
        let leading = leadingEpoch.load(ordering: .acquiring)
        return published.withLock { $0.epochs.endOffset(of: epoch, leading: leading, logEndOffset: $0.endOffset) }
    }

    /// The epoch of the record at `offset`, or of the leader where it has to append the next; nil when unknown.
    public func leaderEpoch(at offset: Int64) -> Int32? {
        let leading = leadingEpoch.load(ordering: .acquiring)
        return published.withLock { published -> Int32? in
            leading >= 0 && offset >= published.endOffset ? leading : published.epochs.epoch(at: offset)
        }
    }

    /// Notes that a leader of `epoch` begins to append: readers are told of it before there is a record. Waits for nothing.
    func lead(epoch: Int32) { leadingEpoch.store(epoch, ordering: .releasing) }

    // MARK: Shared by the parts

    /// Publishes the segment list and offsets of `writer` to readers.
    func publish(_ writer: Writer, startOffset: Int64? = nil) {
        published.withLock { published in
            published.segments = writer.segments
            published.endOffset = writer.endOffset
            published.activeSize = writer.segments.last?.size ?? 0
            published.epochs = writer.epochs
            published.startOffset = max(published.startOffset, startOffset ?? published.startOffset)
            published.tail.removeAll()
        }
    }

    /// The index of the segment that would hold `offset`: the last that does not begin behind it.
    static func segmentIndex(_ segments: [LogSegment], for offset: Int64) -> Int? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }

    /// The answer to an error below. A broken disk takes the directory offline; a full one or a damaged file does not.
    func answer(to fault: LogFault) -> LogError {
        switch fault {
        case .disk(let error): answer(to: error)
        case .damaged: LogError(fault)
        }
    }

    func answer(to error: DiskError) -> LogError {
        if error.isMissing { return answer(toMissing: error) }
        return error.isHarmless ? LogError(error) : environment.directory.fail(error)
    }
}
