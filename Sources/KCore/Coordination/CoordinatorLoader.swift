/// Makes a machine of what a partition's log says.
enum CoordinatorLoader {
    /// Bytes read at once (`offsets.load.buffer.size`). A batch that is larger is read all the same.
    static let bufferBytes = 5_242_880

    /// Replays the log from its start to its end of now.
    /// - Parameter onSkip: told of each record that is left out because it cannot be read.
    /// - Returns: the offset behind what was replayed.
    /// - Throws: what reading throws; KAFKA_STORAGE_ERROR for batches that are damaged.
    static func load<Machine: CoordinatorMachine>(
        _ log: any CoordinatorLog, into machine: inout Machine, onSkip: (_ offset: Int64, _ reason: String) -> Void
    ) throws(LogError) -> Int64 {
        let end = log.endOffset
        var offset = log.startOffset
        while offset < end {
            let bytes = try log.read(from: offset, maxBytes: bufferBytes)
            let next: Int64
            do throws(RecordsError) {
                next = try replay(bytes, from: offset, into: &machine, onSkip: onSkip)
            } catch {
                throw LogError(.kafkaStorageError, "\(log.topicPartition) cannot be loaded at \(offset): \(error)")
            }
            guard next > offset else { break }
            offset = next
        }
        return max(offset, end)
    }

    private static func replay<Machine: CoordinatorMachine>(
        _ bytes: Bytes, from start: Int64, into machine: inout Machine,
        onSkip: (_ offset: Int64, _ reason: String) -> Void
    ) throws(RecordsError) -> Int64 {
        var batches = RecordBatches(bytes)
        var next = start
        while let batch = try batches.nextComplete() {
            let header = batch.header
            guard header.lastOffset >= start else { continue }
            next = header.lastOffset + 1
            let reader = try RecordBatchReader(batches.bytes(of: batch))
            let records = try reader.allRecords()
            if header.isControl {
                try replayMarkers(reader, into: &machine)
                continue
            }
            for record in records where record.offset >= start {
                // Keys are what such a log is compacted by: a record without one says nothing.
                guard let key = record.key else { continue }
                do throws(WireError) {
                    guard let decoded = try Machine.decode(key: key, value: record.value) else { continue }
                    machine.replay(
                        decoded,
                        CoordinatorRecordOrigin(
                            offset: record.offset, producerId: header.isTransactional ? header.producerId : nil))
                } catch {
                    onSkip(record.offset, "\(error)")
                }
            }
        }
        return next
    }

    private static func replayMarkers<Machine: CoordinatorMachine>(
        _ reader: RecordBatchReader, into machine: inout Machine
    ) throws(RecordsError) {
        let header = reader.header
        try reader.forEachRecord { view throws(RecordsError) in
            guard let marker = try EndTransactionMarker(view) else { return }
            machine.replay(
                CoordinatorTransactionEnd(
                    producerId: header.producerId, producerEpoch: header.producerEpoch,
                    coordinatorEpoch: marker.coordinatorEpoch, isCommit: marker.isCommit, offset: view.offset))
        }
    }
}
