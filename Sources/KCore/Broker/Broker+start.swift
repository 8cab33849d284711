/// Why a broker could not start, in one line for the person who started it.
public struct BrokerStartError: Error, Sendable, CustomStringConvertible {
    public var description: String

    init(description: String) { self.description = description }

    // What a person at a shell wants to read: no error codes of the protocol, and what to do.
    init(starting error: any Error) {
        description =
            switch error {
            case let error as LogError: error.message
            case let error as NetError where error.isTaken:
                "cannot \(error.operation): \(error.reason); stop what listens there, or choose another port"
            case let error as NetError where error.isElsewhere:
                "cannot \(error.operation): \(error.reason); it is no address of this machine"
            case let error as NetError: "cannot \(error.operation): \(error.reason)"
            default: "\(error)"
            }
    }
}

extension Broker {
    /// Starts a broker from properties of Kafka's `server.properties`.
    ///
    /// The order: directories are locked before anything in them is read; the metadata says which logs there are; logs
    /// are opened and recovered; the broker is registered with the addresses that it listens on; clients are let in.
    ///
    /// - Parameter properties: by Kafka's names. Names that Kafka has and that have no effect are warned about.
    /// - Throws: ``BrokerStartError`` that says what is wrong and what to do.
    public static func start(
        properties: [String: String], clock: any Clock = SystemClock(), logger: Logger
    ) throws(BrokerStartError) -> Broker {
        OpenFileLimit.raise()
        let settings = try parse(properties, logger)
        SignalWatcher.ignoreBrokenPipes()
        let workers = WorkerPool(name: "worker", threads: settings.workerThreads)
        let readers = WorkerPool(name: "reader", threads: settings.readerThreads)
        var started: Broker?
        do {
            let logManager = try LogManager(
                settings.logManager, clock: clock, logger: logger.named("log"), pool: workers)
            EmbeddedCluster.giveUpUnknown(
                settings.config, logManager, disk: SystemDisk(), logger: logger.named("metadata"))
            let cluster = try EmbeddedCluster.open(
                config: settings.config, offline: logManager.offlineDirectories, disk: SystemDisk(), clock: clock,
                logger: logger)
            let loops = try EventLoopGroup(count: settings.eventLoops, clock: clock, readers: readers)
            let broker = try Broker(
                settings: settings, cluster: cluster, clock: clock, logger: logger.named("broker"),
                logManager: logManager, workers: workers, readers: readers, loops: loops)
            started = broker
            try broker.open()
            return broker
        } catch {
            if let started {
                started.stop()
            } else {
                readers.stop()
                workers.stop()
            }
            throw BrokerStartError(starting: error)
        }
    }

    /// Checks properties as ``start(properties:clock:logger:)`` does, and starts nothing.
    /// - Returns: what is set and has no effect, a sentence each.
    public static func check(properties: [String: String]) throws(BrokerStartError) -> [String] {
        do {
            return try BrokerSettings(BrokerConfig(properties)).warnings
        } catch {
            throw BrokerStartError(description: "\(error)")
        }
    }

    private static func parse(_ properties: [String: String], _ logger: Logger) throws(BrokerStartError)
        -> BrokerSettings
    {
        do {
            let settings = try BrokerSettings(BrokerConfig(properties))
            for warning in settings.warnings { logger.named("config").warning(warning) }
            return settings
        } catch {
            throw BrokerStartError(description: "\(error)")
        }
    }

    private func open() throws {
        let image = images.image
        let resolver = ConfigResolver(broker: settings.config, nodeId: nodeId, image: image)
        let recoveryThreads = resolver.brokerValue("num.recovery.threads.per.data.dir").flatMap { Int($0.trimmedASCII) }
        logManager.load(recoveryThreads: recoveryThreads) {
            image.topic($0)?.id
        } configFor: { [partitions] topic in
            partitions.logConfig(topic, image)
        }
        partitions.open(image)
        images.addListener(partitions)
        let warnings = ConfigWarnings(logger: logger.named("config"))
        warnings.warn(image, image.configuredResources)
        images.addListener(warnings)
        for sentence in image.unenforcedRestrictions { logger.error(sentence) }
        // After the partitions, which it looks at.
        images.addListener(coordinators)
        coordinators.open(image)
        images.addListener(transactions)
        transactions.open(image)
        watchDisks()
        if settings.listeners.allSatisfy({ $0.port != 0 }) {
            // Nobody is let in before the cluster has the broker, so that no client finds it without.
            try register(ports: settings.listeners.map(\.port))
            try listen()
        } else {
            try listen()
            try register(ports: addresses.map(\.port))
        }
        scheduleUpkeep()
        logManager.startCleaning()
        hasStarted()
    }

    private func register(ports: [Int]) throws {
        let endpoints = zip(settings.listeners, ports).map { listener, port in
            var endpoint = RegisterBrokerRecord.BrokerEndpoint()
            endpoint.name = listener.name
            endpoint.host = listener.advertisedHost
            endpoint.port = UInt16(clamping: listener.advertisedPort ?? port)
            endpoint.securityProtocol = .plaintext
            return endpoint
        }
        let answer = controller.perform(
            RegisterBroker(
                brokerId: nodeId, incarnationId: Uuid.random(), endpoints: endpoints, rack: settings.rack,
                logDirs: nodeIdentity.directories.map(\.id) + partitions.missing.awaitedDirectories.sorted(),
                afterUncleanStop: logManager.wasUncleanStop))
        guard answer.errorCode == .none else {
            throw BrokerStartError(description: "the broker cannot be registered: \(answer.reason)")
        }
    }
}
