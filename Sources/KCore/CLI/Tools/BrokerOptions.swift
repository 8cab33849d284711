/// The options of `kbroker`.
enum BrokerOptions {
    static let data = CommandOption.value(
        "data", "DIR[,DIR...]", kind: .path, defaultNote: "./data without FILE",
        help: "Where all is kept: log.dirs. Partitions are spread over several; metadata is in the first")
    static let listen = CommandOption.value(
        "listen", "HOST:PORT", defaultNote: "127.0.0.1:9092 without FILE",
        help: "Where to listen, port 0 for a free one: listeners")
    static let override = CommandOption.value(
        "override", "KEY=VALUE", kind: .pair, repeatable: true, help: "A property that goes before FILE's")
    static let checkConfig = CommandOption.flag("check-config", help: "Check the configuration and stop")
    static let logFormat = CommandOption.value(
        "log-format", "FORMAT", kind: .choice(["text", "json"]), defaultValue: "text", help: "How log lines look")
    static let logLevel = CommandOption.value(
        "log-level", "LEVEL", kind: .choice(["debug", "info", "warning", "error"]), defaultValue: "info",
        help: "The least important lines to log")

    static let all = [data, listen, override, checkConfig, logFormat, logLevel]

    /// The broker's properties: FILE's, then what the options say, then the overrides.
    static func properties(_ arguments: Arguments) throws(ToolError) -> [String: String] {
        var properties: [String: String] = [:]
        if let path = arguments.operands.first {
            let text = try FileText.read(path)
            do throws(PropertiesError) {
                properties = try PropertiesFile.dictionary(text)
            } catch {
                throw ToolError("\(path): \(error)", status: .usage)
            }
        } else {
            properties["log.dirs"] = "./data"
            properties["listeners"] = "PLAINTEXT://127.0.0.1:9092"
        }
        if let directory = arguments.text(data) {
            properties["log.dirs"] = directory
            properties["log.dir"] = nil
            properties["metadata.log.dir"] = nil
        }
        if let place = arguments.text(listen) {
            let (host, port) = try endpoint(place)
            let isAdvertised = arguments.pairs(override).contains { $0.name == "advertised.listeners" }
            if ["0.0.0.0", "[::]"].contains(host) && !isAdvertised {
                throw .usage(
                    "--listen \(place): clients cannot connect to \(host), and would be told to; --listen :\(port) is for "
                        + "all addresses too and tells them this machine's name, or add "
                        + "--override advertised.listeners=PLAINTEXT://NAME:\(port)")
            }
            properties["listeners"] = "PLAINTEXT://\(host):\(port)"
            properties["advertised.listeners"] = nil
        }
        for (name, value) in arguments.pairs(override) { properties[name] = value }
        return properties
    }

    // `HOST:PORT`, `[IPv6]:PORT`, `:PORT` for all addresses.
    private static func endpoint(_ text: String) throws(ToolError) -> (host: String, port: UInt16) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .usage("--listen: '\(text)' is not HOST:PORT")
        }
        let host = String(text[..<colon])
        guard !host.contains(":") || (host.hasPrefix("[") && host.hasSuffix("]")) else {
            throw .usage("--listen: an IPv6 address stands in brackets, [\(host)]:\(port)")
        }
        return (host, port)
    }

    static func logger(_ arguments: Arguments, _ console: Console) -> Logger {
        let level: Logger.Level =
            switch arguments.text(logLevel) {
            case "debug": .debug
            case "warning": .warning
            case "error": .error
            default: .info
            }
        return Logger(
            component: "broker", level: level,
            format: Logger.Format(rawValue: arguments.text(logFormat) ?? "") ?? .text,
            sink: Logger.Sink(descriptor: console.errors), clock: console.clock)
    }
}
