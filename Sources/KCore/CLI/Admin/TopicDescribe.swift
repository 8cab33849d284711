extension Command {
    static let topicDescribe = admin(
        "describe", "Shows partitions, leaders, replicas and offsets of topics",
        operands: [Operand("NAME", repeatable: true, required: true)],
        options: [AdminOptions.format],
        examples: [Example("kadmin topic describe orders", "a line for each partition")]
    ) { run in
        var all = TextTable(["topic"] + TopicDescription.columns)
        let isText = AdminOptions.format(run.arguments) == .text
        var isFirst = true
        for item in try run.admin.describeTopics(run.arguments.operands) {
            switch item.result {
            case .failure(let error): run.failed(error.message)
            case .success(let topic):
                let rows = try TopicDescription.rows(topic, run)
                for row in rows { all.add([.text(topic.name)] + row) }
                guard isText else { continue }
                var table = TextTable(TopicDescription.columns)
                for row in rows { table.add(row) }
                let configs = TopicDescription.overrides(topic.name, run)
                run.console.print((isFirst ? "" : "\n") + TopicDescription.headline(topic, configs) + table.text())
                isFirst = false
            }
        }
        if !isText { run.print(all) }
    }
}

private enum TopicDescription {
    static let columns = [
        "partition", "leader", "epoch", "replicas", "in_sync", "offline", "first_offset", "end_offset",
    ]

    static func headline(_ topic: ClusterMetadata.Topic, _ configs: [String]) -> String {
        let replicas = Int16(clamping: topic.partitions.map(\.replicas.count).max() ?? 0)
        let size = TopicText.size(partitions: Int32(topic.partitions.count), replicas: replicas)
        return "\(topic.name)\(size), id \(topic.id)\n" + configs.map { "  \($0)\n" }.joined()
    }

    /// What the topic sets itself. Old brokers, or lack of rights, are no reason to show nothing else.
    static func overrides(_ name: String, _ run: AdminRun) -> [String] {
        guard let items = try? run.admin.describeConfigs([.topic(name)]),
            case .success(let entries)? = items.first?.result
        else { return [] }
        return entries.filter { $0.source == .dynamicTopic }.map { "\($0.name)=\($0.value ?? "")" }.sorted()
    }

    static func rows(_ topic: ClusterMetadata.Topic, _ run: AdminRun) throws -> [[TextTable.Cell]] {
        let indexes = topic.partitions.map(\.index)
        let earliest = try offsets(topic.name, indexes, .earliest, run)
        let latest = try offsets(topic.name, indexes, .latest, run)
        return topic.partitions.map { partition in
            [
                .number(Int64(partition.index)), .number(Int64(partition.leader)),
                .number(Int64(partition.leaderEpoch)),
                ids(partition.replicas), ids(partition.isr), ids(partition.offlineReplicas),
                earliest[partition.index].map { .number($0) } ?? .none,
                latest[partition.index].map { .number($0) } ?? .none,
            ]
        }
    }

    private static func ids(_ ids: [Int32]) -> TextTable.Cell { .list(ids.map { Int64($0) }) }

    // Partitions without a leader have no offsets to show.
    private static func offsets(
        _ topic: String, _ partitions: [Int32], _ what: OffsetQuery.Place, _ run: AdminRun
    ) throws -> [Int32: Int64] {
        let answers = try run.admin.listOffsets(
            partitions.map { OffsetQuery(topic: topic, partition: $0, place: what) },
            leaderAttempts: AdminClient.fewLeaderAttempts)
        var result: [Int32: Int64] = [:]
        for answer in answers {
            if case .success(let found) = answer.result { result[answer.partition] = found.offset }
        }
        return result
    }
}
