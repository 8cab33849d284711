/// Prints a segment: a line for each batch and, where wanted, for each record.
struct SegmentDump {
    let reader: DumpReader
    let output: OutputBuffer
    let showsRecords: Bool

    func print(_ baseOffset: Int64) throws(ToolError) {
        output.append("Log starting offset: \(baseOffset)\n")
        let size = reader.size
        var position: Int64 = 0
        while position < size {
            let batch: Bytes
            let header: RecordBatchHeader
            do throws(RecordsError) {
                let start = try? reader.read(at: position, count: RecordBatchHeader.size)
                header = try (start ?? Bytes()).withUnsafeBytes { bytes throws(RecordsError) in
                    try RecordBatchHeader(reading: bytes)
                }
                guard Int64(header.sizeInBytes) <= size - position else {
                    throw .truncated(needed: header.sizeInBytes, available: Int(size - position))
                }
            } catch {
                throw ToolError(
                    "\(reader.path): \(size - position) bytes from position \(position) on are no whole batch: \(error)"
                )
            }
            batch = try reader.read(at: position, count: header.sizeInBytes)
            let isValid = batch.withUnsafeBytes { bytes in
                do throws(RecordsError) {
                    try header.checkCRC(in: bytes)
                    return true
                } catch {
                    return false
                }
            }
            line(header, position: position, isValid: isValid)
            if showsRecords { try records(batch, position: position) }
            position += Int64(header.sizeInBytes)
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
            let reader = try RecordBatchReader(batch, checkCRC: false)
            let header = reader.header
            let time = timeName(header)
            try reader.forEachRecord { record throws(RecordsError) in
                let delta = Int64(header.baseSequence) + record.offset - header.baseOffset
                let sequence = header.baseSequence < 0 ? -1 : delta & Int64(Int32.max)
                let names = record.headers.map { String(decoding: $0.key, as: UTF8.self) }
                output.append(
                    "| offset: \(record.offset) \(time): \(record.timestamp) keySize: \(record.key?.count ?? -1) "
                        + "valueSize: \(record.value?.count ?? -1) sequence: \(sequence) "
                        + "headerKeys: [\(names.joined(separator: ","))]")
                if header.isControl {
                    try control(record)
                } else {
                    field(" key", record.key)
                    field(" payload", record.value)
                }
                output.append(UInt8(ascii: "\n"))
            }
        } catch {
            output.append(UInt8(ascii: "\n"))
            throw ToolError("\(self.reader.path): the batch at position \(position) cannot be read: \(error)")
        }
    }

    private func control(_ record: RecordView) throws(RecordsError) {
        if let marker = try EndTransactionMarker(record) {
            let kind = marker.isCommit ? "COMMIT" : "ABORT"
            output.append(" endTxnMarker: \(kind) coordinatorEpoch: \(marker.coordinatorEpoch)")
        } else {
            let type = try ControlRecordType(key: record.key)
            output.append(" controlType: \(type)(\(type.rawValue))")
        }
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
