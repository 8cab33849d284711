/// Prints a segment or a snapshot of the metadata: a line for each batch and, where wanted, for each record.
struct SegmentDump {
    let reader: DumpReader
    let output: OutputBuffer
    let options: DumpOptions
    let decoder: RecordDecoder

    /// Prints the batches that lie within the first ``DumpOptions/maxBytes`` of the file.
    /// - Throws: for what cannot be read, which ends it; at the end for batches whose checksum is wrong.
    func print() throws(ToolError) {
        var damage = Damage()
        do throws(ToolError) {
            try print(noting: &damage)
        } catch {
            throw damage.count == 0 ? error : ToolError("\(error.message); \(damage.text)")
        }
        if damage.count > 0 { throw ToolError("\(reader.path): \(damage.text)") }
    }

    /// Batches that are not as they were written.
    private struct Damage {
        var count = 0
        var first = ""

        mutating func add(at position: Int64, _ error: RecordsError) {
            if count == 0 { first = "the batch at byte \(position) is damaged: \(error)" }
            count += 1
        }

        var text: String {
            switch count {
            case 1: first
            case 2: "\(first), and one more"
            default: "\(first), and \(Quantity.grouped(Int64(count - 1))) more"
            }
        }
    }

    private func print(noting damage: inout Damage) throws(ToolError) {
        let size = reader.size
        var position: Int64 = 0
        while position < min(size, options.maxBytes) {
            if output.failure != nil { return }
            let stored: StoredBatch
            do throws(RecordsError) {
                let start = try? reader.read(at: position, count: StoredBatch.headerBytes)
                stored = try (start ?? Bytes()).withUnsafeBytes { bytes throws(RecordsError) in
                    try StoredBatch(bytes, position: position, available: size - position)
                }
            } catch {
                throw ToolError(
                    "\(reader.path): \(size - position) bytes from position \(position) on are no whole batch: \(error)"
                )
            }
            if stored.end > options.maxBytes { return }
            guard Int64(stored.size) <= options.maxBatchBytes else {
                throw ToolError(
                    "\(reader.path): the batch at position \(position) has \(stored.size) bytes, more than "
                        + "--max-message-size \(options.maxBatchBytes)")
            }
            let batch = try reader.read(at: position, count: stored.size)
            guard batch.count == stored.size else {
                throw ToolError("\(reader.path): became shorter while it was read")
            }
            guard let header = stored.header else {
                try legacy(batch, stored)
                position = stored.end
                continue
            }
            let error = batch.withUnsafeBytes { bytes in
                do throws(RecordsError) {
                    try header.checkCRC(in: bytes)
                    return RecordsError?.none
                } catch {
                    return error
                }
            }
            if let error { damage.add(at: position, error) }
            line(header, position: position, isValid: error == nil)
            if options.detail != .batches { try records(batch, position: position) }
            position = stored.end
        }
    }

    private func legacy(_ batch: Bytes, _ stored: StoredBatch) throws(ToolError) {
        let magic = batch[16]
        let codecId = batch[17] & 7
        let codec = CompressionCodec(rawValue: Int8(codecId))?.name ?? "unknown(\(codecId))"
        do throws(RecordsError) {
            let records = try LegacyRecords.read(batch)
            output.append(
                "baseOffset: \(records.first?.offset ?? stored.baseOffset) lastOffset: \(stored.lastOffset) "
                    + "position: \(stored.position) CreateTime: \(stored.maxTimestamp) size: \(stored.size) "
                    + "magic: \(magic) compresscodec: \(codec) isvalid: true\n")
            guard options.detail != .batches else { return }
            for record in records {
                output.append(
                    "| offset: \(record.offset) CreateTime: \(record.timestamp) keySize: \(record.key?.count ?? -1) "
                        + "valueSize: \(record.value?.count ?? -1)")
                decoded(key: record.key, value: record.value)
                output.append(UInt8(ascii: "\n"))
            }
        } catch {
            throw ToolError("\(reader.path): the messages at position \(stored.position) cannot be read: \(error)")
        }
    }

