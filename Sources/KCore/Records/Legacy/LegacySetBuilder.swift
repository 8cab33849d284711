/// Writes a message set of format 0 or 1. Headers cannot be expressed in it and are left out.
public struct LegacySetBuilder {
    public let magic: Int8
    public let compression: CompressionCodec
    public let baseOffset: Int64
    /// Milliseconds: the time of append of every message; format 1 only.
    public let logAppendTimeMs: Int64?

    private var storage = ByteStorage(capacity: 4096)
    private var position = 0
    private var lastOffset: Int64 = 0
    private var maxTimestamp: Int64 = -1

    /// - Parameters:
    ///   - magic: 0 or 1.
    ///   - baseOffset: what offsets inside a compressed message of format 1 count from.
    /// - Throws: ``RecordsError/unsupportedMagic(_:)``, ``RecordsError/unknownCodec(_:)`` for zstd, which came later.
    public init(
        magic: Int8, compression: CompressionCodec = .none, baseOffset: Int64 = 0, logAppendTimeMs: Int64? = nil
    ) throws(RecordsError) {
        guard magic == 0 || magic == 1 else { throw .unsupportedMagic(magic) }
        guard compression != .zstd else { throw .unknownCodec(Int(compression.rawValue)) }
        self.magic = magic
        self.compression = compression
        self.baseOffset = baseOffset
        self.logAppendTimeMs = logAppendTimeMs
    }

    public var isEmpty: Bool { position == 0 }

    /// Appends a message.
    /// - Throws: ``RecordsError/tooLarge(limit:)``.
    public mutating func append(
        offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
    ) throws(RecordsError) {
        let timestamp = logAppendTimeMs ?? timestamp
        let isRelative = compression != .none && magic == 1
        try write(
            offset: isRelative ? offset &- baseOffset : offset, attributes: attributes(.none), timestamp: timestamp,
            key, value)
        lastOffset = offset
        maxTimestamp = max(maxTimestamp, timestamp)
    }

    /// The message set; compressed, it is one wrapper message. Empty when nothing was appended.
    /// - Throws: the errors of ``CompressionCodec/compress(_:level:reserving:)``.
    public mutating func close() throws(RecordsError) -> Bytes {
        let messages = Bytes(storage: storage, count: position)
        guard compression != .none, position > 0 else { return messages.isEmpty ? Bytes() : messages }
        let value = try messages.withUnsafeBytes { bytes throws(RecordsError) in try compression.compress(bytes) }
        if compression == .lz4 && magic == 0 { value.withUnsafeMutableBytes { LZ4HeaderChecksum.makeOld($0) } }
        storage = ByteStorage(capacity: LegacyMessage.overhead(magic: magic) + value.count)
        position = 0
        try value.withUnsafeBytes { bytes throws(RecordsError) in
            try write(
                offset: lastOffset, attributes: attributes(compression), timestamp: logAppendTimeMs ?? maxTimestamp,
                nil, bytes)
        }
        return Bytes(storage: storage, count: position)
    }

    private func attributes(_ codec: CompressionCodec) -> Int8 {
        codec.rawValue | (magic > 0 && logAppendTimeMs != nil ? 8 : 0)
    }

    private mutating func write(
        offset: Int64, attributes: Int8, timestamp: Int64, _ key: UnsafeRawBufferPointer?,
        _ value: UnsafeRawBufferPointer?
    ) throws(RecordsError) {
        let size = LegacyMessage.overhead(magic: magic) + (key?.count ?? 0) + (value?.count ?? 0)
        try reserve(size)
        let message = storage.base + position
        message.storeBigEndian(offset, 0)
        message.storeBigEndian(Int32(size - LegacyMessage.logOverhead), 8)
        message.storeBigEndian(magic, RecordBatchHeader.magicPosition)
        message.storeBigEndian(attributes, LegacyMessage.attributesPosition)
        if magic > 0 { message.storeBigEndian(timestamp, 18) }
        var field = LegacyMessage.keyPosition(magic: magic)
        for bytes in [key, value] {
            message.storeBigEndian(Int32(bytes?.count ?? -1), field)
            field += 4
            guard let bytes, let base = bytes.baseAddress else { continue }
            (message + field).copyMemory(from: base, byteCount: bytes.count)
            field += bytes.count
        }
        let covered = UnsafeRawBufferPointer(
            start: message + RecordBatchHeader.magicPosition, count: size - RecordBatchHeader.magicPosition)
        message.storeBigEndian(CRC32.checksum(covered), LegacyMessage.crcPosition)
        position += size
    }

    private mutating func reserve(_ byteCount: Int) throws(RecordsError) {
        guard byteCount <= RecordBatchBuilder.maxBatchBytes - position else {
            throw .tooLarge(limit: RecordBatchBuilder.maxBatchBytes)
        }
        guard byteCount > storage.capacity - position else { return }
        let larger = ByteStorage(capacity: max(storage.capacity * 2, position + byteCount))
        larger.base.copyMemory(from: storage.base, byteCount: position)
        storage = larger
    }
}
