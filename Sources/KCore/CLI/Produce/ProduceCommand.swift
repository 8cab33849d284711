extension Command {
    /// `kproduce`
    public static let kproduce = Command(
        "kproduce", "Sends records to a Kafka topic, one for each line of standard input or of files",
        details: [
            """
            A last line without newline is a record too. A summary goes to stderr. When a record was not
            acknowledged, it is named there with the reason, and the exit status is 1.
            """,
            """
            With --transactional-id a record is delivered when its transaction is committed. One in which a record
            cannot be sent is aborted, and what comes behind is not sent. One that is open for longer than
            transaction.timeout.ms, a minute if -X does not set it, is aborted by the broker: for input that takes
            longer there is --commit-every. Of a number of records, a transaction ends with fewer when half of that
            time is over.
            """,
        ],
        operands: [Operand("FILE", kind: .path, repeatable: true, help: "Input instead of stdin; - is stdin")],
        options: ProduceOptions.all + CommonOptions.client,
        examples: [
            Example("seq 1000 | kproduce -t numbers", "a record for each line"),
            Example("kproduce -t users -K : -z lz4 users.txt", "lines are KEY:VALUE; batches are compressed"),
            Example("kproduce -t photos -D '' -k cat -H type=image/png cat.png", "the whole file is one record"),
            Example(
                "kproduce -t orders --transactional-id import --commit-every 1000 orders.txt",
                "a thousand lines count together or not at all"),
            Example(
                "kconsume -t a -o beginning -e --json | kproduce -t b --json", "copies a topic with keys and headers"),
        ],
        action: { arguments, console throws(ToolError) in
            let settings = try ProduceSettings(arguments)
            let client = try ClientSetup.connect(arguments, console, options: ProduceOptions.properties(arguments))
            defer { client.close() }
            try settings.check(client.config)
            let run = ProduceRun(settings, client, console)
            return try run.run()
        })
}

/// What a command line of `kproduce` asks for, beyond the client's properties.
struct ProduceSettings: Sendable {
    var topic: String?
    var files: [String]
    var format = LineFormat()
    /// The whole input is one record.
    var isWholeInput: Bool
    var isJSON: Bool
    /// Envelopes' partitions count: neither -p nor a partitioner was asked for.
    var usesEnvelopePartition: Bool
    var isQuiet: Bool
    var commitEvery: CommitInterval?

    init(_ arguments: Arguments) throws(ToolError) {
        topic = arguments.text(ProduceOptions.topic)
        files = arguments.operands.isEmpty ? ["-"] : arguments.operands
        isJSON = arguments.isGiven(ProduceOptions.json)
        isQuiet = arguments.isGiven(CommonOptions.quiet)
        if let text = arguments.text(ProduceOptions.commitEvery) {
            guard let interval = CommitInterval(text) else {
                throw .usage("--commit-every \(text): neither a number of records nor a duration such as 100ms")
            }
            commitEvery = interval
        }
        usesEnvelopePartition =
            !arguments.isGiven(ProduceOptions.partition) && !arguments.isGiven(ProduceOptions.partitioner)
        guard topic != nil || isJSON else {
            throw .usage("-t, --topic TOPIC is needed (only --json can do without: envelopes name their topic)")
        }
        guard !arguments.isGiven(ProduceOptions.partition) || !arguments.isGiven(ProduceOptions.partitioner) else {
            throw .usage("-p and --partitioner contradict each other")
        }
        if arguments.isGiven(ProduceOptions.transactionalId), let acks = arguments.text(ProduceOptions.acks),
            !["all", "-1"].contains(acks)
        {
            throw .usage(
                "--transactional-id needs --acks all: what is in a transaction is acknowledged by all or not there")
        }
        let delimiter = try EscapedText.bytes(arguments.text(ProduceOptions.delimiter) ?? "\\n")
        isWholeInput = delimiter.isEmpty
        if !delimiter.isEmpty { format.delimiter = Bytes(delimiter) }
        if let text = arguments.text(ProduceOptions.keyDelimiter) {
            guard !text.isEmpty else { throw .usage("-K: an empty delimiter separates nothing") }
            guard !arguments.isGiven(ProduceOptions.key) else { throw .usage("-k and -K contradict each other") }
            format.keyDelimiter = Bytes(try EscapedText.bytes(text))
        }
        if let key = arguments.text(ProduceOptions.key) { format.key = Bytes(key) }
        if isJSON {
            for option in [ProduceOptions.key, ProduceOptions.keyDelimiter, ProduceOptions.header]
            where arguments.isGiven(option) {
                throw .usage("--\(option.name) contradicts --json: envelopes have keys and headers of their own")
            }
            guard !isWholeInput else { throw .usage("-D '' contradicts --json: envelopes are lines") }
        }
        let headers = arguments.pairs(ProduceOptions.header)
        if !headers.isEmpty {
            format.headers = EncodedHeaders(headers.map { RecordHeader(key: $0.name, value: Bytes($0.value)) })
        }
        if let partition = arguments.integer(ProduceOptions.partition) { format.partition = Int32(partition) }
        format.emptyValueIsNull = arguments.isGiven(ProduceOptions.emptyIsNull)
    }

    /// Whether what was asked for can be done with a client like that.
    func check(_ config: ClientConfig) throws(ToolError) {
        guard let commitEvery else { return }
        guard config.isTransactional else { throw .usage("--commit-every needs --transactional-id") }
        guard case .milliseconds(let ms) = commitEvery, ms >= config.transactionTimeoutMs else { return }
        throw .usage(
            "--commit-every \(ms)ms is not below transaction.timeout.ms=\(config.transactionTimeoutMs), after which the "
                + "broker aborts a transaction; set it higher with -X")
    }
}
