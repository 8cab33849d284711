/// Decides what stays of a batch, and writes that.
struct BatchCleaner {
    /// The last that a producer which is still known has in the log: its batch must stay.
    struct LastOfProducer: Sendable {
        /// Of the last batch with records; nil when the last there is is a marker.
        var dataOffset: Int64?
        var epoch: Int16
    }

    let map: OffsetMap
    let nowMs: Int64
    let deleteRetentionMs: Int64
    /// Where the segment that is written ends: the batch in front of it stays.
    var endOffset: Int64 = 0
    let lastOfProducers: [Int64: LastOfProducer]
    var transactions: CleanedTransactions
    /// Whether tombstones in old formats, which have no delete horizon, stay.
    var keepsOldTombstones = true
    private(set) var recordsRead: Int64 = 0
    private(set) var recordsKept: Int64 = 0
    /// Records without a key, which a compacted log has no place for.
    private(set) var recordsWithoutKey: Int64 = 0
    private var scratch = ByteStorage(capacity: 1)

    init(
        map: OffsetMap, nowMs: Int64, deleteRetentionMs: Int64,
        lastOfProducers: [Int64: LastOfProducer], transactions: CleanedTransactions
    ) {
        self.map = map
        self.nowMs = nowMs
        self.deleteRetentionMs = deleteRetentionMs
        self.lastOfProducers = lastOfProducers
        self.transactions = transactions
    }

    /// Where what is wrong inside of a batch ends.
    enum Failure: Error {
        case log(LogFault)
        case records(RecordsError)
    }

    /// Writes what is to stay of `batch` to `output`.
    mutating func clean(_ batch: CleaningReader.Batch, into output: CleanedSegment) throws(Failure) {
        guard let header = batch.stored.header else { return try cleanOld(batch, into: output) }
        recordsRead += Int64(header.recordCount)
        if header.isControl { return try cleanMarker(batch, header, into: output) }
        if transactions.meet(header) || header.recordCount == 0 {
            if isNeeded(header) { try writeEmpty(header, to: output) }
        } else if header.baseOffset > map.latestOffset {
            try take(batch, header, to: output)
        } else {
            try filter(batch, header, into: output)
        }
    }

    private mutating func cleanMarker(
        _ batch: CleaningReader.Batch, _ header: RecordBatchHeader, into output: CleanedSegment
    ) throws(Failure) {
        switch transactions.meet(header, marker: try EndTransactionMarker(header: header, batch: batch.bytes)) {
        case .needed:
            try take(batch, header, to: output)
        case .abort(let transaction):
            try take(batch, header, to: output)
            try BatchCleaner.written { () throws(LogFault) in try output.append(transaction) }
        case .obsolete:
            let isExpired = header.deleteHorizonMs.map { $0 <= nowMs } ?? false
            if isExpired || header.recordCount == 0 {
                if isNeeded(header) { try writeEmpty(header, to: output) }
            } else if header.deleteHorizonMs != nil {
                try take(batch, header, to: output)
            } else {
                let section = UnsafeRawBufferPointer(rebasing: batch.bytes[RecordBatchHeader.size...])
                try rewrite(section, header, recordCount: header.recordCount, to: output)
                recordsKept += Int64(header.recordCount)
            }
        }
    }

    // The last sequence number and epoch of a producer are in its last batch; where a segment ended is in the last of all, so
    // that a start which knows no checkpoint does not take what was cleaned for a hole.
    private func isNeeded(_ header: RecordBatchHeader) -> Bool {
        if header.lastOffset + 1 == endOffset { return true }
        guard header.hasProducerId, let last = lastOfProducers[header.producerId] else { return false }
        if let offset = last.dataOffset { return header.lastOffset == offset }
        return header.isControl && header.producerEpoch == last.epoch
    }

    /// Whether a record stays.
    /// - Parameter keepsTombstone: what becomes of it if it is one.
    @inline(__always)
    mutating func keeps(_ record: RecordView, keepsTombstone: Bool) -> Bool {
        if record.offset > map.latestOffset { return true }
        guard let key = record.key else {
            recordsWithoutKey += 1
            return false
        }
        if record.value == nil && !keepsTombstone { return false }
        return record.offset >= map.offset(of: key)
    }

    mutating func noteOld(read: Int, kept: Int) {
        recordsRead += Int64(read)
        recordsKept += Int64(kept)
    }

    // MARK: Records

