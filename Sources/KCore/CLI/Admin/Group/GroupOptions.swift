/// Options that several commands for groups have.
enum GroupOptions {
    static let topic = topic("Topics")
    static let partitions = CommandOption.value(
        "partition", short: "p", "N[,N-M]", defaultNote: "all", help: "Partitions of these topics")

    /// ``topic`` with what it does for a command.
    static func topic(_ help: String) -> CommandOption {
        .value("topic", short: "t", "TOPIC", kind: .name, repeatable: true, help: help)
    }
}
