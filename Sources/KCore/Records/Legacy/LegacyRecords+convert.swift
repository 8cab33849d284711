extension LegacyRecords {
    /// Makes one batch of format 2 of what an old producer sent: offsets count from 0 whatever the messages say, and
    /// messages of format 0 get the timestamp -1.
    /// - Parameters:
    ///   - compression: nil for the codec that the producer used.
    ///   - maxDecompressedBytes: what one wrapper's messages may take.
    /// - Throws: the errors of ``forEachRecord(in:checkCRC:maxDecompressedBytes:_:)`` and of
    ///   ``RecordBatchBuilder/close()``; ``RecordsError/badRecordCount(_:)`` for a set without messages.
    public static func convertUp(
        _ set: Bytes, compression: CompressionCodec? = nil, compressionLevel: Int? = nil,
        maxDecompressedBytes: Int = RecordBatchReader.defaultMaxDecompressedBytes
    ) throws(RecordsError) -> Bytes {
        try set.withUnsafeBytes { bytes throws(RecordsError) in
            let builder = RecordBatchBuilder(capacity: set.count + RecordBatchHeader.size)
            try forEachRecord(in: bytes, maxDecompressedBytes: maxDecompressedBytes) { view throws(RecordsError) in
                try builder.append(timestamp: view.timestamp, key: view.key, value: view.value)
            }
            guard !builder.isEmpty else { throw .badRecordCount(0) }
            let source = try sourceCodec(bytes)
            builder.options.compression = compression ?? source
            builder.options.compressionLevel = compressionLevel
            return try builder.close()
        }
    }

    private static func sourceCodec(_ set: UnsafeRawBufferPointer) throws(RecordsError) -> CompressionCodec {
        try LegacyMessage(reading: set, checkCRC: false).compression ?? .none
    }

    /// Makes messages of format 0 or 1 of stored batches, for an old consumer: headers are dropped, control batches left
    /// out, offsets and codecs kept, batches that are old enough taken as they are.
    /// - Parameters:
    ///   - batches: whole batches; what the buffer's end cuts off is left out.
    ///   - magic: 0 or 1.
    ///   - firstOffset: where the consumer wants to begin. Records before it are left out of batches that are not
    ///     compressed, because consumers from before compression skip nothing.
    ///   - maxDecompressedBytes: what one batch's records may take.
    /// - Throws: ``RecordsError/unknownCodec(_:)`` for batches compressed with zstd, which old consumers do not know; the
    ///   errors of ``RecordBatchReader``, ``LegacyMessage/init(reading:checkCRC:)`` and ``LegacySetBuilder``.
    public static func convertDown(
        _ batches: Bytes, to magic: Int8, firstOffset: Int64 = 0,
        maxDecompressedBytes: Int = RecordBatchReader.defaultMaxDecompressedBytes
    ) throws(RecordsError) -> Bytes {
        guard magic == 0 || magic == 1 else { throw .unsupportedMagic(magic) }
        var pieces: [Bytes] = []
        var position = 0
        while let batch = try nextBatch(batches, &position) {
            let converted =
                switch batch.magic {
                case ...magic: batch.bytes
                case 1: try convertDown(message: batch.bytes, to: magic, maxDecompressedBytes)
                default: try convertDown(batch: batch.bytes, to: magic, firstOffset, maxDecompressedBytes)
                }
            if !converted.isEmpty { pieces.append(converted) }
        }
        return joined(pieces)
    }

    // A batch of any format; nil at the end or where the buffer cuts the batch off.
    private static func nextBatch(
        _ batches: Bytes, _ position: inout Int
    ) throws(RecordsError) -> (bytes: Bytes, magic: Int8)? {
        let rest = batches.slice(position..<batches.count)
        guard rest.count > RecordBatchHeader.magicPosition else { return nil }
        let magic = Int8(bitPattern: rest[RecordBatchHeader.magicPosition])
        do {
            let size = try rest.withUnsafeBytes { bytes throws(RecordsError) in
                magic < RecordBatchHeader.magic
                    ? try LegacyMessage(reading: bytes, checkCRC: false).sizeInBytes
                    : try RecordBatchHeader(reading: bytes).sizeInBytes
            }
            guard size <= rest.count else { return nil }
            position += size
            return (rest.slice(0..<size), magic)
        } catch .truncated {
            return nil
        }
    }

    private static func convertDown(
        batch: Bytes, to magic: Int8, _ firstOffset: Int64, _ maxDecompressedBytes: Int
    ) throws(RecordsError) -> Bytes {
        let header = try batch.withUnsafeBytes { bytes throws(RecordsError) in try RecordBatchHeader(reading: bytes) }
        if header.isControl { return Bytes() }
        // No CRC covers it. An offset that no log gives would make a wrapper that nobody can read.
        guard header.baseOffset >= 0 else { throw .badRecord(index: 0, .badOffset) }
        guard let codec = header.attributes.compression else { throw .unknownCodec(header.attributes.compressionId) }
        let isLogAppendTime = header.attributes.timestampType == .logAppendTime
        var builder = try LegacySetBuilder(
            magic: magic, compression: codec, baseOffset: header.baseOffset,
            logAppendTimeMs: isLogAppendTime ? header.maxTimestamp : nil)
        let reader = try RecordBatchReader(batch, maxDecompressedBytes: maxDecompressedBytes)
        try reader.forEachRecord { view throws(RecordsError) in
            guard view.offset >= header.baseOffset else { throw .badRecord(index: 0, .badOffset) }
            guard codec != .none || view.offset >= firstOffset else { return }
            try builder.append(offset: view.offset, timestamp: view.timestamp, key: view.key, value: view.value)
        }
        return try builder.close()
    }

    // From format 1 to 0.
    private static func convertDown(
        message: Bytes, to magic: Int8, _ maxDecompressedBytes: Int
    ) throws(RecordsError) -> Bytes {
        try message.withUnsafeBytes { bytes throws(RecordsError) in
            var builder = try LegacySetBuilder(magic: magic, compression: try sourceCodec(bytes))
            try forEachRecord(in: bytes, maxDecompressedBytes: maxDecompressedBytes) { view throws(RecordsError) in
                try builder.append(offset: view.offset, timestamp: view.timestamp, key: view.key, value: view.value)
            }
            return try builder.close()
        }
    }

    private static func joined(_ pieces: [Bytes]) -> Bytes {
        if pieces.count <= 1 { return pieces.first ?? Bytes() }
        let storage = ByteStorage(capacity: pieces.reduce(0) { $0 + $1.count })
        var position = 0
        for piece in pieces {
            piece.withUnsafeBytes {
                if let base = $0.baseAddress { (storage.base + position).copyMemory(from: base, byteCount: $0.count) }
            }
            position += piece.count
        }
        return Bytes(storage: storage, count: position)
    }
}