    private mutating func filter(
        _ batch: CleaningReader.Batch, _ header: RecordBatchHeader, into output: CleanedSegment
    ) throws(Failure) {
        guard let codec = header.attributes.compression else {
            throw .records(.unknownCodec(header.attributes.compressionId))
        }
        let stored = UnsafeRawBufferPointer(rebasing: batch.bytes[RecordBatchHeader.size...])
        guard codec != .none else {
            let target = try BatchCleaner.written { () throws(LogFault) in try output.reserve(batch.bytes.count) }
            return try filter(batch, header, stored, target + RecordBatchHeader.size, into: output)
        }
        let records = try BatchCleaner.readable { () throws(RecordsError) in
            try codec.decompress(stored, maxBytes: RecordBatchReader.defaultMaxDecompressedBytes)
        }
        if scratch.capacity < records.count { scratch = ByteStorage(capacity: records.count) }
        let target = scratch.base
        try records.withUnsafeBytes { (section) throws(Failure) in
            try filter(batch, header, section, target, into: output)
        }
    }

    // Records keep their bytes: what they say counts from the base offset and base timestamp, which stay.
    private mutating func filter(
        _ batch: CleaningReader.Batch, _ header: RecordBatchHeader, _ section: UnsafeRawBufferPointer,
        _ target: UnsafeMutableRawPointer, into output: CleanedSegment
    ) throws(Failure) {
        let keepsTombstones = header.deleteHorizonMs.map { nowMs < $0 } ?? true
        var kept = KeptRecords(section, target)
        do throws(RecordsError) {
            var cursor = try RecordCursor(records: section, header: header)
            while let record = try cursor.next() {
                if keeps(record, keepsTombstone: keepsTombstones) {
                    kept.add(record)
                } else {
                    kept.drop(record, end: cursor.position)
                }
            }
        } catch {
            throw .records(error)
        }
        kept.finish()
        recordsKept += Int64(kept.count)
        if kept.count == 0 {
            if isNeeded(header) { try writeEmpty(header, to: output) }
            return
        }
        // The clock of a tombstone starts once all that it deletes is gone, which is now.
        let startsHorizon =
            kept.hasTombstones && header.deleteHorizonMs == nil && header.lastOffset <= map.latestOffset
        let bytes = UnsafeRawBufferPointer(start: target, count: kept.byteCount)
        if startsHorizon {
            // The records may lie where the batch will be written.
            let records = Bytes(copying: bytes)
            try records.withUnsafeBytes { (bytes) throws(Failure) in
                try rewrite(bytes, header, recordCount: kept.count, to: output)
            }
        } else if kept.count == header.recordCount {
            try take(batch, header, to: output, counts: false)
        } else {
            try write(kept, bytes, header, to: output)
        }
    }

    // MARK: Writing

    /// The whole batch as it is.
    private mutating func take(
        _ batch: CleaningReader.Batch, _ header: RecordBatchHeader, to output: CleanedSegment, counts: Bool = true
    ) throws(Failure) {
        if counts { recordsKept += Int64(header.recordCount) }
        try BatchCleaner.written { () throws(LogFault) in
            try output.append(batch.bytes, lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp)
        }
    }

