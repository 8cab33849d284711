/// The first 61 bytes of a record batch of format 2, big-endian:
///
///     0  baseOffset          8 | 12 partitionLeaderEpoch 4 | 16 magic            1 | 17 crc             4
///     8  batchLength         4 | 21 attributes           2 | 23 lastOffsetDelta  4 | 27 baseTimestamp   8
///     35 maxTimestamp        8 | 43 producerId           8 | 51 producerEpoch    2 | 53 baseSequence    4
///     57 recordCount         4 | 61 records, compressed as the attributes say
///
/// `batchLength` counts what follows it. The checksum covers what follows it, from the attributes on, so that a broker
/// can set offset and leader epoch without computing it again.
public struct RecordBatchHeader: Equatable, Sendable {
    /// Bytes of a header.
    public static let size = 61
    /// Bytes in front of what `batchLength` counts.
    public static let logOverhead = 12
    /// The format that is written.
    public static let magic: Int8 = 2

    public var baseOffset: Int64 = 0
    /// Bytes of the batch without the first 12.
    public var batchLength: Int32 = Int32(RecordBatchHeader.size - RecordBatchHeader.logOverhead)
    /// -1 until a leader has set it.
    public var partitionLeaderEpoch: Int32 = -1
    public var magic: Int8 = RecordBatchHeader.magic
    public var crc: UInt32 = 0
    public var attributes = BatchAttributes(rawValue: 0)
    /// Of the last record that was ever in the batch; cleaning keeps it.
    public var lastOffsetDelta: Int32 = -1
    /// Milliseconds, of the first record; or the delete horizon, see ``BatchAttributes/hasDeleteHorizon``.
    public var baseTimestamp: Int64 = -1
    /// Milliseconds; the time of append where the timestamp type says so.
    public var maxTimestamp: Int64 = -1
    /// -1 without idempotence.
    public var producerId: Int64 = -1
    public var producerEpoch: Int16 = -1
    /// -1 without idempotence.
    public var baseSequence: Int32 = -1
    public var recordCount: Int32 = 0

    public init() {}

    // Where the fields are.
    static let lengthPosition = 8
    static let leaderEpochPosition = 12
    static let magicPosition = 16
    static let crcPosition = 17
    static let attributesPosition = 21
    static let lastOffsetDeltaPosition = 23
    static let baseTimestampPosition = 27
    static let maxTimestampPosition = 35
    static let producerIdPosition = 43
    static let producerEpochPosition = 51
    static let baseSequencePosition = 53
    static let recordCountPosition = 57

    /// Bytes of the whole batch.
    public var sizeInBytes: Int { Int(batchLength) + RecordBatchHeader.logOverhead }
    public var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }
    /// The sequence number of the last record, which wraps to 0 after `Int32.max`; -1 without idempotence.
    public var lastSequence: Int32 {
        baseSequence < 0 ? -1 : Int32((Int64(baseSequence) + Int64(lastOffsetDelta)) & Int64(Int32.max))
    }
    public var isCompressed: Bool { attributes.compressionId != 0 }
    public var isTransactional: Bool { attributes.isTransactional }
    public var isControl: Bool { attributes.isControl }
    public var hasProducerId: Bool { producerId >= 0 }
    /// When the cleaner may drop the batch's tombstones, in milliseconds; nil when that is not set.
    public var deleteHorizonMs: Int64? { attributes.hasDeleteHorizon ? baseTimestamp : nil }

    /// Reads the header at the start of `bytes`, which need not hold the rest of the batch. The checksum is not looked at.
    /// - Throws: ``RecordsError/truncated(needed:available:)``, ``RecordsError/unsupportedMagic(_:)`` for any format but
    ///   2, ``RecordsError/badBatchLength(_:)``.
    public init(reading bytes: UnsafeRawBufferPointer) throws(RecordsError) {
        guard let base = bytes.baseAddress, bytes.count > RecordBatchHeader.magicPosition else {
            throw .truncated(needed: RecordBatchHeader.size, available: bytes.count)
        }
        // Older formats have the number at the same place; their messages can be shorter than this header.
        magic = base.load(fromByteOffset: RecordBatchHeader.magicPosition, as: Int8.self)
        guard magic == RecordBatchHeader.magic else { throw .unsupportedMagic(magic) }
        batchLength = base.bigEndian(RecordBatchHeader.lengthPosition)
        guard batchLength >= RecordBatchHeader.size - RecordBatchHeader.logOverhead else {
            throw .badBatchLength(Int(batchLength))
        }
        guard bytes.count >= RecordBatchHeader.size else {
            throw .truncated(needed: RecordBatchHeader.size, available: bytes.count)
        }
        baseOffset = base.bigEndian(0)
        partitionLeaderEpoch = base.bigEndian(RecordBatchHeader.leaderEpochPosition)
        crc = base.bigEndian(RecordBatchHeader.crcPosition)
        attributes = BatchAttributes(rawValue: base.bigEndian(RecordBatchHeader.attributesPosition))
        lastOffsetDelta = base.bigEndian(RecordBatchHeader.lastOffsetDeltaPosition)
        baseTimestamp = base.bigEndian(RecordBatchHeader.baseTimestampPosition)
        maxTimestamp = base.bigEndian(RecordBatchHeader.maxTimestampPosition)
        producerId = base.bigEndian(RecordBatchHeader.producerIdPosition)
        producerEpoch = base.bigEndian(RecordBatchHeader.producerEpochPosition)
        baseSequence = base.bigEndian(RecordBatchHeader.baseSequencePosition)
        recordCount = base.bigEndian(RecordBatchHeader.recordCountPosition)
    }

    /// Writes the header, the checksum as it is in ``crc``.
    /// - Precondition: `target` has room for ``size`` bytes.
    public func write(to target: UnsafeMutableRawPointer) {
        target.storeBigEndian(baseOffset, 0)
        target.storeBigEndian(batchLength, RecordBatchHeader.lengthPosition)
        target.storeBigEndian(partitionLeaderEpoch, RecordBatchHeader.leaderEpochPosition)
        target.storeBigEndian(magic, RecordBatchHeader.magicPosition)
        target.storeBigEndian(crc, RecordBatchHeader.crcPosition)
        target.storeBigEndian(attributes.rawValue, RecordBatchHeader.attributesPosition)
        target.storeBigEndian(lastOffsetDelta, RecordBatchHeader.lastOffsetDeltaPosition)
        target.storeBigEndian(baseTimestamp, RecordBatchHeader.baseTimestampPosition)
        target.storeBigEndian(maxTimestamp, RecordBatchHeader.maxTimestampPosition)
        target.storeBigEndian(producerId, RecordBatchHeader.producerIdPosition)
        target.storeBigEndian(producerEpoch, RecordBatchHeader.producerEpochPosition)
        target.storeBigEndian(baseSequence, RecordBatchHeader.baseSequencePosition)
        target.storeBigEndian(recordCount, RecordBatchHeader.recordCountPosition)
    }
}
