extension Command {
    /// `kadmin log dump`: needs no broker.
    static let logDump = Command(
        "dump", "Prints what is in the files of a data directory",
        details: [
            """
            Lines are those of Kafka's kafka-dump-log.sh, and its options are understood. Keys and values that are
            no UTF-8 come as base 64; the records of __cluster_metadata, __consumer_offsets and
            __transaction_state are decoded when they lie in a directory of that name, or when an option says so.
            A batch whose checksum is wrong is printed as far as it can be (isvalid: false); one that cannot be
            read ends its file. Both are named on stderr, with their first byte, and make the exit status 1.
            """
        ],
        operands: [
            Operand(
                "PATH", kind: .path, repeatable: true,
                help: "A segment, index, snapshot, checkpoint, meta.properties, ... or a directory of them")
        ],
        options: LogDumpOptions.all,
        examples: [
            Example("kadmin log dump data/orders-0", "the batches and indexes of a partition"),
            Example("kadmin log dump --records data/orders-0/*.log", "every record"),
            Example("kadmin log dump --records data/__cluster_metadata-0", "the cluster's metadata"),
            Example("kadmin log dump data", "meta.properties and the checkpoints of a data directory"),
        ],
        action: { arguments, console throws(ToolError) in
            let dump = LogDump(
                output: OutputBuffer(descriptor: console.output), options: try LogDumpOptions.read(arguments))
            let paths = arguments.operands + LogDumpOptions.files(arguments)
            guard !paths.isEmpty else { throw .usage("PATH is missing: a file or directory to print") }
            var status = ExitStatus.done
            for operand in paths {
                for path in try LogDump.files(operand) {
                    if console.interruption?.signal != nil || dump.output.failure != nil { break }
                    do throws(ToolError) {
                        try dump.print(path)
                    } catch {
                        dump.output.flush()
                        console.failure(error.message)
                        status = .failed
                    }
                }
            }
            dump.output.flush()
            if let signal = console.interruption?.signal { return .signal(signal) }
            return status
        })
}

/// The options of `kadmin log dump`: the names of Kafka's dump tool, and shorter ones.
enum LogDumpOptions {
    static let records = CommandOption.flag(
        "records", aliases: ["print-data-log"], help: "Also each record, with its key and value")
    static let deep = CommandOption.flag("deep-iteration", help: "Also each record, without its key and value")
    static let bare = CommandOption.flag(
        "skip-record-metadata", help: "With --records: only keys and values")
    static let sanity = CommandOption.flag(
        "index-sanity-check", help: "Say of indexes only whether their entries are in order")
    static let verify = CommandOption.flag(
        "verify-index-only", help: "Say of indexes only whether they agree with the log beside them")
    static let groups = CommandOption.flag(
        "offsets-decoder", help: "Records are those of __consumer_offsets")
    static let transactions = CommandOption.flag(
        "transaction-log-decoder", help: "Records are those of __transaction_state")
    static let metadata = CommandOption.flag(
        "cluster-metadata-decoder", help: "Records are those of __cluster_metadata")
    static let key = CommandOption.value(
        "key-decoder", "NAME", aliases: ["key-decoder-class"],
        help: "Print keys as \(FieldDecoder.names)")
    static let value = CommandOption.value(
        "value-decoder", "NAME", aliases: ["value-decoder-class"],
        help: "Print values as \(FieldDecoder.names)")
    static let maxBytes = CommandOption.value(
        "max-bytes", "BYTES", kind: .size(1...Int64.max),
        help: "Show only batches within the first BYTES of each segment")
    static let maxBatchBytes = CommandOption.value(
        "max-message-size", "BYTES", kind: .size(1...Int64.max), help: "A larger batch ends its file")
    static let files = CommandOption.value(
        "files", "PATH,...", repeatable: true, help: "More files or directories to print")

    static let all = [
        records, deep, bare, sanity, verify, groups, transactions, metadata, key, value, maxBytes, maxBatchBytes, files,
    ]

    static func files(_ arguments: Arguments) -> [String] {
        arguments.texts(files).flatMap { $0.split(separator: ",").map(String.init) }
    }

    static func read(_ arguments: Arguments) throws(ToolError) -> DumpOptions {
        var options = DumpOptions()
        let decoders: [(CommandOption, RecordDecoder)] = [
            (groups, .groups), (transactions, .transactions), (metadata, .metadata),
        ]
        let given = decoders.filter { arguments.isGiven($0.0) }
        guard given.count <= 1 else { throw .usage("--\(given[0].0.name) and --\(given[1].0.name) exclude each other") }
        options.decoder = given.first?.1
        options.keyDecoder = try decoder(key, arguments)
        options.valueDecoder = try decoder(value, arguments)
        // As with Kafka's tool, to say what records are asks for them.
        let isData = arguments.isGiven(records) || arguments.isGiven(key) || arguments.isGiven(value) || !given.isEmpty
        options.detail = isData ? .data : arguments.isGiven(deep) ? .records : .batches
        options.skipsRecordMetadata = arguments.isGiven(bare)
        options.indexMode = arguments.isGiven(verify) ? .againstLog : arguments.isGiven(sanity) ? .sanity : .entries
        options.maxBytes = arguments.integer(maxBytes) ?? .max
        options.maxBatchBytes = arguments.integer(maxBatchBytes) ?? .max
        return options
    }

    private static func decoder(_ option: CommandOption, _ arguments: Arguments) throws(ToolError) -> FieldDecoder {
        guard let name = arguments.text(option) else { return .string }
        guard let decoder = FieldDecoder(name: name) else {
            throw .usage("--\(option.name) \(name) is not known: \(FieldDecoder.names)")
        }
        return decoder
    }
}
