/// How a broker keeps its logs. Names in comments are the broker settings.
public struct LogManagerOptions: Sendable {
    /// `log.dirs`
    public var directories: [String]
    /// Files that segments keep open at a time; a share of the process's limit.
    public var maxOpenFiles = LogManagerOptions.mostOpenFiles
    static let mostOpenFiles = 4096
    /// `num.recovery.threads.per.data.dir`; with 0 the thread that loads does everything, one after the other.
    public var recoveryThreads = 2
    /// Logs that are closed at a time. Closing waits for disks, and several waits take as long as one.
    public var closingThreads = 1
    /// Threads of each directory that read what is not in memory.
    public var readerThreads = 4
    /// After how long without an answer a disk is not waited for any more where others can go on: longer than what makes or
    /// deletes a partition takes on any disk that does anything else.
    public var hangingMs: Int64 = 5000
    /// After how long without an answer of the disk appends are refused, as long as there is another directory that does
    /// answer. Longer than `hangingMs`: a disk that is slow with an fsync takes appends all the same.
    public var silentMs: Int64 = 30_000
    /// After how long without an answer a log directory is offline, as long as there is another one that does answer. Much
    /// longer than an fsync takes on a disk that is merely slow: only the next start takes the directory back.
    public var answerTimeoutMs: Int64 = 300_000
    /// How long a stop waits for directories when nothing gets done in any of them. Longer than any fsync takes on a disk that
    /// is merely slow, since the kernel is told to write early; shorter than service managers wait.
    public var stopTimeoutMs: Int64 = 30_000
    /// `log.flush.scheduler.interval.ms`: how often `flush.ms` of topics is looked at. Kafka's default is "never".
    public var flushCheckIntervalMs: Int64 = 1000
    /// `log.flush.offset.checkpoint.interval.ms` and `log.flush.start.offset.checkpoint.interval.ms`
    public var checkpointIntervalMs: Int64 = 60_000
    /// `replica.high.watermark.checkpoint.interval.ms`
    public var highWatermarkCheckpointIntervalMs: Int64 = 5000
    /// `log.retention.check.interval.ms`
    public var retentionCheckIntervalMs: Int64 = 300_000
    /// `producer.id.expiration.ms`
    public var producerIdExpirationMs: Int64 = 86_400_000
    /// `producer.id.expiration.check.interval.ms`
    public var producerIdExpirationCheckIntervalMs: Int64 = 600_000
    /// `transaction.partition.verification.enable`
    public var verifiesTransactions = false
    /// `file.delete.delay.ms` for the directories of deleted partitions.
    public var fileDeleteDelayMs: Int64 = 60_000

    public var cleaner = CleanerOptions()

    public init(directories: [String]) { self.directories = directories }
}

/// A log directory as DescribeLogDirs tells it.
public struct LogDirectoryDescription: Sendable {
    public var path: String
    /// Why it is offline; nil when it is in order.
    public var error: String?
    /// Bytes of its file system.
    public var totalBytes: Int64
    public var usableBytes: Int64
    /// Bytes of each partition's log.
    public var sizes: [TopicPartition: Int64]
}
