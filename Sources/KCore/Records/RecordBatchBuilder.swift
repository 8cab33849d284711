/// Writes records straight into a batch of format 2. Nothing is allocated for a record but what the buffer grows by.
///
///     let builder = RecordBatchBuilder(BatchOptions(compression: .lz4), capacity: 16 << 10)
///     try builder.append(timestamp: now, key: key, value: value)
///     let batch = try builder.close()
///
/// Used by one thread at a time. Its variables are not watched for overlapping access: no method hands control to code
/// that could call another.
public final class RecordBatchBuilder {
    /// Bytes that a record takes at most beside its key, value and headers: what Kafka reckons with, too.
    public static let maxRecordOverhead = 21
    /// Bytes of the largest batch, which the sign of its length field leaves.
    public static let maxBatchBytes = Int(Int32.max)

    /// May be changed until the batch is closed.
    @exclusivity(unchecked) public var options: BatchOptions
    /// Bytes that are expected to remain of a byte by compression, for ``estimatedSizeInBytes``.
    @exclusivity(unchecked) public var compressionRatio = 1.0

    @exclusivity(unchecked) private var storage: ByteStorage?
    @exclusivity(unchecked) private var base: UnsafeMutableRawPointer
    @exclusivity(unchecked) private var capacity = 0
    @exclusivity(unchecked) private var position = RecordBatchHeader.size
    @exclusivity(unchecked) private var count = 0
    @exclusivity(unchecked) private var nextDelta = 0
    @exclusivity(unchecked) private var baseTimestamp: Int64 = -1
    @exclusivity(unchecked) private var maxTimestamp: Int64 = -1
    private let initialCapacity: Int

    /// - Parameter capacity: bytes to begin with, best the size that the batch will have.
    public init(_ options: BatchOptions = BatchOptions(), capacity: Int = 4096) {
        self.options = options
        initialCapacity = max(capacity, RecordBatchHeader.size + RecordBatchBuilder.maxRecordOverhead)
        let storage = ByteStorage(capacity: initialCapacity)
        base = storage.base
        self.capacity = storage.capacity
        self.storage = storage
    }

    /// Records so far.
    public var recordCount: Int { count }
    public var isEmpty: Bool { count == 0 }
    /// Bytes of the batch so far, not compressed.
    public var uncompressedSizeInBytes: Int { position }
    /// Bytes that the batch so far is expected to have once it is closed.
    public var estimatedSizeInBytes: Int {
        guard options.compression != .none else { return position }
        return RecordBatchHeader.size + Int(Double(position - RecordBatchHeader.size) * compressionRatio)
    }

    /// Bytes that a batch of one record takes at most, not compressed.
    /// - Parameter headersSize: bytes of the encoded headers, at least 1 for their count.
    public static func maxSizeInBytes(keySize: Int, valueSize: Int, headersSize: Int = 1) -> Int {
        RecordBatchHeader.size + maxRecordOverhead + keySize + valueSize + headersSize
    }

    /// Appends a record; its offset follows that of the one before.
    /// - Parameters:
    ///   - timestamp: milliseconds.
    ///   - key: nil for none.
    ///   - value: nil for a tombstone.
    /// - Throws: ``RecordsError/tooLarge(limit:)``; the batch then is as it was.
    @inline(__always)
    public func append(
        timestamp: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
    ) throws(RecordsError) {
        try append(delta: nextDelta, timestamp, key, value, headersSize: 1) { target in
            target.storeBytes(of: 0, as: UInt8.self)
        }
    }

    /// Appends a record with headers.
    @inline(__always)
    public func append(
        timestamp: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: EncodedHeaders
    ) throws(RecordsError) {
        try headers.bytes.withUnsafeBytes { encoded throws(RecordsError) in
            try append(delta: nextDelta, timestamp, key, value, headersSize: encoded.count) { target in
                if let base = encoded.baseAddress { target.copyMemory(from: base, byteCount: encoded.count) }
            }
        }
    }

    /// Appends a record that is no view, for callers that are not in a hurry.
    public func append(
        timestamp: Int64, key: Bytes?, value: Bytes?, headers: [RecordHeader] = []
    ) throws(RecordsError) {
        let offset = options.baseOffset &+ Int64(nextDelta)
        try append(Record(offset: offset, timestamp: timestamp, key: key, value: value, headers: headers))
    }

    /// Appends a record at its own offset.
    /// - Throws: ``RecordsError/badRecord(index:_:)`` when the offset is not above the one before, or too far from the
    ///   base offset; ``RecordsError/tooLarge(limit:)``.
    public func append(_ record: Record) throws(RecordsError) {
        let delta = try delta(of: record.offset)
        let headers = EncodedHeaders(record.headers)
        let key = record.key ?? Bytes()
        let value = record.value ?? Bytes()
        try key.withUnsafeBytes { keyBytes throws(RecordsError) in
            try value.withUnsafeBytes { valueBytes throws(RecordsError) in
                try headers.bytes.withUnsafeBytes { encoded throws(RecordsError) in
                    try append(
                        delta: delta, record.timestamp, record.key == nil ? nil : keyBytes,
                        record.value == nil ? nil : valueBytes, headersSize: encoded.count
                    ) { target in
                        if let base = encoded.baseAddress { target.copyMemory(from: base, byteCount: encoded.count) }
                    }
                }
            }
        }
    }

    /// Appends a record of another batch at its own offset, without making values of it: for the cleaner.
    /// - Throws: as ``append(_:)``.
    public func append(_ view: RecordView) throws(RecordsError) {
        let delta = try delta(of: view.offset)
        let headers = view.headers
        let headersSize = Varint.size(Int64(headers.count)) + headers.sizeInBytes
        try append(delta: delta, view.timestamp, view.key, view.value, headersSize: headersSize) { target in
            let length = Varint.write(Int64(headers.count), to: target)
            headers.copyBytes(to: target + length)
        }
    }

