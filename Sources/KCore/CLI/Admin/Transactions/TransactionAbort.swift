extension Command {
    private static let partition = CommandOption.value(
        "partition", short: "p", "TOPIC:N", help: "A partition where a transaction hangs, with --start-offset")
    private static let startOffset = CommandOption.value(
        "start-offset", "OFFSET", kind: .integer(0...Int64.max), help: "Where the transaction begins there")

    static let transactionAbort = admin(
        "abort", "Aborts transactions: of transactional ids, or one that hangs in a partition",
        details: [
            """
            Of an ID, the producer is fenced and what it has open is aborted. With -p, the transaction that
            begins at --start-offset in that partition is ended, for those that no coordinator knows of any
            more; one that a coordinator knows as Ongoing there is refused, to be aborted by its id as a whole.
            Where such a transaction begins is what kadmin producer describe calls OPEN-FROM.
            """
        ],
        operands: [Operand("ID", repeatable: true)],
        options: [partition, startOffset, CommonOptions.yes, CommonOptions.dryRun],
        examples: [
            Example("kadmin txn abort import", "ends what the producer of this id left open"),
            Example("kadmin txn abort -p orders:0 --start-offset 1234", "a transaction that hangs"),
        ]
    ) { run in
        var ids: [String] = []
        for id in run.arguments.operands where !ids.contains(id) { ids.append(id) }
        if run.arguments.isGiven(partition) || run.arguments.isGiven(startOffset) {
            guard ids.isEmpty else { throw ToolError.usage("an ID and -p contradict each other") }
            return try abortHanging(&run)
        }
        guard !ids.isEmpty else { throw ToolError.usage("an ID, or -p with --start-offset, is needed") }
        if !run.isDryRun {
            guard try run.confirm("Fence \(ids.joined(separator: ", ")) and abort what is open?") else {
                return run.failed("nothing was aborted")
            }
        }
        for id in ids {
            do throws(ClientError) {
                try fence(id, &run)
            } catch {
                // The others go on where it is this one that was refused.
                guard error.errorCode != nil else { throw error }
                run.failed("\(id): \(error.message)")
            }
        }
    }

    private static func fence(_ id: String, _ run: inout AdminRun) throws(ClientError) {
        // An id that nobody has would be made.
        let known = try run.admin.describeTransactions([id]).first
        guard let known, known.error == .none else {
            let code = known?.error ?? .transactionalIdNotFound
            return run.failed("\(id): \(code.name): \(code.meaning)")
        }
        let isOpen = known.state == TransactionStatus.ongoing.name
        if run.isDryRun {
            return run.done(
                "would fence \(id)" + (isOpen ? " and abort its transaction" : ", which has no transaction open"))
        }
        try run.admin.fenceProducer(id)
        run.done("fenced \(id)" + (isOpen ? " and aborted its transaction" : ", which had no transaction open"))
    }

    private static func abortHanging(_ run: inout AdminRun) throws {
        guard let text = run.arguments.text(partition), let offset = run.arguments.integer(startOffset) else {
            throw ToolError.usage("-p and --start-offset belong together")
        }
        let place = try TopicPartition(typed: text)
        let producers = try run.admin.describeProducers(place)
        guard let producer = producers.first(where: { $0.transactionStartOffset == offset }) else {
            return run.failed(
                "no transaction is open in \(place) from offset \(offset) on; kadmin producer describe \(text) shows "
                    + "where one is")
        }
        let what = "the transaction of producer \(producer.producerId) in \(place)"
        if let id = try transaction(of: producer, in: place, run) {
            return run.failed(
                "\(what) is not over: \(id) is Ongoing, and would lose only what it wrote there; kadmin txn abort \(id) "
                    + "ends all of it")
        }
        if run.isDryRun { return run.done("would abort \(what)") }
        guard try run.confirm("Abort \(what)?") else { return run.failed("nothing was aborted") }
        try run.admin.abortTransaction(of: producer, in: place)
        run.done("aborted \(what)")
    }

    // The id whose open transaction has the partition, as its coordinator knows. Nobody would tell its producer, whose
    // commit makes the rest count. What is prepared waits for its markers only, of which this may be the one that is missing.
    private static func transaction(
        of producer: ProducerDescription, in place: TopicPartition, _ run: AdminRun
    ) throws(ClientError) -> String? {
        let ongoing = TransactionStatus.ongoing.name
        let (known, missing) = try run.admin.listTransactions(states: [ongoing], producerIds: [producer.producerId])
        // What a coordinator that cannot be loaded leaves open nobody else can end.
        for error in missing { run.console.warning("\(error.message); one of those may have it open") }
        return try run.admin.describeTransactions(known.map(\.transactionalId)).first {
            $0.error == .none && $0.state == ongoing && $0.partitions.contains(place)
        }?.transactionalId
    }
}
