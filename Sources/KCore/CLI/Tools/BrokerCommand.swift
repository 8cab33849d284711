extension Command {
    /// `kbroker`
    public static let kbroker = Command(
        "kbroker", "Runs a Kafka broker",
        details: [
            """
            Without FILE it is a cluster of one, with its data in ./data, that listens on 127.0.0.1:9092.
            FILE is a Kafka server.properties. When clients can be served, one line goes to stdout:
            """,
            "    kbroker ready: listening on 127.0.0.1:9092, broker 1, cluster AbC..., data ./data, 12 ms",
            "Log lines go to stderr. SIGTERM and SIGINT stop it cleanly, and the exit status is 0.",
        ],
        operands: [Operand("FILE.properties", kind: .path)],
        options: BrokerOptions.all,
        examples: [
            Example("kbroker", "a broker to try things with"),
            Example("kbroker --data /tmp/k --listen 127.0.0.1:0", "on a free port, which the line on stdout names"),
            Example("kbroker server.properties --override log.retention.hours=1", "an existing configuration"),
        ],
        action: { arguments, console throws(ToolError) in
            let started = console.clock.monotonicNs
            let properties = try BrokerOptions.properties(arguments)
            let logger = BrokerOptions.logger(arguments, console)
            let settings: BrokerSettings
            do throws(ConfigError) {
                settings = try BrokerSettings(try BrokerConfig(properties))
            } catch {
                let source = arguments.operands.first.map { "\($0): " } ?? ""
                throw ToolError(error.message.split(separator: "\n").map { source + $0 }.joined(separator: "\n"), status: .usage)
            }
            if arguments.isGiven(BrokerOptions.checkConfig) {
                for warning in settings.warnings { console.warning(warning) }
                console.print("the configuration is good\n")
                return .done
            }
            for warning in settings.warnings { logger.warning(warning) }
            let broker = try start(settings, logger, console)
            let places = broker.addresses.map { "\($0)" }.joined(separator: ",")
            let milliseconds = (console.clock.monotonicNs - started) / 1_000_000
            console.print(
                "kbroker ready: listening on \(places), broker \(broker.nodeId), cluster \(broker.clusterId), "
                    + "data \(settings.logDirectories.joined(separator: ",")), \(milliseconds) ms\n")
            _ = console.interruption?.wait()
            broker.stop()
            return .done
        })

    private static func start(
        _ settings: BrokerSettings, _ logger: Logger, _ console: Console
    ) throws(ToolError) -> Broker {
        do {
            return try Broker.start(settings, clock: console.clock, logger: logger)
        } catch {
            throw ToolError("cannot start: \(error)")
        }
    }
}
