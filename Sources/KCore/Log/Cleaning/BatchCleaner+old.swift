extension BatchCleaner {
    /// Writes what is to stay of a message of format 0 or 1, in the same format, as Kafka does. A compressed one holds many.
    mutating func cleanOld(_ batch: CleaningReader.Batch, into output: CleanedSegment) throws(Failure) {
        var kept = 0
        var read = 0
        var firstKept: Int64 = 0
        var lastKept: Int64 = 0
        var maxTimestamp: Int64 = -1
        try BatchCleaner.readable { () throws(RecordsError) in
            try LegacyRecords.forEachRecord(in: batch.bytes) { (record) throws(RecordsError) in
                read += 1
                guard keeps(record, keepsTombstone: keepsOldTombstones) else { return }
                if kept == 0 { firstKept = record.offset }
                kept += 1
                lastKept = record.offset
                maxTimestamp = max(maxTimestamp, record.timestamp)
            }
        }
        noteOld(read: read, kept: kept)
        if kept == 0 { return }
        if kept == read {
            return try BatchCleaner.written { () throws(LogFault) in
                try output.append(
                    batch.bytes, lastOffset: batch.stored.lastOffset, maxTimestamp: batch.stored.maxTimestamp)
            }
        }
        let rest = try BatchCleaner.readable { () throws(RecordsError) in
            let wrapper = try LegacyMessage(reading: batch.bytes, checkCRC: false)
            var builder = try LegacySetBuilder(
                magic: wrapper.magic, compression: wrapper.compression ?? .none, baseOffset: firstKept,
                logAppendTimeMs: wrapper.timestampType == .logAppendTime ? wrapper.timestamp : nil)
            try LegacyRecords.forEachRecord(in: batch.bytes, checkCRC: false) { (record) throws(RecordsError) in
                guard keeps(record, keepsTombstone: keepsOldTombstones) else { return }
                try builder.append(
                    offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value)
            }
            return try builder.close()
        }
        try rest.withUnsafeBytes { (bytes) throws(Failure) in
            try BatchCleaner.written { () throws(LogFault) in
                try output.append(bytes, lastOffset: lastKept, maxTimestamp: maxTimestamp)
            }
        }
    }
}
