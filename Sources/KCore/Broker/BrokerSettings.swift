internal import Glibc

/// What a broker needs to start, read from its configuration once. What can change while it runs is looked up in the
/// cluster's image instead.
struct BrokerSettings: Sendable {
    var config: BrokerConfig
    var rack: String?
    var logManager: LogManagerOptions
    var listeners: [ListenerSettings]
    var eventLoops: Int
    var workerThreads: Int
    var readerThreads: Int
    var fetchMaxBytes: Int
    var verifiesTransactions: Bool
    var autoCreateTopics: Bool
    var deleteTopics: Bool
    var fetchSessionSlots: Int
    var maxConnections: Int
    var maxConnectionsPerHost: Int
    var listenBacklog: Int
    var connection: ConnectionOptions
    /// Sentences for the person who starts the broker.
    var warnings: [String]

    var logDirectories: [String] { logManager.directories }
    /// Where the metadata log is.
    var metadataDirectory: String? { config.text("metadata.log.dir") ?? logDirectories.first }

    /// - Throws: ``ConfigError`` that names the property, its value and what is allowed.
    init(_ config: BrokerConfig) throws(ConfigError) {
        self.config = config
        warnings = config.warnings
        rack = config.text("broker.rack")
        let directories = config.logDirectories
        guard !directories.isEmpty else { throw ConfigError("log.dirs names no directory") }
        var named: Set<String> = []
        for directory in directories where !named.insert(Self.plain(directory)).inserted {
            throw ConfigError("log.dirs names \(directory) twice")
        }
        logManager = LogManagerOptions(directories: directories)
        logManager.recoveryThreads = config.int("num.recovery.threads.per.data.dir")
        logManager.closingThreads = 16
        logManager.checkpointIntervalMs = config.int64("log.flush.offset.checkpoint.interval.ms")
        logManager.highWatermarkCheckpointIntervalMs = config.int64("replica.high.watermark.checkpoint.interval.ms")
        let flushCheckMs = config.int64("log.flush.scheduler.interval.ms")
        if flushCheckMs != .max { logManager.flushCheckIntervalMs = max(flushCheckMs, 10) }
        logManager.retentionCheckIntervalMs = config.int64("log.retention.check.interval.ms")
        logManager.producerIdExpirationMs = config.int64("producer.id.expiration.ms")
        logManager.producerIdExpirationCheckIntervalMs = config.int64("producer.id.expiration.check.interval.ms")
        logManager.fileDeleteDelayMs = config.int64("log.segment.delete.delay.ms")
        logManager.cleaner = CleanerOptions(ConfigResolver(broker: config))
        listeners = try ListenerSettings.parse(config, warnings: &warnings)
        // More loops than processors only take turns.
        let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        eventLoops = min(config.int("num.network.threads"), processors)
        workerThreads = min(config.int("num.io.threads"), max(2, processors * 2))
        // Enough to keep a disk busy, few enough to leave it room for what is written.
        readerThreads = min(config.int("num.io.threads"), 4)
        logManager.readerThreads = readerThreads
        fetchMaxBytes = config.int("fetch.max.bytes")
        verifiesTransactions = config.bool("transaction.partition.verification.enable")
        logManager.verifiesTransactions = verifiesTransactions
        autoCreateTopics = config.bool("auto.create.topics.enable")
        deleteTopics = config.bool("delete.topic.enable")
        fetchSessionSlots = config.int("max.incremental.fetch.session.cache.slots")
        let share = BrokerSettings.shares(ofOpenFiles: OpenFileLimit.current)
        logManager.maxOpenFiles = share.segments
        maxConnections = min(config.int("max.connections"), share.connections)
        maxConnectionsPerHost = config.int("max.connections.per.ip")
        // Kafka's 50 are full within a millisecond when many clients come at once, and whoever is turned away tries
        // again after a second. So it is what somebody asks for, and otherwise more.
        let backlog = "socket.listen.backlog.size"
        listenBacklog = config.properties[backlog] == nil ? 1024 : config.int(backlog)
        connection = ConnectionOptions()
        connection.maxFrameBytes = config.int("socket.request.max.bytes")
        connection.maxIdleMs = config.int64("connections.max.idle.ms")
        // Unless somebody asks for Kafka's fixed sizes, the kernel adapts the buffers to each connection.
        func bufferBytes(_ name: String) -> Int { config.properties[name] == nil ? -1 : config.int(name) }
        connection.sendBufferBytes = bufferBytes("socket.send.buffer.bytes")
        connection.receiveBufferBytes = bufferBytes("socket.receive.buffer.bytes")
    }
}