    private func write(
        _ kept: KeptRecords, _ records: UnsafeRawBufferPointer, _ header: RecordBatchHeader,
        to output: CleanedSegment
    ) throws(Failure) {
        var header = header
        header.recordCount = kept.count
        if header.attributes.timestampType == .createTime { header.maxTimestamp = kept.maxTimestamp }
        let codec = header.attributes.compression ?? .none
        guard codec != .none else { return try write(header, recordsBytes: records.count, to: output) }
        let compressed = try BatchCleaner.readable { () throws(RecordsError) in try codec.compress(records) }
        let target = try BatchCleaner.written { () throws(LogFault) in
            try output.reserve(RecordBatchHeader.size + compressed.count)
        }
        compressed.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            (target + RecordBatchHeader.size).copyMemory(from: base, byteCount: bytes.count)
        }
        try write(header, recordsBytes: compressed.count, to: output)
    }

    /// A batch without records, as Kafka leaves it.
    private func writeEmpty(_ header: RecordBatchHeader, to output: CleanedSegment) throws(Failure) {
        var header = header
        header.recordCount = 0
        header.baseTimestamp = -1
        header.attributes = BatchAttributes(
            timestampType: header.attributes.timestampType, isTransactional: header.isTransactional,
            isControl: header.isControl)
        try write(header, recordsBytes: 0, to: output)
    }

    // In front of records that lie behind room for it already.
    private func write(
        _ header: RecordBatchHeader, recordsBytes: Int, to output: CleanedSegment
    ) throws(Failure) {
        let size = RecordBatchHeader.size + recordsBytes
        var header = header
        header.batchLength = Int32(size - RecordBatchHeader.logOverhead)
        try BatchCleaner.written { () throws(LogFault) in
            let target = try output.reserve(size)
            header.write(to: target)
            RecordBatchHeader.stampCRC(in: UnsafeMutableRawBufferPointer(start: target, count: size))
            try output.commit(size, lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp)
        }
    }

    // With a delete horizon in place of the base timestamp, which changes every record.
    private func rewrite(
        _ records: UnsafeRawBufferPointer, _ header: RecordBatchHeader, recordCount: Int32, to output: CleanedSegment
    ) throws(Failure) {
        let batch = try BatchCleaner.readable { () throws(RecordsError) in
            var options = BatchOptions(keeping: header)
            let (horizon, overflow) = nowMs.addingReportingOverflow(deleteRetentionMs)
            options.deleteHorizonMs = overflow ? .max : horizon
            var source = header
            source.recordCount = recordCount
            let builder = RecordBatchBuilder(options, capacity: records.count + records.count / 4 + 256)
            var cursor = try RecordCursor(records: records, header: source)
            while let record = try cursor.next() { try builder.append(record) }
            return try builder.close()
        }
        try batch.withUnsafeBytes { (bytes) throws(Failure) in
            let written = try BatchCleaner.readable { () throws(RecordsError) in try RecordBatchHeader(reading: bytes) }
            try BatchCleaner.written { () throws(LogFault) in
                try output.append(bytes, lastOffset: written.lastOffset, maxTimestamp: written.maxTimestamp)
            }
        }
    }

    @inline(__always)
    static func written<R>(_ body: () throws(LogFault) -> R) throws(Failure) -> R {
        do { return try body() } catch { throw .log(error) }
    }

    @inline(__always)
    static func readable<R>(_ body: () throws(RecordsError) -> R) throws(Failure) -> R {
        do { return try body() } catch { throw .records(error) }
    }
}

/// The records of a batch that stay, copied one behind the other: neighbours in one piece.
struct KeptRecords {
    private let section: UnsafeRawBufferPointer
    private let target: UnsafeMutableRawPointer
    private var pieceStart = 0
    private(set) var byteCount = 0
    private(set) var count: Int32 = 0
    private(set) var maxTimestamp: Int64 = -1
    private(set) var hasTombstones = false

    /// - Parameter target: with room for all of `section`.
    init(_ section: UnsafeRawBufferPointer, _ target: UnsafeMutableRawPointer) {
        self.section = section
        self.target = target
    }

    @inline(__always)
    mutating func add(_ record: RecordView) {
        count &+= 1
        if record.timestamp > maxTimestamp { maxTimestamp = record.timestamp }
        if record.value == nil { hasTombstones = true }
    }

    /// - Parameter end: where the record ends in the section.
    @inline(__always)
    mutating func drop(_ record: RecordView, end: Int) {
        copy(upTo: end - record.sizeInBytes)
        pieceStart = end
    }

    mutating func finish() { copy(upTo: section.count) }

    @inline(__always)
    private mutating func copy(upTo end: Int) {
        guard end > pieceStart, let base = section.baseAddress else { return }
        (target + byteCount).copyMemory(from: base + pieceStart, byteCount: end - pieceStart)
        byteCount += end - pieceStart
    }
}

extension EndTransactionMarker {
    /// Reads the marker in a control batch; nil when it has none.
    init?(header: RecordBatchHeader, batch: UnsafeRawBufferPointer) throws(BatchCleaner.Failure) {
        guard header.recordCount > 0 else { return nil }
        do throws(RecordsError) {
            var found: EndTransactionMarker?
            let section = UnsafeRawBufferPointer(rebasing: batch[RecordBatchHeader.size...])
            guard !header.isCompressed else { throw .badControlRecord }
            var cursor = try RecordCursor(records: section, header: header)
            if let record = try cursor.next() { found = try EndTransactionMarker(record) }
            guard let found else { return nil }
            self = found
        } catch {
            throw .records(error)
        }
    }
}
