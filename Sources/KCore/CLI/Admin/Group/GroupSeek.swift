extension Command {
    private static let offset = CommandOption.value(
        "offset", short: "o", "WHERE",
        help: "Where to go on: beginning, end, N, -N (the last N of each partition), @TIME (ms since 1970, "
            + "2026-11-21T09:30Z, -2h)")
    private static let fromFile = CommandOption.value(
        "from-file", "FILE", kind: .path, help: "Set the offsets of FILE, lines of TOPIC,PARTITION,OFFSET")
    private static let toFile = CommandOption.value(
        "to-file", "FILE", kind: .path,
        help: "Change nothing; write the stored offsets to FILE, as --from-file and Kafka's tool read them; - is stdout"
    )

    static let groupSeek = admin(
        "seek", "Sets where a group without members goes on",
        details: [
            """
            Shows what it would do and asks, unless -y says yes; --dry-run only shows. Without -t it is about all
            partitions with a stored offset. An offset that the log does not have becomes its nearest end.
            """,
            """
            --format json prints an object for each partition: topic, partition, stored (null where nothing is),
            new, log_start and log_end.
            """,
        ],
        operands: [Operand("GROUP", required: true)],
        options: [
            offset, fromFile, toFile,
            GroupOptions.topic("Only this topic; with -o also its partitions without a stored offset"),
            GroupOptions.partitions, CommonOptions.yes, CommonOptions.dryRun, AdminOptions.format,
        ],
        examples: [
            Example("kadmin group seek billing -o beginning --dry-run", "what reading all again would change"),
            Example("kadmin group seek billing -o @-2h -t orders -y", "the last two hours of one topic again"),
            Example("kadmin group seek billing --to-file billing.csv", "keeps the offsets"),
            Example("kadmin group seek billing --from-file billing.csv -y", "puts them back"),
        ]
    ) { run in
        let group = run.arguments.operands[0]
        let given = [offset, fromFile, toFile].filter { run.arguments.isGiven($0) }
        guard given.count == 1 else { throw ToolError.usage("say one of -o WHERE, --from-file FILE, --to-file FILE") }
        if let path = run.arguments.text(toFile) { return try write(&run, group, path) }
        let description = try run.admin.describeGroup(group)
        guard description.members.isEmpty else {
            let count = description.members.count
            let others = count == 1 ? "it is; stop it first" : "they are; stop them first"
            return run.failed(
                "group \(group) has \(Quantity.count(Int64(count), "member")), which would go on where \(others)"
                    + description.staticNote())
        }
        let plan = try GroupSeekPlan(run, group, offset: run.arguments.text(offset), file: run.arguments.text(fromFile))
        guard !plan.targets.isEmpty else {
            if let file = run.arguments.text(fromFile) { return run.failed("\(file) has none of these partitions") }
            let place = run.arguments.isGiven(GroupOptions.partitions) ? " in these partitions" : ""
            let what =
                description.exists ? "group \(group) has no stored offsets\(place)" : "there is no group \(group)"
            return run.failed("\(what); -t TOPIC says which partitions are meant")
        }
        if !description.exists && !run.arguments.isGiven(CommonOptions.quiet) {
            run.console.warning("there is no group \(group); stored offsets make one")
        }
        run.print(plan.table)
        run.warnOfHeldOffsets(group, plan.targets.keys.sorted())
        if run.isDryRun { return }
        guard try run.confirm("Set these offsets of group \(group)?") else { return run.failed("nothing was changed") }
        let outcomes = try run.admin.setGroupOffsets(group, plan.targets.mapValues { GroupOffset($0) })
        for (_, error) in outcomes { if let error { run.failed(error.message) } }
        let done = outcomes.count { $0.1 == nil }
        run.done("set \(Quantity.count(Int64(done), "offset")) of group \(group)")
    }

    private static func write(_ run: inout AdminRun, _ group: String, _ path: String) throws {
        let (topics, list) = (run.arguments.texts(GroupOptions.topic), try run.partitionList())
        var offsets = try run.admin.groupOffsets(group).mapValues(\.offset)
        for topic in topics where !offsets.keys.contains(where: { $0.topic == topic }) {
            return run.failed("group \(group) has no stored offsets of \(topic)")
        }
        offsets = offsets.filter { place, _ in
            (topics.isEmpty || topics.contains(place.topic)) && list?.contains(place.partition) ?? true
        }
        guard !offsets.isEmpty else {
            guard try run.admin.describeGroup(group).exists else { return run.failed("there is no group \(group)") }
            return run.failed("group \(group) has no stored offsets" + (list == nil ? "" : " in these partitions"))
        }
        let what = "\(Quantity.count(Int64(offsets.count), "offset")) of group \(group) to \(path)"
        if run.isDryRun { return run.done("would write \(what)") }
        if path == "-" { return run.console.print(GroupOffsetFile.text(offsets)) }
        try FileText.replace(path, with: GroupOffsetFile.text(offsets))
        run.done("wrote \(what)")
    }
}

/// Where each partition is and where it is to go.
struct GroupSeekPlan {
    var targets: [TopicPartition: Int64] = [:]
    private var stored: [TopicPartition: GroupOffset]
    private var starts: [TopicPartition: Int64]
    private var ends: [TopicPartition: Int64]

    init(_ run: AdminRun, _ group: String, offset: String?, file: String?) throws {
        let admin = run.admin
        let place = try offset.map { text throws(ToolError) in
            try OffsetExpression.Point(text, of: "-o", nowMs: run.console.clock.wallMs)
        }
        let (topics, list) = (run.arguments.texts(GroupOptions.topic), try run.partitionList())
        var wanted = try file.map { path throws(ToolError) in try GroupOffsetFile.read(path) } ?? [:]
        stored = try admin.groupOffsets(group)
        var partitions = try run.partitions(of: topics, list)
        if file != nil || topics.isEmpty {
            partitions = (file != nil ? wanted.keys.sorted() : stored.keys.sorted()).filter { partition in
                (topics.isEmpty || topics.contains(partition.topic)) && list?.contains(partition.partition) ?? true
            }
        }
        starts = try admin.ends(of: partitions, .earliest)
        ends = try admin.ends(of: partitions, .latest)
        if let place { wanted = try place.offsets(partitions, starts: starts, ends: ends, admin) }
        for partition in partitions {
            guard let start = starts[partition], let end = ends[partition] else {
                throw ToolError("there is no partition \(partition), or it has no leader; leave it out with -t and -p")
            }
            if let place = wanted[partition] { targets[partition] = min(max(place, start), end) }
        }
    }

    var table: TextTable {
        var table = TextTable(["topic", "partition", "stored", "new", "log_start", "log_end"])
        func number(_ value: Int64?) -> TextTable.Cell { value.map { .number($0) } ?? .none }
        for (partition, target) in targets.sorted(by: { $0.key < $1.key }) {
            table.add([
                .text(partition.topic), .number(Int64(partition.partition)), number(stored[partition]?.offset),
                .number(target), number(starts[partition]), number(ends[partition]),
            ])
        }
        return table
    }
}