    private func line(_ header: RecordBatchHeader, position: Int64, isValid: Bool) {
        let horizon = header.deleteHorizonMs.map { "OptionalLong[\($0)]" } ?? "OptionalLong.empty"
        let codec = header.attributes.compression?.name ?? "unknown(\(header.attributes.compressionId))"
        output.append(
            "baseOffset: \(header.baseOffset) lastOffset: \(header.lastOffset) count: \(header.recordCount) "
                + "baseSequence: \(header.baseSequence) lastSequence: \(header.lastSequence) "
                + "producerId: \(header.producerId) producerEpoch: \(header.producerEpoch) "
                + "partitionLeaderEpoch: \(header.partitionLeaderEpoch) isTransactional: \(header.isTransactional) "
                + "isControl: \(header.isControl) deleteHorizonMs: \(horizon) position: \(position) "
                + "\(timeName(header)): \(header.maxTimestamp) size: \(header.sizeInBytes) magic: \(header.magic) "
                + "compresscodec: \(codec) crc: \(header.crc) isvalid: \(isValid)\n")
    }

    private func timeName(_ header: RecordBatchHeader) -> String {
        header.attributes.timestampType == .logAppendTime ? "LogAppendTime" : "CreateTime"
    }

    private func records(_ batch: Bytes, position: Int64) throws(ToolError) {
        do throws(RecordsError) {
            // A wrong checksum is said in the batch's line; what can be read is shown all the same.
            let batchReader = try RecordBatchReader(batch, checkCRC: false)
            let header = batchReader.header
            let time = timeName(header)
            try batchReader.forEachRecord { record throws(RecordsError) in
                if !(options.skipsRecordMetadata && options.detail == .data) {
                    let delta = Int64(header.baseSequence) + record.offset - header.baseOffset
                    let sequence = header.baseSequence < 0 ? -1 : delta & Int64(Int32.max)
                    let names = record.headers.map { String(decoding: $0.key, as: UTF8.self) }
                    output.append(
                        "| offset: \(record.offset) \(time): \(record.timestamp) keySize: \(record.key?.count ?? -1) "
                            + "valueSize: \(record.value?.count ?? -1) sequence: \(sequence) "
                            + "headerKeys: [\(names.joined(separator: ","))]")
                } else {
                    output.append("|" as StaticString)
                }
                if header.isControl {
                    try control(record)
                } else if case .data(.string, .string) = decoder, options.detail == .data {
                    field(" key", record.key)
                    field(" payload", record.value)
                } else {
                    let values = batchReader.record(record)
                    decoded(key: values.key, value: values.value)
                }
                output.append(UInt8(ascii: "\n"))
            }
        } catch {
            output.append(UInt8(ascii: "\n"))
            throw ToolError("\(reader.path): the batch at position \(position) cannot be read: \(error)")
        }
    }

    private func decoded(key: Bytes?, value: Bytes?) {
        guard options.detail == .data else { return }
        let (key, payload) = decoder.text(key: key, value: value)
        if let key { output.append(" key: " + key) }
        if let payload { output.append(" payload: " + payload) }
    }

    private func control(_ record: RecordView) throws(RecordsError) {
        let type = try ControlRecordType(key: record.key)
        if let marker = try EndTransactionMarker(record) {
            let kind = marker.isCommit ? "COMMIT" : "ABORT"
            output.append(" endTxnMarker: \(kind) coordinatorEpoch: \(marker.coordinatorEpoch)")
            return
        }
        let value = record.value.map { Bytes(copying: $0) } ?? Bytes()
        do throws(WireError) {
            switch type {
            case .snapshotHeader: json("SnapshotHeader", try SnapshotHeaderRecord(value: value))
            case .snapshotFooter: json("SnapshotFooter", try SnapshotFooterRecord(value: value))
            case .kraftVersion: json("KRaftVersion", try KRaftVersionRecord(value: value))
            case .kraftVoters: json("KRaftVoters", try VotersRecord(value: value))
            default: output.append(" controlType: \(type)(\(type.rawValue))")
            }
        } catch {
            output.append(" controlType: \(type)(\(type.rawValue)) (cannot be decoded: \(error))")
        }
    }

    private func json(_ name: String, _ record: some ControlRecord) {
        output.append(" \(name) \(MessageJSON.text(record, version: record.version))")
    }

    private func field(_ name: StaticString, _ bytes: UnsafeRawBufferPointer?) {
        guard let bytes else { return }
        output.append(name)
        if UTF8Check.isValid(bytes) {
            output.append(": " as StaticString)
            output.append(bytes)
        } else {
            output.append(" (base64): " as StaticString)
            Base64.write(bytes, to: output)
        }
    }
}
