internal import Glibc

extension Command {
    /// `kbroker`
    public static let kbroker = Command(
        "kbroker", "A Kafka broker, by itself a whole cluster of one",
        details: [
            """
            FILE is a Kafka server.properties: the same names with the same meanings. A name that Kafka has and that
            has no effect here is warned about; a name that nobody has is an error.
            """,
            """
            When clients can be served, one line is printed to stdout: "kbroker ready: listening on ...". Logs go to
            stderr. SIGTERM and SIGINT stop the broker cleanly; another one a second or more later ends it at once.
            """,
        ],
        operands: [Operand("FILE", kind: .path, help: "Properties of the broker")],
        options: BrokerOptions.all,
        examples: [
            Example("kbroker", "data in ./data, listening on 127.0.0.1:9092"),
            Example("kbroker --data /var/lib/kafka --listen box:9092", "for other machines, which reach it as box"),
            Example("kbroker --listen :9092", "at all addresses; clients are told this machine's host name"),
            Example("kbroker server.properties --check-config", "says what is wrong in a file, and starts nothing"),
        ],
        action: { arguments, console throws(ToolError) in
            let startedNs = console.clock.monotonicNs
            let properties = try BrokerOptions.properties(arguments)
            do throws(BrokerStartError) {
                let warnings = try Broker.check(properties: properties)
                if arguments.isGiven(BrokerOptions.checkConfig) {
                    for warning in warnings { console.note(warning) }
                    console.note("\(console.tool): the configuration is good")
                    return .done
                }
            } catch {
                let mayBeElsewhere = arguments.isGiven(BrokerOptions.override)
                let source = mayBeElsewhere ? "" : arguments.operands.first.map { "\($0): " } ?? ""
                throw ToolError(source + error.description, status: .usage)
            }
            let broker: Broker
            do {
                broker = try Broker.start(
                    properties: properties, clock: console.clock, logger: BrokerOptions.logger(arguments, console))
            } catch {
                throw ToolError("the broker cannot start: \(error)")
            }
            let elapsedMs = (console.clock.monotonicNs - startedNs) / 1_000_000
            let addresses = broker.addresses.map(\.description).joined(separator: ", ")
            console.print(
                "kbroker ready: listening on \(addresses), broker \(broker.nodeId), cluster \(broker.clusterId), "
                    + "data \(broker.logDirectories.joined(separator: ", ")), \(elapsedMs) ms\n")
            broker.onFailure { console.interruption?.raise(SIGTERM) }
            _ = console.interruption?.wait()
            broker.stop()
            if let reason = broker.failureReason { throw ToolError("the broker has stopped: \(reason)") }
            return .done
        })
}
