/// Batches that may be appended: checked, and as they will be stored but for offsets and epoch.
struct PreparedAppend: Sendable {
    var records: Bytes
    var batches: [RecordBatches.Batch] = []
    /// What the control batches that end transactions say, by their index. Most appends have none.
    var markers: [Int: EndTransactionMarker] = [:]
    /// Milliseconds; -1 unless the topic's timestamps are the times of append.
    var logAppendTimeMs: Int64 = -1

    /// Whether it may end a transaction whose records do not count, which the transaction index tells.
    var mayAbort: Bool { markers.values.contains { !$0.isCommit } }
    var recordCount: Int64 { batches.reduce(0) { $0 + Int64($1.header.lastOffsetDelta) + 1 } }
    var maxTimestamp: Int64 { batches.reduce(-1) { max($0, $1.header.maxTimestamp) } }
}

/// Checks what is to be appended, by headers and checksums and without copying. Answers as Kafka does:
/// CORRUPT_MESSAGE for what is damaged, INVALID_RECORD for what no client may write, MESSAGE_TOO_LARGE,
/// RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP.
struct AppendValidator {
    let config: LogConfig
    let topicPartition: TopicPartition
    let origin: AppendOrigin
    let nowMs: Int64

    /// - Parameter records: one or more batches, of which the caller holds the only use; a cut-off last one is ignored.
    func prepare(_ records: Bytes) throws(LogError) -> PreparedAppend {
        if let records = try converted(records) { return try prepare(records) }
        var prepared = try checkHeaders(records)
        if origin != .client { try readMarkers(&prepared) }
        if origin == .replication || prepared.batches.isEmpty { return prepared }
        if let rebuilt = try recompressed(prepared) {
            prepared = try checkHeaders(rebuilt)
            if origin != .client { try readMarkers(&prepared) }
        }
        for index in prepared.batches.indices { try checkClientBatch(&prepared, index) }
        return prepared
    }

    // MARK: Every batch

    private func checkHeaders(_ records: Bytes) throws(LogError) -> PreparedAppend {
        var scan = RecordBatches(records)
        var prepared = PreparedAppend(records: records)
        do {
            while let batch = try scan.nextComplete() {
                let bytes = scan.buffer(of: batch)
                try check(batch, bytes)
                prepared.batches.append(batch)
            }
        } catch let error as RecordsError {
            throw corrupt(error)
        } catch let error as LogError {
            throw error
        } catch {
            throw LogError(.unknownServerError, "\(error)")
        }
        prepared.records = records.slice(0..<scan.position)
        if origin != .replication && scan.position > config.segmentBytes {
            throw LogError(
                .recordListTooLarge, "\(scan.position) bytes do not fit into a segment of \(config.segmentBytes) bytes")
        }
        return prepared
    }

    private func check(_ batch: RecordBatches.Batch, _ bytes: UnsafeRawBufferPointer) throws(LogError) {
        if origin == .client && batch.header.baseOffset != 0 {
            throw invalid("the base offset of a batch to append must be 0, not \(batch.header.baseOffset)")
        }
        if origin == .client && batch.sizeInBytes > config.maxMessageBytes {
            throw LogError(
                .messageTooLarge,
                "the batch has \(batch.sizeInBytes) bytes and max.message.bytes is \(config.maxMessageBytes)")
        }
        do {
            try batch.header.checkCRC(in: bytes)
        } catch {
            throw corrupt(error)
        }
        if batch.header.lastOffsetDelta < 0 { throw invalid("the batch has no last offset") }
    }

    private func corrupt(_ error: RecordsError) -> LogError {
        LogError(.corruptMessage, "\(topicPartition): \(error)")
    }

    private func invalid(_ message: String) -> LogError { LogError(.invalidRecord, "\(topicPartition): \(message)") }

    // MARK: What leaders append

