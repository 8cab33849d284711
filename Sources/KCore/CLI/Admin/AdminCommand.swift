extension Command {
    /// `kadmin`
    public static let kadmin = Command(
        "kadmin", "Looks at and changes a Kafka cluster", details: ["kadmin COMMAND --help explains a command."],
        subcommands: [Command("log", "What is stored", subcommands: [.logDump])])
}
