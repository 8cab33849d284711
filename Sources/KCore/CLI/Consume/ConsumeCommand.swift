extension Command {
    /// `kconsume`
    public static let kconsume = Command(
        "kconsume", "Prints the records of Kafka topics",
        details: [
            """
            Values go to stdout, a line each, unless -f or --json says otherwise. Without -e, -c or a range it
            goes on until it is interrupted; with a range, until every partition has come to its end.
            """,
            """
            FORMAT: %v %s value    %k key          %h headers NAME=VALUE,...   %t topic      %o offset
                    %V %S length   %K key length   %T timestamp in ms          %p partition  %e leader epoch
            and %%, \\n \\t \\r \\0 \\\\ \\xHH; %v{hex} and %v{base64} for bytes. No newline comes by itself.
            """,
        ],
        options: ConsumeOptions.all + CommonOptions.client,
        examples: [
            Example("kconsume -t orders", "prints what comes from now on"),
            Example("kconsume -t orders -o beginning -e | wc -l", "counts what is there"),
            Example(
                "kconsume -t orders -o @-2h -f '%T %p:%o %k = %v\\n'", "the last two hours, with time, place and key"),
            Example("kconsume -t orders,payments -p 0 -o -10 -e --json", "the last ten of partition 0 of two topics"),
        ],
        action: { arguments, console throws(ToolError) in
            var settings = try ConsumeSettings(arguments, nowMs: console.clock.wallMs)
            var options: [(name: String, value: String)] = []
            if arguments.isGiven(ConsumeOptions.isolation), let level = arguments.text(ConsumeOptions.isolation) {
                options.append(("isolation.level", level))
            }
            let defaults = [(name: "isolation.level", value: "read_committed")]
            let client = try ClientSetup.connect(arguments, console, defaults: defaults, options: options)
            defer { client.close() }
            if !arguments.isGiven(ConsumeOptions.offset) { try settings.start(client.config.autoOffsetReset) }
            console.interruption?.onInterrupt { client.interrupt() }
            let run = ConsumeRun(settings, client, console)
            return try run.run()
        })
}

/// What a command line of `kconsume` asks for, beyond the client's properties.
struct ConsumeSettings: Sendable {
    var topics: TopicSelection
    var partitions: PartitionList?
    var place: OffsetExpression
    var maxRecords: Int64?
    var exitsAtEnd: Bool
    var printing: RecordPrinter.Mode
    var isQuiet: Bool
    var isVerbose: Bool

    init(_ arguments: Arguments, nowMs: Int64) throws(ToolError) {
        topics = try TopicSelection(arguments.texts(ConsumeOptions.topic))
        if let text = arguments.text(ConsumeOptions.partitions) { partitions = try PartitionList(text) }
        place = try OffsetExpression(arguments.text(ConsumeOptions.offset) ?? "end", nowMs: nowMs)
        maxRecords = arguments.integer(ConsumeOptions.count)
        exitsAtEnd = arguments.isGiven(ConsumeOptions.exitAtEnd)
        isQuiet = arguments.isGiven(CommonOptions.quiet)
        isVerbose = arguments.isGiven(CommonOptions.verbose)
        if arguments.isGiven(ConsumeOptions.json) {
            guard !arguments.isGiven(ConsumeOptions.format) else { throw .usage("-f and --json contradict each other") }
            printing = .envelope
        } else if let text = arguments.text(ConsumeOptions.format) {
            let format = try RecordFormat(text)
            printing = format == .valueLine ? .valueLine : .format(format)
        } else {
            printing = .valueLine
        }
    }

    /// Without -o, what `auto.offset.reset` says decides, as for a consumer that has no position yet.
    mutating func start(_ reset: OffsetReset?) throws(ToolError) {
        switch reset {
        case .earliest: place.start = .beginning
        case .latest, nil: place.start = .end
        case .fail: throw .usage("nothing says where to start: auto.offset.reset is none; -o WHERE does")
        }
    }
}
