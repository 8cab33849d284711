extension Command {
    /// `kadmin`
    public static let kadmin = Command(
        "kadmin", "Looks at and changes a Kafka cluster",
        details: ["kadmin COMMAND --help explains a command. These options may stand before or behind it."],
        options: CommonOptions.client,
        examples: [
            Example("kadmin topic create orders -p 6 -c retention.ms=86400000", "a topic with six partitions"),
            Example("kadmin topic describe orders", "its partitions, leaders and offsets"),
            Example("kadmin cluster info -b broker1:9092", "the brokers of a cluster"),
        ],
        subcommands: [
            .adminGroup(
                "topic", "Topics",
                [.topicCreate, .topicList, .topicDescribe, .topicDelete, .topicAddPartitions, .topicConfig, .topicTrim]),
            .adminGroup(
                "group", "Consumer groups",
                [.groupList, .groupDescribe, .groupLag, .groupSeek, .groupConfig, .groupDelete, .groupDeleteOffsets]),
            .adminGroup("txn", "Transactions", [.transactionList, .transactionDescribe, .transactionAbort]),
            .adminGroup("producer", "Producers", [.producerDescribe]),
            .adminGroup("cluster", "The cluster as a whole", [.clusterInfo]),
            .adminGroup("log", "What is stored", [.logDump, .logDirs, .logVerify]),
            .adminGroup("api", "The protocol", [.apiVersions]),
        ])

    // The options of the client may stand before a command too, as in an alias. One that needs no cluster takes no notice.
    private static func adminGroup(_ name: String, _ summary: String, _ commands: [Command]) -> Command {
        Command(name, summary, options: CommonOptions.client, subcommands: commands)
    }

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
