extension Command {
    static let topicCreate = admin(
        "create", "Creates topics",
        operands: [Operand("NAME", repeatable: true, required: true)],
        options: [
            AdminOptions.partitions, AdminOptions.replicas, AdminOptions.topicConfig, AdminOptions.ifNotExists,
            CommonOptions.dryRun,
        ],
        examples: [
            Example("kadmin topic create orders payments -p 6", "two topics of six partitions"),
            Example("kadmin topic create users -c cleanup.policy=compact", "a compacted topic"),
        ]
    ) { run in
        let arguments = run.arguments
        let topics = arguments.operands.map { name in
            NewTopic(
                name, partitions: arguments.integer(AdminOptions.partitions).map { Int32($0) },
                replicas: arguments.integer(AdminOptions.replicas).map { Int16($0) },
                configs: arguments.pairs(AdminOptions.topicConfig).map { ($0.name, $0.value) })
        }
        for item in try run.admin.createTopics(topics, validateOnly: run.isDryRun) {
            switch item.result {
            case .success(let topic):
                let size = TopicText.size(partitions: topic.partitions, replicas: topic.replicas)
                run.done("\(run.isDryRun ? "would create" : "created") \(item.name)\(size)")
            case .failure(let error)
            where error.errorCode == .topicAlreadyExists && arguments.isGiven(AdminOptions.ifNotExists):
                run.done("\(item.name) is there already")
            case .failure(let error): run.failed(error.message)
            }
        }
    }
}

enum TopicText {
    /// `, 6 partitions, 3 replicas`; brokers that are too old to say leave it out.
    static func size(partitions: Int32, replicas: Int16) -> String {
        guard partitions > 0 else { return "" }
        return ", \(Quantity.count(Int64(partitions), "partition")), \(Quantity.count(Int64(replicas), "replica"))"
    }
}
