extension Command {
    fileprivate static let before = CommandOption.value(
        "before", "WHERE", required: true,
        help: "The first record to keep: an offset, -N (the last N of each partition), end (none), @TIME (ms since "
            + "1970, 2026-11-21T09:30Z, -2h)")

    static let topicTrim = admin(
        "trim", "Deletes the oldest records of a topic",
        details: [
            """
            Shows where the partitions would begin and asks, unless -y says yes; --dry-run only shows. Records are
            gone for consumers at once, and from the disk with the next check of the retention. The topic's
            cleanup.policy has to allow deletion.
            """
        ],
        operands: [Operand("TOPIC", required: true)],
        options: [
            GroupOptions.partitions, before, CommonOptions.yes, CommonOptions.dryRun, AdminOptions.format,
        ],
        examples: [
            Example("kadmin topic trim orders --before @-7d --dry-run", "what a week's records leave"),
            Example("kadmin topic trim orders -p 0 --before 1200 -y", "offsets below 1200 of a partition"),
            Example("kadmin topic trim orders --before end -y", "all that is there now"),
        ]
    ) { run in
        let topic = run.arguments.operands[0]
        let plan = try TrimPlan(&run, topic)
        if !plan.rows.isEmpty { run.print(plan.table) }
        if run.isDryRun || plan.targets.isEmpty { return }
        let records = Quantity.count(plan.records, "offset")
        guard try run.confirm("Delete the records at \(records) of \(topic)?") else {
            return run.failed("nothing was deleted")
        }
        let targets = plan.targets.map { (topic: topic, partition: $0.partition, offset: $0.offset) }
        for item in try run.admin.deleteRecords(targets) {
            switch item.result {
            case .success(let start): run.done("\(item.name) begins at \(start)")
            case .failure(let error): run.failed(error.message)
            }
        }
    }
}

/// Where each partition begins, and where it is to begin.
private struct TrimPlan {
    private(set) var rows: [(partition: Int32, start: Int64, new: Int64, end: Int64)] = []
    /// Partitions that lose something.
    private(set) var targets: [(partition: Int32, offset: Int64)] = []

    /// Offsets that go.
    var records: Int64 { rows.reduce(0) { $0 + $1.new - $1.start } }

    /// Partitions that cannot be trimmed there are failures of `run`.
    init(_ run: inout AdminRun, _ topic: String) throws {
        let partitions = try Self.partitions(run, topic)
        let starts = try run.admin.ends(of: partitions, .earliest)
        let ends = try run.admin.ends(of: partitions, .latest)
        let wanted = try Self.places(run, partitions, starts, ends)
        for name in partitions {
            guard let start = starts[name], let end = ends[name] else {
                run.failed("there is no partition \(name), or it has no leader; leave it out with -p")
                continue
            }
            guard let place = wanted[name], place <= end else {
                run.failed("\(name) ends at \(end), before the offset to keep")
                continue
            }
            rows.append((name.partition, start, max(place, start), end))
            if place > start { targets.append((name.partition, place)) }
        }
    }

    private static func partitions(_ run: AdminRun, _ topic: String) throws -> [TopicPartition] {
        guard let found = try run.client.metadata(topics: [topic]).topics.first, found.error == .none else {
            throw ToolError("there is no topic \(topic); kadmin topic list shows those that are there")
        }
        let all = found.partitions.map(\.index).sorted()
        var chosen = all
        if let text = run.arguments.text(GroupOptions.partitions) {
            let list = try PartitionList(text)
            chosen = all.filter { list.contains($0) }
            let last = list.ranges.map(\.upperBound).max() ?? 0
            guard !chosen.isEmpty, last <= all.last ?? -1 else {
                throw ToolError("\(topic) has no partition \(last); it has \(PartitionList.text(all))")
            }
        }
        return chosen.map { TopicPartition(topic: topic, partition: $0) }
    }

    private static func places(
        _ run: AdminRun, _ partitions: [TopicPartition], _ starts: [TopicPartition: Int64],
        _ ends: [TopicPartition: Int64]
    ) throws -> [TopicPartition: Int64] {
        let text = run.arguments.text(Command.before) ?? ""
        guard let expression = try? OffsetExpression(text, nowMs: run.console.clock.wallMs), expression.stop == nil
        else { throw ToolError.usage("--before \(text): not an offset, -N, end or @TIME") }
        switch expression.start {
        case .beginning: return starts
        case .end: return ends
        case .offset(let offset): return Dictionary(uniqueKeysWithValues: partitions.map { ($0, offset) })
        case .last(let count): return ends.mapValues { $0 - min(count, $0) }
        case .time(let time):
            // Where there is no record of that time or later, all are older.
            return ends.merging(try run.admin.ends(of: partitions, .timestamp(time))) { _, found in found }
        }
    }

    var table: TextTable {
        var table = TextTable(["partition", "log_start", "new_start", "log_end"])
        for row in rows {
            table.add([.number(Int64(row.partition)), .number(row.start), .number(row.new), .number(row.end)])
        }
        return table
    }
}
