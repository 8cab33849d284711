/// What a client has on its loop: connections and what is known of the cluster. Producers and consumers hook in here.
///
/// `@unchecked Sendable`: everything is touched on `loop` only; others reach it through ``EventLoop/execute(_:)``.
final class ClientRuntime: ChannelContext, @unchecked Sendable {
    let config: ClientConfig
    let loop: EventLoop
    let logger: Logger

    private var connections: [HostAndPort: BrokerConnection] = [:]
    private(set) var cache = MetadataCache()
    private var rotation = 0
    private var isClosed = false

    // Topics whose leaders somebody needs; true: the broker may create them.
    private var trackedTopics: [String: Bool] = [:]
    private var isRefreshing = false
    private var mustRefreshAgain = false
    private var refreshFailures = 0
    private var lastRefreshMs: Int64 = 0
    private var isRefreshScheduled = false
    private var observers: [Int: () -> Void] = [:]
    private var nextObserver = 0

    init(config: ClientConfig, loop: EventLoop, logger: Logger) {
        self.config = config
        self.loop = loop
        self.logger = logger
    }

    // MARK: ChannelContext

    var nowMs: Int64 { loop.nowMs }

    func schedule(afterMs: Int64, _ job: @escaping () -> Void) {
        nonisolated(unsafe) let job = job
        loop.schedule(afterMs: afterMs) { job() }
    }

    func open(_ address: HostAndPort, delegate: any ChannelDelegate) {
        SocketChannel.open(address, on: loop, config: config, delegate: delegate)
    }

    // MARK: Requests

    /// Sends a request to a server; the completion runs on the loop.
    /// - Parameters:
    ///   - versions: those that the caller can do with; nil for all that are described.
    ///   - adapt: changes the request to what a version can say.
    func send<R: ApiRequest>(
        _ request: R, to address: HostAndPort, versions: ClosedRange<Int16>? = nil, timeoutMs: Int64,
        adapt: ((inout R, Int16) -> Void)? = nil, completion: @escaping (Result<R.Response, ClientError>) -> Void
    ) {
        let exchange = Exchange(
            request, versions: versions, clientId: config.clientId, deadlineMs: loop.nowMs + timeoutMs,
            broker: "the broker at \(address)", adapt: adapt
        ) { result in
            completion(
                result.flatMap { response in
                    response.map { .success($0) } ?? .failure(ClientError(.badData, "an empty answer of \(address)"))
                })
        }
        connection(to: address).send(exchange)
    }

    func send(_ exchange: Exchange, to address: HostAndPort) { connection(to: address).send(exchange) }

    func connection(to address: HostAndPort) -> BrokerConnection {
        if let known = connections[address] { return known }
        let made = BrokerConnection(address: address, config: config, context: self, logger: logger)
        connections[address] = made
        if isClosed { made.close() }
        return made
    }

    /// A server to ask what any can answer: one that is connected and has little to do, else the next in turn.
    func anyServer() -> HostAndPort {
        let ready = connections.values.filter(\.isReady).min { $0.pendingCount < $1.pendingCount }
        if let ready { return ready.address }
        let known = cache.brokers.sorted { $0.key < $1.key }.map(\.value)
        var candidates = known + config.bootstrapServers.filter { !known.contains($0) }
        // One that has just failed comes last.
        candidates.sort { (connections[$0]?.recentFailures ?? 0) < (connections[$1]?.recentFailures ?? 0) }
        let fewest = connections[candidates[0]]?.recentFailures ?? 0
        let best = candidates.filter { (connections[$0]?.recentFailures ?? 0) == fewest }
        rotation += 1
        return best[(rotation - 1) % best.count]
    }

    /// The level of a feature that the cluster has agreed on, as the newest of the brokers' answers says; 0 for none.
    func finalizedLevel(of feature: String) -> Int16 {
        let newest = connections.values.compactMap(\.versions).max { $0.featuresEpoch < $1.featuresEpoch }
        return newest?.finalizedFeatures[feature] ?? 0
    }