    private func delta(of offset: Int64) throws(RecordsError) -> Int {
        let (delta, overflow) = offset.subtractingReportingOverflow(options.baseOffset)
        guard !overflow, delta >= nextDelta, delta <= Int64(Int32.max) else {
            throw .badRecord(index: count, .badOffset)
        }
        return Int(delta)
    }

    @inline(__always)
    private func append(
        delta: Int, _ timestamp: Int64, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?,
        headersSize: Int, writeHeaders: (UnsafeMutableRawPointer) -> Void
    ) throws(RecordsError) {
        if count == 0 { baseTimestamp = options.deleteHorizonMs ?? timestamp }
        let timestampDelta = timestamp &- baseTimestamp
        let keyCount = key?.count ?? 0
        let valueCount = value?.count ?? 0
        let length =
            1 &+ Varint.size(timestampDelta) &+ Varint.size(Int64(delta))
            &+ (key == nil ? 1 : Varint.size(Int64(keyCount))) &+ keyCount
            &+ (value == nil ? 1 : Varint.size(Int64(valueCount))) &+ valueCount &+ headersSize
        guard delta <= Int(Int32.max) else { throw .badRecord(index: count, .badOffset) }
        if length &+ Varint.maxBytes32 > capacity &- position { try grow(by: length + Varint.maxBytes32) }
        var target = base + position
        target += Varint.write(Int64(length), to: target)
        target.storeBytes(of: 0, as: UInt8.self)
        target += 1
        target += Varint.write(timestampDelta, to: target)
        target += Varint.write(Int64(delta), to: target)
        target += EncodedHeaders.write(key, to: target)
        target += EncodedHeaders.write(value, to: target)
        writeHeaders(target)
        position = target - base + headersSize
        count &+= 1
        nextDelta = delta &+ 1
        if timestamp > maxTimestamp { maxTimestamp = timestamp }
    }

    @inline(never)
    private func grow(by byteCount: Int) throws(RecordsError) {
        guard byteCount <= RecordBatchBuilder.maxBatchBytes - position else {
            throw .tooLarge(limit: RecordBatchBuilder.maxBatchBytes)
        }
        // After close() gave the buffer away, there is none until the next record.
        let wanted =
            storage == nil ? max(initialCapacity, position + byteCount) : max(capacity * 2, position + byteCount)
        let larger = ByteStorage(capacity: wanted)
        if storage != nil { larger.base.copyMemory(from: base, byteCount: position) }
        storage = larger
        base = larger.base
        capacity = larger.capacity
    }

    /// Makes the batch: compresses the records, writes the header. The builder is then empty and can be used again, with
    /// the same options.
    /// - Throws: the errors of ``CompressionCodec/compress(_:level:reserving:)``; the records then are still there.
    public func close() throws(RecordsError) -> Bytes {
        let batch: Bytes
        if storage == nil { try grow(by: 0) }
        guard let storage else { throw .tooLarge(limit: RecordBatchBuilder.maxBatchBytes) }
        let codec = count == 0 ? .none : options.compression
        if codec == .none {
            batch = Bytes(storage: storage, count: position)
        } else {
            let section = UnsafeRawBufferPointer(
                start: base + RecordBatchHeader.size, count: position - RecordBatchHeader.size)
            batch = try codec.compress(
                section, level: options.compressionLevel, reserving: RecordBatchHeader.size)
        }
        guard batch.count <= RecordBatchBuilder.maxBatchBytes else {
            throw .tooLarge(limit: RecordBatchBuilder.maxBatchBytes)
        }
        let header = self.header(sizeInBytes: batch.count, codec)
        batch.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { header.write(to: base) }
            RecordBatchHeader.stampCRC(in: bytes)
        }
        if codec == .none {
            self.storage = nil
            capacity = 0
        }
        reset()
        return batch
    }

    /// Forgets the records.
    public func reset() {
        // A capacity of 0, after the buffer was given away, makes the next record take a new one.
        position = RecordBatchHeader.size
        count = 0
        nextDelta = 0
        baseTimestamp = -1
        maxTimestamp = -1
    }

    private func header(sizeInBytes: Int, _ codec: CompressionCodec) -> RecordBatchHeader {
        var header = RecordBatchHeader()
        header.baseOffset = options.baseOffset
        header.batchLength = Int32(sizeInBytes - RecordBatchHeader.logOverhead)
        header.partitionLeaderEpoch = options.partitionLeaderEpoch
        header.attributes = BatchAttributes(
            compression: codec,
            timestampType: options.logAppendTimeMs == nil ? .createTime : .logAppendTime,
            isTransactional: options.isTransactional, isControl: options.isControl,
            hasDeleteHorizon: options.deleteHorizonMs != nil)
        header.lastOffsetDelta = options.lastOffsetDelta ?? Int32(nextDelta - 1)
        header.baseTimestamp = count == 0 ? options.deleteHorizonMs ?? -1 : baseTimestamp
        header.maxTimestamp = options.logAppendTimeMs ?? maxTimestamp
        header.producerId = options.producerId
        header.producerEpoch = options.producerEpoch
        header.baseSequence = options.baseSequence
        header.recordCount = Int32(count)
        return header
    }
}

extension RecordBatchBuilder {
    /// A batch of `records` at their own offsets.
    /// - Parameter options: ``BatchOptions/baseOffset`` must be at most the first record's offset.
    public static func batch(_ records: [Record], _ options: BatchOptions = BatchOptions()) throws(RecordsError)
        -> Bytes
    {
        let builder = RecordBatchBuilder(options)
        for record in records { try builder.append(record) }
        return try builder.close()
    }
}
