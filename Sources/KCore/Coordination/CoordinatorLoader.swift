/// Makes a machine of what a partition's log says.
enum CoordinatorLoader {
    /// Bytes read at once (`offsets.load.buffer.size`). A batch that is larger is read all the same.
    static let bufferBytes = 5_242_880

    /// What a person can do about damage, for the end of a message; nothing for what passes by itself.
    static func remedy(_ error: LogError) -> String {
        guard error.code == .corruptMessage else { return "" }
        return
            ". All that belongs to this partition is refused until the file is put right: stop the broker, restore the "
            + "partition's directory from a copy, and start again; `kadmin log verify` shows what is damaged. Without a copy, "
            + "move the directory away: with unclean.leader.election.enable=true on the topic the partition begins anew"
    }

    /// Replays the log from its start to its end of now.
    /// - Parameters:
    ///   - load: what is not read on for once nobody wants it.
    ///   - onSkip: told of each record that is left out because it cannot be read.
    /// - Returns: the offset behind what was replayed.
    /// - Throws: what reading throws; CORRUPT_MESSAGE, with the place in the file, for batches that are damaged.
    static func load<Machine: CoordinatorMachine>(
        _ log: any CoordinatorLog, into machine: inout Machine, for load: CoordinatorLoad = CoordinatorLoad(),
        onSkip: (_ offset: Int64, _ reason: String) -> Void
    ) throws(LogError) -> Int64 {
        let end = log.endOffset
        var offset = log.startOffset
        while offset < end {
            guard load.isWanted else { return offset }
            let bytes = try log.read(from: offset, maxBytes: bufferBytes)
            // Where the batch begins that is read.
            var next = offset
            do throws(RecordsError) {
                try replay(bytes, from: offset, &next, into: &machine, onSkip: onSkip)
            } catch {
                throw damaged(log, at: next, "\(error)")
            }
            // Behind the last batch there is nothing more; what is there and cannot be read is something else.
            if bytes.isEmpty { break }
            guard next > offset else { throw damaged(log, at: offset, "a batch is not whole") }
            offset = next
        }
        return max(offset, end)
    }

    private static func damaged(_ log: any CoordinatorLog, at offset: Int64, _ reason: String) -> LogError {
        LogError(.corruptMessage, "\(log.place(of: offset) ?? "its log") is damaged, at offset \(offset): \(reason)")
    }

    private static func replay<Machine: CoordinatorMachine>(
        _ bytes: Bytes, from start: Int64, _ next: inout Int64, into machine: inout Machine,
        onSkip: (_ offset: Int64, _ reason: String) -> Void
    ) throws(RecordsError) {
        var batches = RecordBatches(bytes)
        while let batch = try batches.nextComplete() {
            guard batch.header.lastOffset >= start else { continue }
            try replay(RecordBatchReader(batches.bytes(of: batch)), from: start, into: &machine, onSkip: onSkip)
            next = batch.header.lastOffset + 1
        }
    }

    private static func replay<Machine: CoordinatorMachine>(
        _ reader: RecordBatchReader, from start: Int64, into machine: inout Machine,
        onSkip: (_ offset: Int64, _ reason: String) -> Void
    ) throws(RecordsError) {
        let header = reader.header
        let records = try reader.allRecords()
        if header.isControl { return try replayMarkers(reader, into: &machine) }
        for record in records where record.offset >= start {
            // Keys are what such a log is compacted by: a record without one says nothing.
            guard let key = record.key else { continue }
            do throws(WireError) {
                guard let decoded = try Machine.decode(key: key, value: record.value) else { continue }
                machine.replay(
                    decoded,
                    CoordinatorRecordOrigin(
                        offset: record.offset, producerId: header.isTransactional ? header.producerId : nil,
                        timestampMs: record.timestamp))
            } catch {
                onSkip(record.offset, "\(error)")
            }
        }
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
