internal import Synchronization

/// A broker: its logs, its metadata, its listeners, from start to stop.
///
/// Life cycle: ``start(_:clock:logger:)`` opens everything and returns when clients can be served; ``stop()`` stops
/// accepting, answers what is in hand, flushes, writes the checkpoints and returns. A broker is started once.
public final class Broker: Sendable {
    let settings: BrokerSettings
    let clock: any Clock
    let logger: Logger
    let images: ImageHolder
    let controller: ControllerRunner
    let nodeIdentity: NodeIdentity
    let logManager: LogManager
    let partitions: PartitionManager
    let fetchSessions: FetchSessionCache
    let producerIds: ProducerIdAllocator
    let coordinators: Coordinators
    let transactions: TransactionCoordinator
    /// For work that may wait for a disk.
    let workers: WorkerPool
    /// For reading records that are not in memory, so that neither loops nor other work wait for that. Each connection
    /// has one part at a time read, so that many readers take turns.
    let readers: WorkerPool
    let loops: EventLoopGroup
    private let views: [ObjectIdentifier: LoopView]
    private let listeners = Mutex<[Listener]>([])
    private let isStopped = Mutex(false)
    let failure = Mutex(BrokerFailure())
    private let isServing = Mutex(false)

    init(
        settings: BrokerSettings, cluster: EmbeddedCluster, clock: any Clock, logger: Logger, logManager: LogManager,
        workers: WorkerPool, readers: WorkerPool, loops: EventLoopGroup
    ) throws(NetError) {
        let controller = cluster.runner
        let nodeId = cluster.identity.nodeId
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.controller = controller
        nodeIdentity = cluster.identity
        self.logManager = logManager
        self.workers = workers
        self.readers = readers
        self.loops = loops
        images = cluster.holder
        partitions = PartitionManager(
            logManager: logManager, lostDirectories: cluster.lostDirectories, config: settings.config,
            nodeId: nodeId, logger: logger.named("partitions"))
        fetchSessions = FetchSessionCache(maxSessions: settings.fetchSessionSlots)
        producerIds = ProducerIdAllocator { completion in
            controller.submit(AllocateProducerIds(brokerId: nodeId), completion: completion)
        }
        coordinators = try Coordinators(
            config: settings.config, images: images, partitions: partitions, workers: workers, clock: clock,
            logger: logger)
        transactions = try TransactionCoordinator(
            config: settings.config, partitions: partitions, workers: workers, clock: clock, logger: logger,
            producerIds: producerIds
        ) { [groups = coordinators.groups] end, partition, reply in
            groups.endTransaction(end, in: partition, reply)
        }
        var views: [ObjectIdentifier: LoopView] = [:]
        for loop in loops.loops { views[ObjectIdentifier(loop)] = LoopView(images: images, tables: partitions.table) }
        self.views = views
    }

    public var clusterId: String { nodeIdentity.clusterId }
    public var nodeId: Int32 { nodeIdentity.nodeId }
    public var logDirectories: [String] { settings.logDirectories }
    /// Where clients can connect, in the order of `listeners`.
    public var addresses: [SocketAddress] { listeners.withLock { $0.map(\.address) } }

    // MARK: Serving

    /// Opens the listeners. Connections may come before this returns.
    func listen() throws(NetError) {
        let limits = ConnectionLimits(
            maxConnections: settings.maxConnections, maxPerHost: settings.maxConnectionsPerHost)
        for listener in settings.listeners {
            let opened = try Listener(
                host: listener.host, port: listener.port, group: loops, backlog: settings.listenBacklog,
                options: settings.connection, limits: limits, logger: logger.named("listener")
            ) { [self] loop in handler(on: loop, listenerName: listener.name) }
            listeners.withLock { $0.append(opened) }
        }
    }

    private func handler(on loop: EventLoop, listenerName: String) -> any ConnectionHandler {
        let view = views[ObjectIdentifier(loop)] ?? LoopView(images: images, tables: partitions.table)
        return ClientConnection(broker: self, view: view, listenerName: listenerName)
    }

    /// Everything is open: from now on the broker says when it stops.
    func hasStarted() { isServing.withLock { $0 = true } }

    /// Has the log manager look after its logs once a second, or as often as they are to be looked at for a flush, from one
    /// of the loops; the work itself is done by workers.
    func scheduleUpkeep() {
        guard let loop = loops.loops.first else { return }
        let intervalMs = min(1000, logManager.options.flushCheckIntervalMs)
        @Sendable func tick() {
            guard !isStopped.withLock({ $0 }) else { return }
            logManager.tick()
            let nowMs = clock.monotonicMs
            if partitions.mayOpenMore(nowMs: nowMs) { workers.submit { self.partitions.openMore(nowMs: nowMs) } }
            loop.schedule(afterMs: intervalMs, tick)
        }
        loop.schedule(afterMs: intervalMs, tick)
    }

    // MARK: Stopping

    /// How long requests in hand may take when the broker stops.
    private static let drainMs: Int64 = 5000
    /// How long threads are waited for in all before the logs are closed. One that waits for a disk that does not answer
    /// must not cost the other log directories their clean stop.
    private static let threadsMs: Int64 = 15_000

    /// Stops accepting, answers what is in hand, flushes the logs and writes their checkpoints. Blocks; not on a loop.
    public func stop() {
        guard
            isStopped.withLock({ isStopped in
                defer { isStopped = true }
                return !isStopped
            })
        else { return }
        // Who could not start has nothing to say but why.
        let hasServed = isServing.withLock { $0 }
        if hasServed { logger.info("stopping") }
        for listener in listeners.withLock({ $0 }) { listener.close() }
        let deadlineMs = clock.monotonicMs + Broker.threadsMs
        func leftMs() -> Int64 { max(100, deadlineMs - clock.monotonicMs) }
        // Answers whoever waits in a rebalance.
        transactions.stop(leftMs: leftMs)
        coordinators.stop(leftMs: leftMs)
        // Wakes parked fetches, so that they are answered now and not when their time is up.
        partitions.close()
        loops.stop(drainMs: Broker.drainMs, leftMs: leftMs)
        controller.stop(timeoutMs: leftMs())
        readers.stop(timeoutMs: leftMs())
        workers.stop(timeoutMs: leftMs())
        logManager.shutdown(brokerEpoch: images.image.brokers[nodeId]?.epoch ?? -1)
        if hasServed { logger.info("stopped") }
    }
}
