/// What a batch says about itself beside its records.
public struct BatchOptions: Sendable {
    public var compression = CompressionCodec.none
    /// Nil for the codec's default, as `compression.gzip.level` and the like have it.
    public var compressionLevel: Int?
    /// 0 from a producer; the leader sets it.
    public var baseOffset: Int64 = 0
    public var partitionLeaderEpoch: Int32 = -1
    public var producerId: Int64 = -1
    public var producerEpoch: Int16 = -1
    public var baseSequence: Int32 = -1
    public var isTransactional = false
    public var isControl = false
    /// Milliseconds: makes this the timestamp of every record (`LogAppendTime`).
    public var logAppendTimeMs: Int64?
    /// Milliseconds, see ``RecordBatchHeader/deleteHorizonMs``.
    public var deleteHorizonMs: Int64?
    /// The last offset minus the base offset, where it is not that of the last record: cleaning keeps it.
    public var lastOffsetDelta: Int32?

    public init(compression: CompressionCodec = .none, compressionLevel: Int? = nil) {
        self.compression = compression
        self.compressionLevel = compressionLevel
    }

    /// What the batch with this header says about itself, for writing it anew with other records.
    public init(keeping header: RecordBatchHeader) {
        compression = header.attributes.compression ?? .none
        baseOffset = header.baseOffset
        partitionLeaderEpoch = header.partitionLeaderEpoch
        producerId = header.producerId
        producerEpoch = header.producerEpoch
        baseSequence = header.baseSequence
        isTransactional = header.isTransactional
        isControl = header.isControl
        logAppendTimeMs = header.attributes.timestampType == .logAppendTime ? header.maxTimestamp : nil
        deleteHorizonMs = header.deleteHorizonMs
        lastOffsetDelta = header.lastOffsetDelta
    }
}
