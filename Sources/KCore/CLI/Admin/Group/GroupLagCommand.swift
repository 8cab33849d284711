extension Command {
    static let groupLag = admin(
        "lag", "Shows how far groups have come, and what they have not read yet",
        details: [
            """
            The lag is the number of offsets between the group's and the end of the log. What was deleted before the
            group came to it is not counted: an offset below the log's start counts from there. A partition that a
            member has and of which nothing is stored yet is there, too, without a lag.
            """,
            """
            --format json prints an object for each partition: group, topic, partition, stored, log_start, log_end
            and lag; null for what is not known.
            """,
        ],
        operands: [Operand("GROUP", repeatable: true, required: true)],
        options: [
            GroupOptions.topic("Only this topic, also its partitions without a stored offset"), AdminOptions.format,
        ],
        examples: [
            Example("kadmin group lag billing", "a line for each partition that it reads, and the sum"),
            Example("kadmin group lag billing -t orders", "all partitions of orders"),
        ]
    ) { run in
        let isForReaders = AdminOptions.format(run.arguments) == .text
        let columns = ["topic", "partition", "stored", "log_start", "log_end", "lag"]
        var table = TextTable(isForReaders ? columns : ["group"] + columns)
        func number(_ value: Int64?) -> TextTable.Cell { value.map { .number($0) } ?? .none }
        let topics = run.arguments.texts(GroupOptions.topic)
        for name in run.arguments.operands {
            let group = try run.admin.describeGroup(name)
            let lags = try run.admin.groupLag(name, assigned: group.members.flatMap(\.partitions), topics: topics)
            guard group.exists || lags.contains(where: { $0.committed != nil }) else {
                run.failed("there is no group \(name)")
                continue
            }
            for topic in topics where !lags.contains(where: { $0.partition.topic == topic }) {
                run.failed(ToolError.noTopic(topic).message)
            }
            guard !lags.isEmpty else {
                if topics.isEmpty {
                    run.console.note("\(run.console.tool): group \(name) has no stored offsets, and reads nothing")
                }
                continue
            }
            for lag in lags {
                table.add(
                    (isForReaders ? [] : [.text(name)]) + [
                        .text(lag.partition.topic), .number(Int64(lag.partition.partition)),
                        number(lag.committed?.offset), number(lag.logStart), number(lag.logEnd), number(lag.lag),
                    ])
            }
            guard isForReaders else { continue }
            let unknown = lags.count { $0.lag == nil }
            run.console.print(
                "\(name), lag \(Quantity.grouped(lags.reduce(0) { $0 + ($1.lag ?? 0) }))"
                    + (unknown == 0
                        ? "" : ", not known of \(unknown) of \(Quantity.count(Int64(lags.count), "partition"))")
                    + "\n")
            run.print(table)
            table = TextTable(columns)
        }
        if !isForReaders { run.print(table) }
    }
}
