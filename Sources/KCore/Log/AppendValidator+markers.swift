extension AppendValidator {
    /// Reads what the control batches say of transactions.
    /// - Throws: INVALID_RECORD for a coordinator's that cannot be read. Replicated ones are taken as they are: the leader
    ///   has them.
    func readMarkers(_ prepared: inout PreparedAppend) throws(LogError) {
        for (index, batch) in prepared.batches.enumerated() where batch.header.isControl && batch.header.hasProducerId {
            let bytes = prepared.records.slice(batch.position..<batch.end)
            do throws(RecordsError) {
                prepared.markers[index] = try EndTransactionMarker(batch: bytes)
            } catch {
                if origin == .replication { continue }
                throw LogError(.invalidRecord, "\(topicPartition): a control batch cannot be read: \(error)")
            }
        }
    }
}

extension EndTransactionMarker {
    /// Reads the first record of a control batch whose checksum is right; nil for one of another type.
    init?(batch: Bytes) throws(RecordsError) {
        var found: EndTransactionMarker?
        var isFirst = true
        try RecordBatchReader(batch, checkCRC: false).forEachRecord { (record) throws(RecordsError) in
            if isFirst { found = try EndTransactionMarker(record) }
            isFirst = false
        }
        guard let found else { return nil }
        self = found
    }
}
