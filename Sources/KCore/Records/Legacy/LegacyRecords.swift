/// Message sets of formats 0 and 1, from before Kafka 0.11: what old producers send and old consumers expect.
public enum LegacyRecords {
    /// Whether `bytes` begin with a message of format 0 or 1.
    public static func isLegacy(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > RecordBatchHeader.magicPosition else { return false }
        return (0...1).contains(Int8(bitPattern: bytes[RecordBatchHeader.magicPosition]))
    }

    /// All records of a message set, those of compressed messages included, as values of their own.
    /// - Parameter maxDecompressedBytes: what one wrapper's messages may take.
    /// - Throws: as ``forEachRecord(in:checkCRC:maxDecompressedBytes:_:)``.
    public static func read(
        _ set: Bytes, checkCRC: Bool = true, maxDecompressedBytes: Int = RecordBatchReader.defaultMaxDecompressedBytes
    ) throws(RecordsError) -> [Record] {
        var records: [Record] = []
        try set.withUnsafeBytes { bytes throws(RecordsError) in
            try forEachRecord(in: bytes, checkCRC: checkCRC, maxDecompressedBytes: maxDecompressedBytes) {
                view throws(RecordsError) in
                records.append(
                    Record(
                        offset: view.offset, timestamp: view.timestamp, key: view.key.map { Bytes(copying: $0) },
                        value: view.value.map { Bytes(copying: $0) }))
            }
        }
        return records
    }

    /// Calls `body` with each record of a message set, those of compressed messages included. The views are valid only
    /// during the call.
    /// - Throws: the errors of ``LegacyMessage/init(reading:checkCRC:)``; ``RecordsError/unknownCodec(_:)``;
    ///   ``RecordsError/badRecordCount(_:)`` for a wrapper without messages; ``RecordsError/badRecord(index:_:)`` for one
    ///   whose messages are compressed again, of another format, or at offsets that cannot be; what `body` throws.
    public static func forEachRecord(
        in set: UnsafeRawBufferPointer, checkCRC: Bool = true,
        maxDecompressedBytes: Int = RecordBatchReader.defaultMaxDecompressedBytes,
        _ body: (RecordView) throws(RecordsError) -> Void
    ) throws(RecordsError) {
        var rest = set
        while !rest.isEmpty {
            let message = try LegacyMessage(reading: rest, checkCRC: checkCRC)
            rest = UnsafeRawBufferPointer(rebasing: rest[message.sizeInBytes...])
            guard let codec = message.compression else { throw .unknownCodec(Int(message.attributes & 7)) }
            if codec == .none {
                try body(RecordView(message, offset: message.offset, timestamp: message.timestamp))
            } else {
                let inner = try decompress(message, codec, maxBytes: maxDecompressedBytes)
                try inner.withUnsafeBytes { bytes throws(RecordsError) in
                    try forEachInner(of: message, bytes, checkCRC, body)
                }
            }
        }
    }

    private static func decompress(
        _ wrapper: LegacyMessage, _ codec: CompressionCodec, maxBytes: Int
    ) throws(RecordsError) -> Bytes {
        guard let value = wrapper.value else { throw .badRecordCount(0) }
        guard codec == .lz4 else { return try codec.decompress(value, maxBytes: maxBytes) }
        return try LZ4.decompress(value, maxBytes: maxBytes, anyHeaderChecksum: true)
    }

    private static func forEachInner(
        of wrapper: LegacyMessage, _ set: UnsafeRawBufferPointer, _ checkCRC: Bool,
        _ body: (RecordView) throws(RecordsError) -> Void
    ) throws(RecordsError) {
        // The base offset depends on the last message, so all of them are looked at before the first is given away.
        var lastOffset: Int64?
        var index = 0
        var rest = set
        while !rest.isEmpty {
            let inner = try LegacyMessage(reading: rest, checkCRC: checkCRC)
            guard inner.magic == wrapper.magic else { throw .unsupportedMagic(inner.magic) }
            guard inner.compression == CompressionCodec.none else {
                throw .badRecord(index: index, .badLength(Int(inner.attributes)))
            }
            lastOffset = inner.offset
            index += 1
            rest = UnsafeRawBufferPointer(rebasing: rest[inner.sizeInBytes...])
        }
        guard let lastOffset else { throw .badRecordCount(0) }
        let baseOffset = try baseOffset(wrapper, lastInnerOffset: lastOffset, index: index - 1)
        rest = set
        while !rest.isEmpty {
            let inner = try LegacyMessage(reading: rest, checkCRC: false)
            let timestamp = wrapper.timestampType == .logAppendTime ? wrapper.timestamp : inner.timestamp
            try body(RecordView(inner, offset: baseOffset &+ inner.offset, timestamp: timestamp))
            rest = UnsafeRawBufferPointer(rebasing: rest[inner.sizeInBytes...])
        }
    }

    // In format 0 the offsets inside are absolute, in format 1 they count from the first message. A wrapper at 0 comes
    // from producers that do not count at all.
    private static func baseOffset(
        _ wrapper: LegacyMessage, lastInnerOffset: Int64, index: Int
    ) throws(RecordsError) -> Int64 {
        if wrapper.magic == 0 || wrapper.offset == 0 { return 0 }
        let (base, overflow) = wrapper.offset.subtractingReportingOverflow(lastInnerOffset)
        guard !overflow, base >= 0 else { throw .badRecord(index: index, .badOffset) }
        return base
    }
}

extension RecordView {
    init(_ message: LegacyMessage, offset: Int64, timestamp: Int64) {
        self.init(
            offset: offset, timestamp: timestamp, key: message.key, value: message.value,
            headers: RecordHeaderViews(count: 0, bytes: UnsafeRawBufferPointer(start: nil, count: 0)),
            sizeInBytes: message.sizeInBytes)
    }
}
