/// The settings of a topic that its logs follow, with Kafka's defaults. -1 as a limit means "none" where Kafka says so.
public struct LogConfig: Equatable, Sendable {
    public struct CleanupPolicy: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let delete = CleanupPolicy(rawValue: 1)
        public static let compact = CleanupPolicy(rawValue: 2)
    }

    /// What `compression.type` asks for.
    public enum Compression: Equatable, Sendable {
        /// As the producer sent it.
        case producer
        case codec(CompressionCodec)
    }

    /// `segment.bytes`
    public var segmentBytes = 1 << 30
    /// `segment.ms`
    public var segmentMs: Int64 = 7 * 24 * 3_600_000
    /// `segment.jitter.ms`
    public var segmentJitterMs: Int64 = 0
    /// `segment.index.bytes`
    public var segmentIndexBytes = 10 << 20
    /// `index.interval.bytes`
    public var indexIntervalBytes = 4096
    /// `retention.ms`, -1 for no limit
    public var retentionMs: Int64 = 7 * 24 * 3_600_000
    /// `retention.bytes`, -1 for no limit
    public var retentionBytes: Int64 = -1
    /// `max.message.bytes`, of a whole batch
    public var maxMessageBytes = 1_048_588
    /// `cleanup.policy`
    public var cleanupPolicy: CleanupPolicy = .delete
    /// `compression.type`
    public var compression = Compression.producer
    /// `message.timestamp.type`
    public var messageTimestampType = TimestampType.createTime
    /// `message.timestamp.before.max.ms`
    public var messageTimestampBeforeMaxMs = Int64.max
    /// `message.timestamp.after.max.ms`
    public var messageTimestampAfterMaxMs = Int64.max
    /// `flush.messages`: records between two fsyncs
    public var flushMessages = Int64.max
    /// Whether every record is acknowledged, and shown to consumers, only when it is on stable storage.
    public var showsOnlyFlushed: Bool { flushMessages <= 1 }
    /// `flush.ms`
    public var flushMs = Int64.max
    /// `file.delete.delay.ms`
    public var fileDeleteDelayMs: Int64 = 60_000
    /// `min.insync.replicas`
    public var minInSyncReplicas: Int32 = 1
    /// `preallocate`
    public var preallocate = false
    /// `delete.retention.ms`
    public var deleteRetentionMs: Int64 = 86_400_000
    /// `min.cleanable.dirty.ratio`
    public var minCleanableDirtyRatio = 0.5
    /// `min.compaction.lag.ms`
    public var minCompactionLagMs: Int64 = 0
    /// `max.compaction.lag.ms`
    public var maxCompactionLagMs = Int64.max
    /// `compressed.records.check.enable`, this project's own: whether compressed batches are decoded when they are
    /// appended, to see that consumers will be able to.
    public var checksCompressedRecords = false
    /// `message.downconversion.enable`: whether records are converted for clients that cannot read format 2.
    public var convertsForOldClients = true
    /// `delivery.delay.ms`, this project's own: how old a record must be before consumers see it.
    public var deliveryDelayMs: Int64 = 0

    public init() {}

    /// How old a segment may become: a compacted log's records have to come out of the active one in time.
    var maxSegmentMs: Int64 { cleanupPolicy.contains(.compact) ? min(segmentMs, maxCompactionLagMs) : segmentMs }

    /// Entries that an index may have before its segment is rolled.
    var maxOffsetIndexEntries: Int { segmentIndexBytes / OffsetIndex.entrySize }
    var maxTimeIndexEntries: Int { segmentIndexBytes / TimeIndex.entrySize }
}