    private func checkClientBatch(_ prepared: inout PreparedAppend, _ index: Int) throws(LogError) {
        let batch = prepared.batches[index]
        let header = batch.header
        if header.isTransactional && (header.producerId < 0 || header.producerEpoch < 0) {
            throw invalid("a batch of a transaction must have a producer id and an epoch")
        }
        if origin == .client {
            guard header.recordCount > 0 else { throw invalid("a batch must have records") }
            // Not with + 1: the client chooses both numbers, up to the largest.
            guard header.lastOffsetDelta == header.recordCount - 1 else {
                throw invalid(
                    "the batch has \(header.recordCount) records and its last offset delta is \(header.lastOffsetDelta)"
                )
            }
            if header.isControl { throw invalid("clients may not write control records") }
            if header.hasProducerId && (header.baseSequence < 0 || header.producerEpoch < 0) {
                throw invalid("a batch of a producer with an id must have a sequence number and an epoch")
            }
        }
        guard header.attributes.compression != nil else {
            throw invalid("there is no compression type \(header.attributes.compressionId)")
        }
        if !header.isCompressed {
            try scanRecords(&prepared, index)
        } else if origin == .client && (config.checksCompressedRecords || hasNoMaxTimestamp(header)) {
            try decodeRecords(&prepared, index)
        }
        if config.cleanupPolicy.contains(.compact) && !header.isControl {
            try checkKeys(prepared.records.slice(batch.position..<batch.end), header)
        }
        try checkTimestamps(prepared.records, prepared.batches[index])
        if config.messageTimestampType == .logAppendTime {
            prepared.logAppendTimeMs = nowMs
            prepared.records.withUnsafeMutableBytes { bytes in
                RecordBatchHeader.stampLogAppendTime(
                    nowMs, in: UnsafeMutableRawBufferPointer(rebasing: bytes[batch.position..<batch.end]))
            }
            prepared.batches[index].header.maxTimestamp = nowMs
            prepared.batches[index].header.attributes.timestampType = .logAppendTime
        }
    }

    // As Kafka does: what the records say goes before what the header says of them.
    private func scanRecords(_ prepared: inout PreparedAppend, _ index: Int) throws(LogError) {
        let batch = prepared.batches[index]
        let found = prepared.records.withUnsafeBytes { bytes in
            RecordScan.maxTimestamp(
                in: UnsafeRawBufferPointer(rebasing: bytes[batch.position..<batch.end]), batch.header)
        }
        guard let found else {
            throw invalid("the batch does not hold the \(batch.header.recordCount) records that it says")
        }
        setMaxTimestamp(found, &prepared, index)
    }

    // Some clients leave the largest timestamp of compressed batches out: retention and lookups by time would pass over them.
    // The base is a record's, so that no honest one is below it.
    private func hasNoMaxTimestamp(_ header: RecordBatchHeader) -> Bool {
        header.maxTimestamp < header.baseTimestamp && config.messageTimestampType == .createTime
    }

    // What a compressed batch hides, at the price of decompressing it.
    private func decodeRecords(_ prepared: inout PreparedAppend, _ index: Int) throws(LogError) {
        let batch = prepared.batches[index]
        var largest: Int64 = -1
        var next = batch.header.baseOffset
        var isInOrder = true
        try forEachRecord(prepared.records.slice(batch.position..<batch.end)) { (_, record) throws(LogError) in
            largest = max(largest, record.timestamp)
            isInOrder = isInOrder && record.offset == next
            next &+= 1
        }
        guard isInOrder else { throw invalid("the offsets inside of the compressed batch have gaps") }
        setMaxTimestamp(largest, &prepared, index)
    }

    private func setMaxTimestamp(_ found: Int64, _ prepared: inout PreparedAppend, _ index: Int) {
        let batch = prepared.batches[index]
        guard found != batch.header.maxTimestamp, origin == .client else { return }
        prepared.batches[index].header.maxTimestamp = found
        prepared.records.withUnsafeMutableBytes { bytes in
            RecordBatchHeader.stampMaxTimestamp(
                found, type: batch.header.attributes.timestampType,
                in: UnsafeMutableRawBufferPointer(rebasing: bytes[batch.position..<batch.end]))
        }
    }

