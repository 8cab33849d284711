extension Command {
    /// `kadmin`
    public static let kadmin = Command(
        "kadmin", "Looks at and changes a Kafka cluster",
        details: ["kadmin COMMAND --help explains a command."],
        examples: [
            Example("kadmin topic create orders -p 6 -c retention.ms=86400000", "a topic with six partitions"),
            Example("kadmin topic describe orders", "its partitions, leaders and offsets"),
            Example("kadmin cluster info -b broker1:9092", "the brokers of a cluster"),
        ],
        subcommands: [
            Command(
                "topic", "Topics",
                subcommands: [
                    .topicCreate, .topicList, .topicDescribe, .topicDelete, .topicAddPartitions, .topicConfig,
                ]),
            Command("cluster", "The cluster as a whole", subcommands: [.clusterInfo]),
            Command("log", "What is stored", subcommands: [.logDump, .logDirs]),
            Command("api", "The protocol", subcommands: [.apiVersions]),
        ])

    /// A command of `kadmin` that talks to a cluster.
    static func admin(
        _ name: String, _ summary: String, details: [String] = [], operands: [Operand] = [],
        options: [CommandOption] = [],
        examples: [Example] = [], body: @escaping @Sendable (inout AdminRun) throws -> Void
    ) -> Command {
        Command(
            name, summary, details: details, operands: operands, options: options + CommonOptions.client,
            examples: examples,
            action: { arguments, console throws(ToolError) in try AdminRun.with(arguments, console, body) })
    }
}
