extension Command {
    private static let state = CommandOption.value(
        "state", "STATE", kind: .choice(TransactionStatus.names.map(\.name)), repeatable: true,
        help: "Only ids in this state")
    private static let olderThan = CommandOption.value(
        "older-than", "DURATION", help: "Only those whose transaction began so long ago (30s, 5m)")
    private static let partition = CommandOption.value(
        "partition", short: "p", "TOPIC:N", help: "A partition where a transaction hangs, with --start-offset")
    private static let startOffset = CommandOption.value(
        "start-offset", "OFFSET", kind: .integer(0...Int64.max), help: "Where the transaction begins there")

    static let transactionList = admin(
        "list", "Lists transactional ids and how far their transactions are",
        options: [state, olderThan, AdminOptions.format],
        examples: [Example("kadmin txn list --state Ongoing --older-than 5m", "what has been open for long")]
    ) { run in
        var minDurationMs: Int64 = -1
        if let text = run.arguments.text(olderThan) {
            guard let ms = TimeExpression.duration(text) else {
                throw ToolError.usage("--older-than \(text): not a duration such as 30s")
            }
            minDurationMs = ms
        }
        let listings = try run.admin.listTransactions(
            states: run.arguments.texts(state), minDurationMs: minDurationMs)
        var table = TextTable(["id", "state", "producer", "coordinator"])
        for one in listings {
            table.add([
                .text(one.transactionalId), .text(one.state), .number(one.producerId), .number(Int64(one.coordinator)),
            ])
        }
        run.print(table)
    }

    static let transactionDescribe = admin(
        "describe", "Shows transactional ids: producer, state, partitions",
        operands: [Operand("ID", repeatable: true)], options: [AdminOptions.format],
        examples: [Example("kadmin txn describe import", "what the producer of this id is doing")]
    ) { run in
        let ids = run.arguments.operands
        guard !ids.isEmpty else { throw ToolError.usage("an ID is needed; kadmin txn list shows them") }
        var table = TextTable(["id", "state", "producer", "epoch", "timeout", "started", "partitions"])
        for one in try run.admin.describeTransactions(ids) {
            guard one.error == .none else {
                run.failed("\(one.transactionalId): \(one.error.name): \(one.error.meaning)")
                continue
            }
            table.add([
                .text(one.transactionalId), .text(one.state), .number(one.producerId),
                .number(Int64(one.producerEpoch)), .text("\(one.timeoutMs) ms"),
                .text(one.startMs < 0 ? "-" : Timestamp.iso8601(one.startMs)),
                .text(one.partitions.map(\.description).joined(separator: " ")),
            ])
        }
        run.print(table)
    }

    static let transactionAbort = admin(
        "abort", "Aborts transactions: of transactional ids, or one that hangs in a partition",
        details: [
            """
            Of an ID, the producer is fenced and what it has open is aborted. With -p, the transaction that
            begins at --start-offset in that partition is ended, for those that no coordinator knows of any
            more; what a coordinator does know of should be aborted by its id.
            """
        ],
        operands: [Operand("ID", repeatable: true)],
        options: [partition, startOffset, CommonOptions.yes, CommonOptions.dryRun],
        examples: [
            Example("kadmin txn abort import", "ends what the producer of this id left open"),
            Example("kadmin txn abort -p orders:0 --start-offset 1234", "a transaction that hangs"),
        ]
    ) { run in
        let ids = run.arguments.operands
        if run.arguments.isGiven(partition) || run.arguments.isGiven(startOffset) {
            guard ids.isEmpty else { throw ToolError.usage("an ID and -p contradict each other") }
            return try abortHanging(&run)
        }
        guard !ids.isEmpty else { throw ToolError.usage("an ID, or -p with --start-offset, is needed") }
        if run.isDryRun {
            for one in try run.admin.describeTransactions(ids) {
                run.done("would fence \(one.transactionalId), state \(one.error == .none ? one.state : one.error.name)")
            }
            return
        }
        guard try run.confirm("Fence \(ids.joined(separator: ", ")) and abort what is open?") else { return }
        for id in ids {
            // An id that nobody has would be made.
            let known = try run.admin.describeTransactions([id]).first
            guard known?.error == ErrorCode.none else {
                run.failed("\(id): \(known?.error.meaning ?? "not found")")
                continue
            }
            try run.admin.fenceProducer(id)
            run.done("fenced \(id)")
        }
    }

    private static func abortHanging(_ run: inout AdminRun) throws {
        guard let text = run.arguments.text(partition), let offset = run.arguments.integer(startOffset) else {
            throw ToolError.usage("-p and --start-offset belong together")
        }
        guard let colon = text.lastIndex(of: ":"), let number = Int32(text[text.index(after: colon)...]), number >= 0
        else { throw ToolError.usage("-p \(text): not TOPIC:N") }
        let place = TopicPartition(topic: String(text[..<colon]), partition: number)
        let producers = try run.admin.describeProducers(place)
        guard let producer = producers.first(where: { $0.transactionStartOffset == offset }) else {
            return run.failed("no transaction is open in \(place) from offset \(offset) on")
        }
        if run.isDryRun {
            return run.done("would abort the transaction of producer \(producer.producerId) in \(place)")
        }
        guard try run.confirm("Abort the transaction of producer \(producer.producerId) in \(place)?") else { return }
        try run.admin.abortTransaction(of: producer, in: place)
        run.done("aborted the transaction of producer \(producer.producerId) in \(place)")
    }

    static let producerDescribe = admin(
        "describe", "Shows the producers that partitions know",
        operands: [Operand("TOPIC:N", repeatable: true)], options: [AdminOptions.format],
        examples: [
            Example("kadmin producer describe orders:0", "idempotent and transactional producers of a partition")
        ]
    ) { run in
        guard !run.arguments.operands.isEmpty else { throw ToolError.usage("a partition TOPIC:N is needed") }
        var table = TextTable([
            "partition", "producer", "epoch", "sequence", "last write", "coordinator epoch", "open from",
        ])
        for text in run.arguments.operands {
            guard let colon = text.lastIndex(of: ":"), let number = Int32(text[text.index(after: colon)...])
            else { throw ToolError.usage("\(text): not TOPIC:N") }
            let place = TopicPartition(topic: String(text[..<colon]), partition: number)
            for one in try run.admin.describeProducers(place) {
                table.add([
                    .text(place.description), .number(one.producerId), .number(Int64(one.epoch)),
                    .number(Int64(one.lastSequence)), .text(Timestamp.iso8601(one.lastTimestampMs)),
                    .number(Int64(one.coordinatorEpoch)),
                    .text(one.transactionStartOffset < 0 ? "-" : "\(one.transactionStartOffset)"),
                ])
            }
        }
        run.print(table)
    }
}
