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

    /// All records, as values that share the memory of ``records``. Counting references makes this several times slower
    /// than ``forEachRecord(_:)``.
    /// - Throws: ``RecordsError/badRecord(index:_:)``, ``RecordsError/badRecordCount(_:)``.
    public func allRecords() throws(RecordsError) -> [Record] {
        guard let storage = records.storage else {
            guard header.recordCount == 0 else { throw .badRecordCount(Int(header.recordCount)) }
            return []
        }
        defer { withExtendedLifetime(storage) {} }
        let bytes = UnsafeRawBufferPointer(start: storage.base + records.offset, count: records.count)
        // Refuses a count that the bytes cannot hold, before memory is taken for it.
        var cursor = try RecordCursor(records: bytes, header: header)
        var result: [Record] = []
        result.reserveCapacity(Int(header.recordCount))
        while let view = try cursor.next() { result.append(Record(view, in: storage)) }
        return result
    }

    /// `view`, which came from this reader, as a value that can be kept.
    public func record(_ view: RecordView) -> Record {
        // Without memory there was no view; this one's fields are empty at best.
        Record(view, in: records.storage ?? ByteStorage(capacity: 1))
    }
}

extension Record {
    @inline(__always)
    fileprivate init(_ view: RecordView, in storage: ByteStorage) {
        self.init(
            offset: view.offset, timestamp: view.timestamp, key: Record.slice(view.key, of: storage),
            value: Record.slice(view.value, of: storage),
            headers: view.headers.isEmpty ? [] : Record.headers(view.headers, in: storage))
    }

    @inline(never)
    private static func headers(_ views: RecordHeaderViews, in storage: ByteStorage) -> [RecordHeader] {
        views.map { RecordHeader(key: String(decoding: $0.key, as: UTF8.self), value: slice($0.value, of: storage)) }
    }

    @inline(__always)
    private static func slice(_ field: UnsafeRawBufferPointer?, of storage: ByteStorage) -> Bytes? {
        guard let field else { return nil }
        guard let start = field.baseAddress, !field.isEmpty else { return Bytes() }
        return Bytes(storage: storage, offset: start - UnsafeRawPointer(storage.base), count: field.count)
    }
}
