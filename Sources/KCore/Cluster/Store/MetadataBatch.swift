/// The metadata log's record batches: a change of the cluster is one batch, control records have batches of their own.
enum MetadataBatch {
    /// A batch of `records`.
    static func encode(
        _ records: [MetadataLogRecord], baseOffset: Int64, epoch: Int32, timestampMs: Int64
    ) throws(MetadataStoreError) -> Bytes {
        let builder = RecordBatchBuilder(options(baseOffset, epoch, isControl: false))
        do {
            for record in records {
                try builder.append(timestamp: timestampMs, key: nil as Bytes?, value: try record.value())
            }
            return try builder.close()
        } catch {
            throw MetadataStoreError("metadata cannot be written: \(error)")
        }
    }

    /// A batch of control records.
    static func encode(
        control records: [any ControlRecord], baseOffset: Int64, epoch: Int32, timestampMs: Int64
    ) throws(MetadataStoreError) -> Bytes {
        let builder = RecordBatchBuilder(options(baseOffset, epoch, isControl: true), capacity: 128)
        do {
            for record in records {
                let type = ControlRecordType(rawValue: type(of: record).type)
                try builder.append(timestamp: timestampMs, key: type.key, value: try record.value())
            }
            return try builder.close()
        } catch {
            throw MetadataStoreError("a control record cannot be written: \(error)")
        }
    }

    private static func options(_ baseOffset: Int64, _ epoch: Int32, isControl: Bool) -> BatchOptions {
        var options = BatchOptions()
        options.baseOffset = baseOffset
        options.partitionLeaderEpoch = epoch
        options.isControl = isControl
        return options
    }

    struct Control {
        var type: ControlRecordType
        /// Of a ``ControlRecord``.
        var value: Bytes
    }

    /// What a batch has in it.
    enum Contents {
        case records([MetadataLogRecord])
        case control([Control])
    }

    /// Reads a batch whose checksum was compared.
    static func decode(_ reader: RecordBatchReader) throws -> Contents {
        if reader.header.isControl {
            var records: [Control] = []
            try reader.forEachRecord { record throws(RecordsError) in
                records.append(
                    Control(
                        type: try ControlRecordType(key: record.key),
                        value: record.value.map { Bytes(copying: $0) } ?? Bytes()))
            }
            return .control(records)
        }
        var records: [MetadataLogRecord] = []
        for record in try reader.allRecords() {
            guard let value = record.value else { throw MetadataStoreError("a metadata record without a value") }
            records.append(try MetadataLogRecord(value: value))
        }
        return .records(records)
    }
}