    private func checkTimestamps(_ records: Bytes, _ batch: RecordBatches.Batch) throws(LogError) {
        let header = batch.header
        if origin != .client || config.messageTimestampType == .logAppendTime { return }
        if header.attributes.timestampType == .logAppendTime {
            throw LogError(.invalidTimestamp, "\(topicPartition): a producer may not set the time of append")
        }
        let after = config.messageTimestampAfterMaxMs
        let before = config.messageTimestampBeforeMaxMs
        if header.maxTimestamp >= 0, after != .max, header.maxTimestamp - nowMs > after {
            throw badTimestamp(header.maxTimestamp, limit: "\(after) ms after")
        }
        guard before != .max else { return }
        // The header has no smallest timestamp, so the records must be looked at.
        try forEachRecord(records.slice(batch.position..<batch.end)) { (_, record) throws(LogError) in
            // The client chooses the number, down to the smallest.
            let (age, isTooLarge) = nowMs.subtractingReportingOverflow(record.timestamp)
            if record.timestamp != -1 && (isTooLarge || age > before) {
                throw badTimestamp(record.timestamp, limit: "\(before) ms before")
            }
            // What a compressed batch says of itself need not be so.
            if after != .max, !isTooLarge, age < 0, age.magnitude > after {
                throw badTimestamp(record.timestamp, limit: "\(after) ms after")
            }
        }
    }

    private func badTimestamp(_ timestamp: Int64, limit: String) -> LogError {
        LogError(
            .invalidTimestamp, "\(topicPartition): the timestamp \(timestamp) is more than \(limit) the broker's time")
    }

    // MARK: What must be decoded

    private func checkKeys(_ batch: Bytes, _ header: RecordBatchHeader) throws(LogError) {
        var faults: [LogError.RecordFault] = []
        let reason = "a compacted topic takes no record without a key"
        try forEachRecord(batch) { (index, record) throws(LogError) in
            if record.key == nil { faults.append(LogError.RecordFault(batchIndex: index, message: reason)) }
        }
        if !faults.isEmpty { throw LogError(.invalidRecord, "\(topicPartition): \(reason)", recordFaults: faults) }
    }

    private func forEachRecord(
        _ batch: Bytes, _ body: (_ index: Int32, _ record: RecordView) throws(LogError) -> Void
    ) throws(LogError) {
        var index: Int32 = 0
        var refused: LogError?
        do throws(RecordsError) {
            try RecordBatchReader(batch, checkCRC: false).forEachRecord { (record) throws(RecordsError) in
                if refused != nil { return }
                do throws(LogError) { try body(index, record) } catch { refused = error }
                index += 1
            }
        } catch {
            throw unreadable(error)
        }
        if let refused { throw refused }
    }

    private func unreadable(_ error: RecordsError) -> LogError {
        switch error {
        case .codecUnavailable: LogError(.unsupportedCompressionType, "\(topicPartition): \(error)")
        case .badRecord, .badRecordCount: invalid(error.description)
        default: corrupt(error)
        }
    }

    /// The same records with the codec of the topic; nil when nothing has to change.
    private func recompressed(_ prepared: PreparedAppend) throws(LogError) -> Bytes? {
        guard case .codec(let codec) = config.compression,
            prepared.batches.contains(where: { $0.header.attributes.compression != codec && !$0.header.isControl })
        else { return nil }
        var result: [UInt8] = []
        do throws(RecordsError) {
            for batch in prepared.batches {
                let bytes = prepared.records.slice(batch.position..<batch.end)
                if batch.header.isControl || batch.header.attributes.compression == codec {
                    bytes.withUnsafeBytes { result.append(contentsOf: $0) }
                    continue
                }
                var options = BatchOptions(keeping: batch.header)
                options.compression = codec
                let builder = RecordBatchBuilder(options, capacity: batch.sizeInBytes)
                try RecordBatchReader(bytes, checkCRC: false).forEachRecord { (record) throws(RecordsError) in
                    try builder.append(record)
                }
                try builder.close().withUnsafeBytes { result.append(contentsOf: $0) }
            }
        } catch {
            throw unreadable(error)
        }
        return Bytes(result)
    }

    /// Sets of the formats 0 and 1 as a batch of format 2; nil when they are that already, or are replicated, where
    /// old segments are copied as they are.
    private func converted(_ records: Bytes) throws(LogError) -> Bytes? {
        guard origin != .replication, records.withUnsafeBytes({ LegacyRecords.isLegacy($0) }) else { return nil }
        do {
            return try LegacyRecords.convertUp(records)
        } catch {
            throw unreadable(error)
        }
    }
}
