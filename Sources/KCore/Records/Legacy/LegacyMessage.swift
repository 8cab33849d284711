/// A message of format 0 or 1 where it lies; valid only as long as that memory is.
///
///     0  offset 8 | 8 size 4 | 12 crc 4 | 16 magic 1 | 17 attributes 1 | 18 timestamp 8, format 1 only
///     then: keyLength 4, key | valueLength 4, value
///
/// `size` counts what follows it, and the checksum covers what follows it. A compressed set of messages is the value of a
/// wrapper message, whose offset is that of the last message inside.
public struct LegacyMessage {
    static let logOverhead = 12
    static let crcPosition = 12
    static let attributesPosition = 17

    public var offset: Int64
    /// Bytes of the message with offset and size.
    public var sizeInBytes: Int
    /// 0 or 1.
    public var magic: Int8
    /// Bits 0 to 2 the codec, bit 3 the timestamp type.
    public var attributes: Int8
    /// Milliseconds; -1 in format 0.
    public var timestamp: Int64
    public var key: UnsafeRawBufferPointer?
    public var value: UnsafeRawBufferPointer?

    /// Where the key's length stands.
    static func keyPosition(magic: Int8) -> Int { magic == 0 ? 18 : 26 }
    /// Bytes of a message without key and value.
    static func overhead(magic: Int8) -> Int { keyPosition(magic: magic) + 8 }

    /// Nil for the numbers that no codec has. zstd came after these formats.
    public var compression: CompressionCodec? {
        CompressionCodec(rawValue: attributes & 7).flatMap { $0 == .zstd ? nil : $0 }
    }

    public var timestampType: TimestampType { magic > 0 && attributes & 8 != 0 ? .logAppendTime : .createTime }

    /// Reads the message at the start of `bytes`.
    /// - Throws: ``RecordsError/truncated(needed:available:)``, ``RecordsError/unsupportedMagic(_:)`` for any format but
    ///   0 and 1, ``RecordsError/badBatchLength(_:)``, ``RecordsError/badCRC(stored:computed:)``,
    ///   ``RecordsError/badRecord(index:_:)``.
    public init(reading bytes: UnsafeRawBufferPointer, checkCRC: Bool = true) throws(RecordsError) {
        guard let base = bytes.baseAddress, bytes.count > LegacyMessage.attributesPosition else {
            throw .truncated(needed: LegacyMessage.overhead(magic: 0), available: bytes.count)
        }
        magic = base.bigEndian(RecordBatchHeader.magicPosition)
        guard magic == 0 || magic == 1 else { throw .unsupportedMagic(magic) }
        let size = Int(base.bigEndian(8, as: Int32.self))
        sizeInBytes = size + LegacyMessage.logOverhead
        guard sizeInBytes >= LegacyMessage.overhead(magic: magic) else { throw .badBatchLength(size) }
        guard sizeInBytes <= bytes.count else { throw .truncated(needed: sizeInBytes, available: bytes.count) }
        if checkCRC {
            let stored: UInt32 = base.bigEndian(LegacyMessage.crcPosition)
            let covered = UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.magicPosition..<sizeInBytes])
            let computed = CRC32.checksum(covered)
            guard stored == computed else { throw .badCRC(stored: stored, computed: computed) }
        }
        offset = base.bigEndian(0)
        attributes = base.bigEndian(LegacyMessage.attributesPosition)
        timestamp = magic == 0 ? -1 : base.bigEndian(18)
        var position = LegacyMessage.keyPosition(magic: magic)
        do throws(RecordFault) {
            key = try LegacyMessage.field(base, &position, end: sizeInBytes)
            value = try LegacyMessage.field(base, &position, end: sizeInBytes)
            guard position == sizeInBytes else { throw .trailingBytes(sizeInBytes - position) }
        } catch {
            throw .badRecord(index: 0, error)
        }
    }

    private static func field(
        _ base: UnsafeRawPointer, _ position: inout Int, end: Int
    ) throws(RecordFault) -> UnsafeRawBufferPointer? {
        guard end - position >= 4 else { throw .truncated }
        let length = Int(base.bigEndian(position, as: Int32.self))
        position += 4
        guard length >= -1 else { throw .badLength(length) }
        if length == -1 { return nil }
        guard length <= end - position else { throw .truncated }
        defer { position += length }
        return UnsafeRawBufferPointer(start: base + position, count: length)
    }
}
