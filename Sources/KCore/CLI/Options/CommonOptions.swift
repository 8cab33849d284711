/// Options that several tools have, so that they mean the same everywhere.
public enum CommonOptions {
    public static let help = CommandOption.flag("help", help: "Show this and stop")
    public static let version = CommandOption.flag("version", help: "Show the version and stop")
    /// Understood by every command.
    static let everywhere = [help, version]

    public static let bootstrap = CommandOption.value(
        "bootstrap-server", short: "b", "HOST:PORT[,...]", defaultValue: "localhost:9092",
        environment: "KAFKA_BOOTSTRAP_SERVERS", aliases: ["brokers", "bootstrap-servers"],
        help: "Brokers to ask for the cluster first")
    public static let property = CommandOption.value(
        "property", short: "X", "KEY=VALUE", kind: .pair, repeatable: true, help: "A client property by Kafka's name")
    public static let config = CommandOption.value(
        "config", short: "F", "FILE", kind: .path, repeatable: true, aliases: ["command-config"],
        help: "A client.properties file")
    public static let quiet = CommandOption.flag("quiet", short: "q", help: "Say nothing on stderr but errors")
    public static let verbose = CommandOption.flag("verbose", short: "v", help: "Say more on stderr")
    public static let yes = CommandOption.flag("yes", short: "y", help: "Do it without asking")
    public static let dryRun = CommandOption.flag("dry-run", help: "Show what would be done and stop")

    /// What every tool that talks to a cluster takes.
    public static let client = [bootstrap, property, config, quiet, verbose]
}
