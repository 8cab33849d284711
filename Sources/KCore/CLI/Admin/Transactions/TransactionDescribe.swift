extension Command {
    static let transactionDescribe = admin(
        "describe", "Shows transactional ids: producer, state, partitions",
        details: [
            """
            --format json prints an object for each id: id, state, producer, epoch, timeout_ms, started (a time in
            UTC, or null) and partitions, each topic and partition.
            """
        ],
        operands: [Operand("ID", repeatable: true, required: true)], options: [AdminOptions.format],
        examples: [Example("kadmin txn describe import", "what the producer of this id is doing")]
    ) { run in
        let ids = run.arguments.operands
        var table = TextTable(["id", "state", "producer", "epoch", "timeout_ms", "started", "partitions"])
        for one in try run.admin.describeTransactions(ids) {
            guard one.error == .none else {
                run.failed("\(one.transactionalId): \(one.error.name): \(one.error.meaning)")
                continue
            }
            table.add([
                .text(one.transactionalId), .text(one.state), .number(one.producerId),
                .number(Int64(one.producerEpoch)), .number(Int64(one.timeoutMs)),
                one.startMs < 0 ? .none : .text(Timestamp.iso8601(one.startMs)),
                .places(one.partitions),
            ])
        }
        if !table.rows.isEmpty || AdminOptions.format(run.arguments) != .text { run.print(table) }
    }
}
