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
        let place = try OffsetExpression.Point(
            run.arguments.text(Command.before) ?? "", of: "--before", nowMs: run.console.clock.wallMs)
        let partitions = try run.partitions(of: [topic], try run.partitionList())
        let starts = try run.admin.ends(of: partitions, .earliest)
        let ends = try run.admin.ends(of: partitions, .latest)
        let wanted = try place.offsets(partitions, starts: starts, ends: ends, run.admin)
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

    var table: TextTable {
        var table = TextTable(["partition", "log_start", "new_start", "log_end"])
        for row in rows {
            table.add([.number(Int64(row.partition)), .number(row.start), .number(row.new), .number(row.end)])
        }
        return table
    }
}
