extension Command {
    static let topicList = admin(
        "list", "Lists topics",
        options: [
            .flag("internal", help: "Also the cluster's own"), AdminOptions.format,
        ],
        examples: [Example("kadmin topic list --format awk | cut -f1", "the names")]
    ) { run in
        let isAll = run.arguments.count(.flag("internal", help: "")) > 0
        var table = TextTable(["topic", "partitions", "replicas"])
        for topic in try run.admin.listTopics(includeInternal: isAll).sorted(by: { $0.name < $1.name }) {
            let replicas = topic.partitions.map(\.replicas.count).max() ?? 0
            table.add([.text(topic.name), .number(Int64(topic.partitions.count)), .number(Int64(replicas))])
        }
        run.print(table)
    }
}
