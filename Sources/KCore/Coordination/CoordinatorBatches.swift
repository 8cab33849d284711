/// What steps have written, on its way to become batches of a log: the records of many steps share one, those of one step are
/// never in two unless it allows that, and a transaction's are alone.
struct CoordinatorBatches<Machine: CoordinatorMachine> {
    private let builder = RecordBatchBuilder()
    private var closed: [Bytes] = []

    var isEmpty: Bool { closed.isEmpty && builder.isEmpty }

    /// - Parameter mostBytes: of records, at which a batch is closed and another one begun.
    /// - Throws: what encoding throws; then some of the step may be there, and nothing must come to a log any more.
    mutating func add(_ turn: CoordinatorTurn<Machine.Record>, mostBytes: Int) throws {
        let encoded = try turn.records.map { record throws(WireError) in try Machine.encode(record) }
        func size(_ record: (key: Bytes, value: Bytes?)) -> Int { record.key.count + (record.value?.count ?? 0) }
        let isAlone = turn.producer != nil
        if isAlone || builder.uncompressedSizeInBytes + encoded.reduce(0, { $0 + size($1) }) > mostBytes {
            try close()
        }
        for record in encoded {
            if turn.isDivisible, !isAlone, builder.uncompressedSizeInBytes + size(record) > mostBytes {
                try close()
            }
            try builder.append(timestamp: turn.wallMs, key: record.key, value: record.value)
        }
        if let producer = turn.producer {
            builder.options.producerId = producer.id
            builder.options.producerEpoch = producer.epoch
            builder.options.isTransactional = true
            defer { builder.options = BatchOptions() }
            try close()
        }
    }

    private mutating func close() throws(RecordsError) {
        if !builder.isEmpty { closed.append(try builder.close()) }
    }

    /// - Returns: all of it, in the order of the steps.
    mutating func takeAll() throws(RecordsError) -> [Bytes] {
        try close()
        defer { closed = [] }
        return closed
    }

    mutating func removeAll() {
        closed = []
        if !builder.isEmpty { _ = try? builder.close() }
    }
}
