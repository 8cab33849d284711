/// Makes a client from a tool's options.
enum ClientSetup {
    /// - Parameters:
    ///   - defaults: properties that everything else goes before.
    ///   - options: properties that the tool's own options give; they go before all others.
    static func connect(
        _ arguments: Arguments, _ console: Console, defaults: [(name: String, value: String)] = [],
        options: [(name: String, value: String)] = []
    ) throws(ToolError) -> KafkaClient {
        let isQuiet = arguments.isGiven(CommonOptions.quiet)
        let properties = try properties(arguments, console, defaults: defaults, options: options)
        do throws(ClientError) {
            let config = try ClientConfig(properties)
            if !isQuiet { for line in config.warnings { console.warning(line) } }
            return try KafkaClient(config, logger: logger(arguments, console))
        } catch {
            throw ToolError(error)
        }
    }

    static func properties(
        _ arguments: Arguments, _ console: Console, defaults: [(name: String, value: String)],
        options: [(name: String, value: String)]
    ) throws(ToolError) -> [(name: String, value: String)] {
        let servers = arguments.text(CommonOptions.bootstrap) ?? "localhost:9092"
        var all = [("client.id", console.tool), ("bootstrap.servers", servers)] + defaults
        for path in arguments.texts(CommonOptions.config) {
            let text = try FileText.read(path)
            do throws(ClientError) {
                let properties = try ClientConfig.properties(parsing: text, source: path)
                try ClientConfig.check(properties, source: path)
                all += properties
            } catch {
                throw ToolError(error)
            }
        }
        all += arguments.pairs(CommonOptions.property)
        if arguments.isGiven(CommonOptions.bootstrap) { all.append(("bootstrap.servers", servers)) }
        return all + options
    }

    private static func logger(_ arguments: Arguments, _ console: Console) -> Logger {
        if arguments.isGiven(CommonOptions.quiet) { return .silent }
        let level: Logger.Level =
            switch arguments.count(CommonOptions.verbose) {
            case 0: .error
            case 1: .info
            default: .debug
            }
        return Logger(component: console.tool, level: level, sink: Logger.Sink(descriptor: console.errors))
    }
}

extension ToolError {
    init(_ error: ClientError) {
        self.init(error.message, status: error.kind == .configuration ? .usage : .failed)
        cause = error
    }

    /// What `body` gives; the client's error becomes the tool's.
    static func rethrowing<R>(_ body: () throws(ClientError) -> R) throws(ToolError) -> R {
        do throws(ClientError) {
            return try body()
        } catch {
            throw ToolError(error)
        }
    }
}
