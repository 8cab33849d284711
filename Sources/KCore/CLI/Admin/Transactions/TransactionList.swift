extension Command {
    private static let state = CommandOption.value(
        "state", "STATE", kind: .choiceInAnyCase(TransactionStatus.names.map(\.name)), repeatable: true,
        help: "Only ids in this state")
    private static let olderThan = CommandOption.value(
        "older-than", "DURATION",
        help: "Only those whose transaction began so long ago (30s, 5m) and, without --state, is still open")

    /// Those in which a transaction has begun and has not ended.
    private static let open: [TransactionStatus] = [.ongoing, .prepareCommit, .prepareAbort, .prepareEpochFence]

    static let transactionList = admin(
        "list", "Lists transactional ids and how far their transactions are",
        details: ["--format json prints an object for each id: id, state, producer and coordinator."],
        options: [state, olderThan, AdminOptions.format],
        examples: [Example("kadmin txn list --older-than 5m", "what has been open for long")]
    ) { run in
        var minDurationMs: Int64 = -1
        if let text = run.arguments.text(olderThan) {
            guard let ms = TimeExpression.duration(text) else {
                throw ToolError.usage("--older-than \(text): not a duration such as 30s")
            }
            minDurationMs = ms
        }
        // Brokers look at case.
        var states = run.arguments.texts(state).map { typed in
            TransactionStatus.names.first { $0.name.lowercased() == typed.lowercased() }?.name ?? typed
        }
        // Brokers count from the last transaction's start, also when it is over; an id that had none is as old as can be.
        if states.isEmpty && minDurationMs >= 0 { states = open.map(\.name) }
        let (listings, missing) = try run.admin.listTransactions(states: states, minDurationMs: minDurationMs)
        for error in missing { run.failed("\(error.message); the broker's log says why") }
        var table = TextTable(["id", "state", "producer", "coordinator"])
        for one in listings {
            table.add([
                .text(one.transactionalId), .text(one.state), .number(one.producerId), .number(Int64(one.coordinator)),
            ])
        }
        run.print(table)
    }
}