extension BrokerSettings {
    /// A path without what does not matter in it: `./a//b/` is `a/b`.
    private static func plain(_ path: String) -> String {
        (path.hasPrefix("/") ? "/" : "") + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// Who may have how many of the process's files open. Connections that took all of them would leave none for the
    /// logs, and those who are connected already would be refused; what is too many waits to be accepted instead.
    static func shares(ofOpenFiles limit: Int) -> (segments: Int, connections: Int) {
        let segments = min(LogManagerOptions.mostOpenFiles, max(8, limit / 4))
        // Loops, listeners, the metadata log, files on their way to be sent, and what belongs to the process.
        let others = min(256, limit / 4)
        return (segments, max(8, limit - segments - others))
    }
}

/// Where a broker listens, and what it tells clients of it.
struct ListenerSettings: Sendable, Equatable {
    var name: String
    /// Empty for all addresses of this machine.
    var host: String
    /// 0 for any that is free.
    var port: Int
    var advertisedHost: String
    /// Nil for the port that it listens on.
    var advertisedPort: Int?

    static func parse(_ config: BrokerConfig, warnings: inout [String]) throws(ConfigError) -> [ListenerSettings] {
        let protocols = protocolMap(config)
        let controllerNames = Set(config.list("controller.listener.names"))
        let advertised = try endpoints(config.list("advertised.listeners"), of: "advertised.listeners")
        var listeners: [ListenerSettings] = []
        for endpoint in try endpoints(config.list("listeners"), of: "listeners") {
            if controllerNames.contains(endpoint.name) {
                warnings.append("listener \(endpoint.name) is for controllers and is not opened")
                continue
            }
            guard let security = protocols[endpoint.name] else {
                throw ConfigError("listener \(endpoint.name) is missing in listener.security.protocol.map")
            }
            guard security == "PLAINTEXT" else {
                throw ConfigError("listener \(endpoint.name) has protocol \(security), and only PLAINTEXT is supported")
            }
            guard !listeners.contains(where: { $0.name == endpoint.name }) else {
                throw ConfigError("listeners has two with the name \(endpoint.name)")
            }
            listeners.append(try listener(endpoint, told: advertised.first { $0.name == endpoint.name }))
        }
        guard !listeners.isEmpty else { throw ConfigError("listeners has none for clients") }
        return listeners
    }

    private static func listener(_ endpoint: Endpoint, told: Endpoint?) throws(ConfigError) -> ListenerSettings {
        var host = told?.host ?? endpoint.host
        if host == "0.0.0.0" || host == "::" {
            throw ConfigError(
                told == nil
                    ? "listeners: \(endpoint.text) is for all addresses, and clients cannot be told to connect to \(host); "
                        + "set advertised.listeners to a name or address of this machine, or listen at "
                        + "\(endpoint.name)://:\(endpoint.port), which is for all addresses too and tells this machine's name"
                    : "advertised.listeners cannot be \(host), which is no address that a client can connect to; "
                        + "set it to a name or address of this machine")
        }
        if host.isEmpty { host = hostName() }
        return ListenerSettings(
            name: endpoint.name, host: endpoint.host, port: endpoint.port, advertisedHost: host,
            advertisedPort: told?.port)
    }

    private static func protocolMap(_ config: BrokerConfig) -> [String: String] {
        var map: [String: String] = [:]
        for entry in config.list("listener.security.protocol.map") {
            let parts = entry.split(separator: ":", maxSplits: 1).map(String.init)
            if parts.count == 2 { map[parts[0]] = parts[1] }
        }
        return map
    }

    private struct Endpoint {
        var name: String
        var host: String
        var port: Int

        var text: String { "\(name)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
    }

    /// Elements of the form `NAME://HOST:PORT`, the host possibly empty or in square brackets.
    private static func endpoints(_ texts: [String], of property: String) throws(ConfigError) -> [Endpoint] {
        var endpoints: [Endpoint] = []
        for text in texts {
            let problem = ConfigError(
                "Invalid value \(text) for configuration \(property): it must be NAME://HOST:PORT")
            let name = text.prefix { $0 != ":" }
            let address = text[name.endIndex...].dropFirst("://".count)
            guard text[name.endIndex...].hasPrefix("://"), let colon = address.lastIndex(of: ":"),
                let port = Int(address[address.index(after: colon)...]), (0...65535).contains(port)
            else { throw problem }
            var host = address[..<colon]
            if host.hasPrefix("[") && host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            endpoints.append(
                Endpoint(name: name.uppercased(), host: String(host), port: port))
        }
        return endpoints
    }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
