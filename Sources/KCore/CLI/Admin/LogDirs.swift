extension Command {
    private static let replicas = CommandOption.flag("replicas", help: "A line for each replica")

    static let logDirs = admin(
        "dirs", "Shows the brokers' data directories and what is in them",
        operands: [Operand("TOPIC", repeatable: true, help: "Only these topics")],
        options: [AdminOptions.broker, replicas, AdminOptions.format],
        examples: [
            Example("kadmin log dirs", "how full each directory is"),
            Example("kadmin log dirs orders --replicas", "the size of each replica of a topic"),
        ]
    ) { run in
        let brokers = run.arguments.texts(AdminOptions.broker).compactMap { Int32($0) }
        let topics = run.arguments.operands
        let directories = try run.admin.describeLogDirs(
            brokers: brokers.isEmpty ? nil : brokers, topics: topics.isEmpty ? nil : topics)
        let isDetailed = run.arguments.isGiven(replicas)
        var table =
            isDetailed
            ? TextTable(["broker", "directory", "topic", "partition", "bytes", "lag", "future"])
            : TextTable(["broker", "directory", "replicas", "bytes", "disk_bytes", "free_bytes"])
        for directory in directories {
            guard directory.error == .none else {
                run.failed("broker \(directory.broker), \(directory.path): \(directory.error.name)")
                continue
            }
            let front: [TextTable.Cell] = [.number(Int64(directory.broker)), .text(directory.path)]
            if isDetailed {
                for replica in directory.replicas.sorted(by: { ($0.topic, $0.partition) < ($1.topic, $1.partition) }) {
                    table.add(
                        front + [
                            .text(replica.topic), .number(Int64(replica.partition)), .number(replica.size),
                            .number(replica.offsetLag), .bool(replica.isFuture),
                        ])
                }
            } else {
                table.add(
                    front + [
                        .number(Int64(directory.replicas.count)),
                        .number(directory.replicas.reduce(0) { $0 + $1.size }),
                        directory.total < 0 ? .none : .number(directory.total),
                        directory.usable < 0 ? .none : .number(directory.usable),
                    ])
            }
        }
        run.print(table)
    }
}
