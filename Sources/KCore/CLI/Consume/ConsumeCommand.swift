extension Command {
    /// `kconsume`
    public static let kconsume = Command(
        "kconsume", "Prints the records of Kafka topics",
        details: [
            """
            Values go to stdout, a line each, unless -f or --json says otherwise. Without -e, -c or a range it
            goes on until it is interrupted; with a range, until every partition has come to its end. Where it
            goes on and -p does not say otherwise, it looks every metadata.max.age.ms for partitions that were
            added and topics that have come to fit a ^REGEX, and reads them from their beginning.
            """,
            """
            A partition without a leader is named on stderr and read once it has one; the others do not wait for
            it. With -e or a range one that has had none for 30 s (or default.api.timeout.ms, when that is less)
            is an error, once all others are read.
            """,
            """
            FORMAT: %v %s value    %k key          %h headers NAME=VALUE,...   %t topic      %o offset
                    %V %S length   %K key length   %T timestamp in ms          %p partition  %e leader epoch
            and %%, \\n \\t \\r \\0 \\\\ \\xHH; %v{hex} and %v{base64} for bytes. No newline comes by itself.
            """,
            """
            With -g the members of the group share the partitions, and each goes on from its stored offset; where
            there is none, -o beginning or -o end says where. With --commit after, what was printed is stored
            every auto.commit.interval.ms, when partitions go to another member and at the end: after a crash some
            records come again. With --commit before a crash loses those that were stored and not printed yet.
            Where it begins is stored too, unless --commit never or enable.auto.commit=false says otherwise. With
            -e it stops at the end of its share, once no member that is silent holds on to more of it
            (session.timeout.ms; with group.protocol=consumer the broker's group.consumer.session.timeout.ms:
            45 s); without a share, when that has lasted for three heartbeats. Topics that fit a ^REGEX may come
            later, unless -e says otherwise.
            """,
            """
            With --sink DIR the output of each partition goes to DIR/TOPIC-PARTITION/*.lines instead, and where
            that ends reading goes on; -o is for topics that are new to it, and a partition that was added later,
            or had no leader at first, begins at its beginning. Members of a group share DIR.
            What each of these promises, with commands to try: docs/delivery-guarantees.md
            """,
        ],
        options: ConsumeOptions.all + CommonOptions.client,
        examples: [
            Example("kconsume -t orders", "prints what comes from now on"),
            Example("kconsume -t orders -o beginning -e | wc -l", "counts what is there"),
            Example(
                "kconsume -t orders -o @-2h -f '%T %p:%o %k = %v\\n'", "the last two hours, with time, place and key"),
            Example("kconsume -t orders -g billing", "shares orders with the other members of the group billing"),
            Example("kconsume -t orders -o beginning --sink copy", "copies orders to files, each record exactly once"),
            Example("kconsume -t orders,payments -p 0 -o -10 -e --json", "the last ten of partition 0 of two topics"),
        ],
        action: { arguments, console throws(ToolError) in
            var settings = try ConsumeSettings(arguments, nowMs: console.clock.wallMs)
            var options: [(name: String, value: String)] = []
            if arguments.isGiven(ConsumeOptions.isolation), let level = arguments.text(ConsumeOptions.isolation) {
                options.append(("isolation.level", level))
            }
            if settings.group != nil {
                let properties = try ClientSetup.properties(arguments, console, defaults: [], options: [])
                let config = try ToolError.rethrowing { () throws(ClientError) in try ClientConfig(properties) }
                if !config.isAutoCommit { try settings.commitNever(arguments) }
            }
            options += settings.groupProperties
            let defaults = [(name: "isolation.level", value: "read_committed")]
            let client = try ClientSetup.connect(arguments, console, defaults: defaults, options: options)
            defer { client.close() }
            if settings.group != nil {
                guard let topics = try ConsumeAssignment.groupTopics(settings, client, console) else {
                    return console.interruption?.signal.map { .signal($0) } ?? .failed
                }
                if let path = settings.sink {
                    return try ConsumeSinkRun(
                        settings, client, console, SinkDirectory(path, format: settings.sinkFormat), topics
                    ).run()
                }
                return try ConsumeGroupRun(settings, topics, client, console).run()
            }
            if !client.config.groupId.isEmpty && !settings.isQuiet {
                console.warning("group.id has no effect without -g \(client.config.groupId)")
            }
            if !arguments.isGiven(ConsumeOptions.offset) { try settings.start(client.config.autoOffsetReset) }
            console.interruption?.onInterrupt { client.interrupt() }
            if let path = settings.sink {
                return try ConsumeSinkRun(settings, client, console, SinkDirectory(path, format: settings.sinkFormat))
                    .run()
            }
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
    /// Nil without a group.
    var group: String?
    var commit: Commit
    /// The directory that output goes to, with its positions; nil for stdout.
    var sink: String?
    /// Where a group starts that has no stored offset; nil for what `auto.offset.reset` says.
    var groupStart: OffsetReset?
    var printing: RecordPrinter.Mode
    /// What output to files is marked with, so that it goes on as it began.
    var sinkFormat: String
    var isQuiet: Bool
    var isVerbose: Bool

    init(_ arguments: Arguments, nowMs: Int64) throws(ToolError) {
        topics = try TopicSelection(arguments.texts(ConsumeOptions.topic))
        if let text = arguments.text(ConsumeOptions.partitions) { partitions = try PartitionList(text) }
        group = arguments.text(ConsumeOptions.group)
        commit = arguments.text(ConsumeOptions.commit).flatMap(Commit.init(rawValue:)) ?? .after
        let offset = arguments.text(ConsumeOptions.offset)
        if group == nil {
            guard !arguments.isGiven(ConsumeOptions.commit) else { throw .usage("--commit needs a group: -g GROUP") }
            place = try OffsetExpression(offset ?? "end", nowMs: nowMs)
        } else {
            guard partitions == nil else {
                throw .usage("-g and -p contradict each other: the group shares partitions")
            }
            place = OffsetExpression(start: .end)
            groupStart = try ConsumeSettings.groupStart(offset)
        }
        sink = arguments.text(ConsumeOptions.sink)
        if sink != nil && arguments.isGiven(ConsumeOptions.commit) {
            throw .usage("--sink and --commit contradict each other: positions are stored with the output")
        }
        maxRecords = arguments.integer(ConsumeOptions.count)
        exitsAtEnd = arguments.isGiven(ConsumeOptions.exitAtEnd)
        isQuiet = arguments.isGiven(CommonOptions.quiet)
        isVerbose = arguments.isGiven(CommonOptions.verbose)
        if arguments.isGiven(ConsumeOptions.json) {
            guard !arguments.isGiven(ConsumeOptions.format) else { throw .usage("-f and --json contradict each other") }
            printing = .envelope
            sinkFormat = SinkPosition.format(nil)
        } else if let text = arguments.text(ConsumeOptions.format) {
            let format = try RecordFormat(text)
            printing = format == .valueLine ? .valueLine : .format(format)
            sinkFormat = SinkPosition.format(format == .valueLine ? "%v\\n" : text)
        } else {
            printing = .valueLine
            sinkFormat = SinkPosition.format("%v\\n")
        }
    }

    /// `enable.auto.commit=false`: the group is not to move.
    mutating func commitNever(_ arguments: Arguments) throws(ToolError) {
        guard !arguments.isGiven(ConsumeOptions.commit) || commit == .never else {
            throw .usage("--commit \(commit.rawValue) and enable.auto.commit=false contradict each other")
        }
        commit = .never
    }

    /// When a record counts as read by the group.
    enum Commit: String, CaseIterable {
        /// Before it is printed: at most once.
        case before
        /// After it was printed: at least once.
        case after
        case never
    }

    private static func groupStart(_ offset: String?) throws(ToolError) -> OffsetReset? {
        switch offset {
        case nil, "stored": return nil
        case "beginning", "earliest": return .earliest
        case "end", "latest": return .latest
        case .some(let text):
            throw .usage(
                "-o \(text): with -g it is stored, beginning or end, for partitions without a stored offset; "
                    + "kadmin group seek sets stored offsets")
        }
    }

    /// What membership is in the client's properties.
    var groupProperties: [(name: String, value: String)] {
        guard let group else { return [] }
        // What was printed is committed, not what was fetched.
        let properties = [("group.id", group), ("enable.auto.commit", "false")]
        return properties + (groupStart.map { [("auto.offset.reset", $0.rawValue)] } ?? [])
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