    // MARK: Metadata

    /// Asks for the metadata of these topics now and takes it over. The completion runs on the loop.
    /// - Parameter topics: nil for all.
    func askMetadata(
        _ topics: [String]?, allowAutoCreate: Bool, timeoutMs: Int64,
        completion: @escaping (Result<ClusterMetadata, ClientError>) -> Void
    ) {
        var request = MetadataRequest()
        request.topics = topics.map { names in
            names.map {
                var topic = MetadataRequest.MetadataRequestTopic()
                topic.name = $0
                return topic
            }
        }
        request.allowAutoTopicCreation = allowAutoCreate
        // Version 0 cannot ask for no topics. Up to version 3 a broker creates what it creates, whatever the client
        // wants.
        send(
            request, to: anyServer(), versions: 1...MetadataRequest.api.versions.upperBound, timeoutMs: timeoutMs,
            adapt: { request, version in if version < 4 { request.allowAutoTopicCreation = true } }
        ) { [weak self] result in
            let metadata = result.map { ClusterMetadata($0) }
            if case .success(let metadata) = metadata { self?.learned(metadata) }
            completion(metadata)
        }
    }

    private func learned(_ metadata: ClusterMetadata) {
        cache.apply(metadata)
        for observer in observers.values { observer() }
    }

    /// Has the leaders of a topic kept up to date.
    func track(_ topic: String, allowAutoCreate: Bool) {
        trackedTopics[topic] = (trackedTopics[topic] ?? false) || allowAutoCreate
        scheduleAgeRefresh()
    }

    /// Calls `observer` after each change of what is known. Returns a number for ``removeObserver(_:)``.
    func addObserver(_ observer: @escaping () -> Void) -> Int {
        nextObserver += 1
        observers[nextObserver] = observer
        return nextObserver
    }

    func removeObserver(_ number: Int) { observers[number] = nil }

    /// Something shows that what is known is wrong: asks again, soon, and not too often.
    func refreshMetadata() {
        guard !isRefreshing, !isClosed else {
            mustRefreshAgain = true
            return
        }
        isRefreshing = true
        let wait = max(0, lastRefreshMs + Int64(config.retryBackoffMs) - loop.nowMs)
        schedule(afterMs: lastRefreshMs == 0 ? 0 : wait) { [weak self] in self?.refreshNow() }
    }

    private func refreshNow() {
        guard !isClosed else { return }
        lastRefreshMs = loop.nowMs
        let creates = trackedTopics.values.contains(true) && config.allowAutoCreateTopics
        askMetadata(
            trackedTopics.keys.sorted(), allowAutoCreate: creates, timeoutMs: Int64(config.requestTimeoutMs)
        ) { [weak self] result in
            guard let self else { return }
            isRefreshing = false
            if case .failure(let error) = result {
                refreshFailures += 1
                logger.debug("metadata refresh failed", ["error": error])
                isRefreshing = true
                schedule(afterMs: config.retryBackoff.delayMs(failures: refreshFailures)) { [weak self] in
                    self?.refreshNow()
                }
                return
            }
            refreshFailures = 0
            if mustRefreshAgain {
                mustRefreshAgain = false
                refreshMetadata()
            }
        }
    }

    private func scheduleAgeRefresh() {
        guard !isRefreshScheduled, config.metadataMaxAgeMs > 0 else { return }
        isRefreshScheduled = true
        schedule(afterMs: Int64(config.metadataMaxAgeMs)) { [weak self] in
            guard let self, !isClosed else { return }
            isRefreshScheduled = false
            refreshMetadata()
            scheduleAgeRefresh()
        }
    }

    func learnedLeader(_ partition: TopicPartition, leader: Int32, epoch: Int32, endpoint: HostAndPort?) {
        _ = cache.applyLeader(
            partition.topic, partition.partition, leader: leader, epoch: epoch, endpoint: endpoint)
    }

    func close() {
        isClosed = true
        observers = [:]
        for connection in connections.values { connection.close() }
    }
}
