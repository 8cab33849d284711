/// Reads the records of one batch of format 2. A compressed batch is decompressed once, when the reader is made.
public struct RecordBatchReader: Sendable {
    /// Bytes that the records of a batch may take decompressed, where the caller says nothing else.
    public static let defaultMaxDecompressedBytes = 256 << 20

    public let header: RecordBatchHeader
    /// The records section, decompressed.
    public let records: Bytes

    /// - Parameters:
    ///   - batch: begins with the batch; what follows it is not looked at.
    ///   - checkCRC: false where the checksum has been checked before.
    ///   - maxDecompressedBytes: what the records may take; a batch that needs more is refused before it takes it.
    /// - Throws: the errors of ``RecordBatchHeader/init(reading:)``, ``RecordsError/badCRC(stored:computed:)``,
    ///   ``RecordsError/tooLarge(limit:)``, and those of ``CompressionCodec/decompress(_:maxBytes:)``.
    public init(
        _ batch: Bytes, checkCRC: Bool = true,
        maxDecompressedBytes: Int = RecordBatchReader.defaultMaxDecompressedBytes
    ) throws(RecordsError) {
        let header = try batch.withUnsafeBytes { bytes throws(RecordsError) in
            let header = try RecordBatchHeader(reading: bytes)
            guard header.sizeInBytes <= bytes.count else {
                throw .truncated(needed: header.sizeInBytes, available: bytes.count)
            }
            if checkCRC { try header.checkCRC(in: bytes) }
            return header
        }
        let section = batch.slice(RecordBatchHeader.size..<header.sizeInBytes)
        guard let codec = header.attributes.compression else { throw .unknownCodec(header.attributes.compressionId) }
        self.header = header
        if codec == .none {
            records = section
        } else if header.recordCount == 0 {
            // What cleaning left of a batch need not have a compressed section at all.
            records = Bytes()
        } else {
            records = try section.withUnsafeBytes { bytes throws(RecordsError) in
                try codec.decompress(bytes, maxBytes: maxDecompressedBytes)
            }
        }
    }

    /// Calls `body` with each record where it lies. Nothing is allocated; the views are valid only during the call.
    /// - Throws: ``RecordsError/badRecord(index:_:)``, ``RecordsError/badRecordCount(_:)``, and what `body` throws.
    @inline(__always)
    public func forEachRecord(_ body: (RecordView) throws(RecordsError) -> Void) throws(RecordsError) {
        try records.withUnsafeBytes { bytes throws(RecordsError) in
            var cursor = try RecordCursor(records: bytes, header: header)
            while let record = try cursor.next() { try body(record) }
        }
    }

    /// All records, as values that share the memory of ``records``.
    /// - Throws: ``RecordsError/badRecord(index:_:)``, ``RecordsError/badRecordCount(_:)``.
    public func allRecords() throws(RecordsError) -> [Record] {
        var result: [Record] = []
        // The count is from outside: the cursor compares it with the bytes before a record is appended.
        result.reserveCapacity(min(max(Int(header.recordCount), 0), records.count / RecordCursor.minRecordBytes))
        try forEachRecord { view throws(RecordsError) in result.append(record(view)) }
        return result
    }

    /// `view`, which came from this reader, as a value that can be kept.
    public func record(_ view: RecordView) -> Record {
        var headers: [RecordHeader] = []
        if !view.headers.isEmpty {
            headers.reserveCapacity(view.headers.count)
            for header in view.headers {
                headers.append(
                    RecordHeader(key: String(decoding: header.key, as: UTF8.self), value: header.value.map(slice)))
            }
        }
        return Record(
            offset: view.offset, timestamp: view.timestamp, key: view.key.map(slice), value: view.value.map(slice),
            headers: headers)
    }

    private func slice(_ field: UnsafeRawBufferPointer) -> Bytes {
        records.withUnsafeBytes { all in
            guard let base = all.baseAddress, let start = field.baseAddress else { return Bytes() }
            return records.slice(start - base..<start - base + field.count)
        }
    }
}
