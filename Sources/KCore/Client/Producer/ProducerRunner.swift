internal import Glibc

/// The producer's part on the loop: moves batches from the accumulator through ``ProducerCore`` to the brokers, and
/// their fates back.
///
/// `@unchecked Sendable`: everything but the accumulator, which has its lock, is touched on the loop only.
final class ProducerRunner: @unchecked Sendable {
    let runtime: ClientRuntime
    private let accumulator: Monitor<AccumulatorState>
    private let onDelivery: @Sendable (borrowing Delivery) -> Void
    private let logger: Logger
    let core: ProducerCore
    /// Nil without `transactional.id`.
    var transaction: ProducerTransaction?
    /// Of the transactional id, as far as the loop knows.
    var coordinator: HostAndPort?
    // Compresses; nil without compression.
    private let workers: WorkerPool?

    private var wakeMs = Int64.max
    private var isPumping = false
    private var mustPumpAgain = false
    private var isAskingForIdentity = false
    private var identityWaiters: [(ClientError?) -> Void] = []
    // acks=0: requests that the socket has not taken yet.
    private var unflushed: [(call: ProducerCore.Call, connection: BrokerConnection)] = []
    private var observer: Int?
    private(set) var statistics = ProducerStatistics()
    private(set) var isEnded = false

    init(
        runtime: ClientRuntime, accumulator: Monitor<AccumulatorState>,
        onDelivery: @escaping @Sendable (borrowing Delivery) -> Void
    ) {
        self.runtime = runtime
        self.accumulator = accumulator
        self.onDelivery = onDelivery
        logger = runtime.logger.named("producer")
        core = ProducerCore(config: runtime.config, seed: UInt64.random(in: .min ... .max))
        transaction = runtime.config.isTransactional ? ProducerTransaction() : nil
        workers =
            runtime.config.compression == .none
            ? nil : WorkerPool(name: "compress", threads: ProducerRunner.compressors)
    }

    func start() {
        observer = runtime.addObserver { [weak self] in self?.metadataChanged() }
    }

    private static let compressors = min(max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1), 4)

    // MARK: The pump

    /// Does whatever can be done now.
    func pump() {
        guard !isPumping, !isEnded else {
            mustPumpAgain = true
            return
        }
        isPumping = true
        repeat {
            mustPumpAgain = false
            takeBatches()
            core.expire(nowMs: runtime.nowMs)
            send()
            apply(core.effects)
        } while mustPumpAgain
        isPumping = false
        scheduleWake()
    }

    private func takeBatches() {
        let now = runtime.nowMs
        let lingerMs = Int64(runtime.config.lingerMs)
        let (taken, rejected) = accumulator.withLock { state in
            state.isNotified = false
            let rejected = state.rejected
            state.rejected = []
            let taken = state.take { batch in
                now - batch.createdMs >= lingerMs
                    && core.wouldSend(batch.topicPartition, leader: leader(batch.topicPartition))
            }
            return (taken, rejected)
        }
        for batch in rejected { core.effects.append(.failed(batch, .recordTooLarge(batch.topic, runtime.config))) }
        for batch in taken {
            admit(batch)
            guard let workers else { continue }
            workers.submit { [weak self] in
                batch.close()
                guard let self else { return }
                runtime.loop.execute { self.pump() }
            }
        }
    }

    private func leader(_ topicPartition: TopicPartition) -> Int32? {
        runtime.cache.leader(topicPartition.topic, topicPartition.partition)?.broker
    }

    private func send() {
        if core.config.isIdempotent, core.identity == nil { return askForIdentity() }
        askToAddPartitions()
        while true {
            let calls = core.drain(nowMs: runtime.nowMs, leader: leader)
            if calls.isEmpty { return }
            for call in calls { send(call) }
        }
    }

    private func send(_ call: ProducerCore.Call) {
        guard let address = runtime.cache.brokers[call.broker] else {
            let error = ClientError(.connection, "it is not known where broker \(call.broker) is")
            return core.failed(call, error, nowMs: runtime.nowMs)
        }
        statistics.requests += 1
        let config = runtime.config
        let timeout = Int64(config.requestTimeoutMs)
        let exchange = Exchange(
            request(call), versions: produceVersions, clientId: config.clientId,
            deadlineMs: runtime.nowMs + timeout, expectsAnswer: config.acks != .none,
            broker: "the broker at \(address)"
        ) { [weak self] result in self?.finished(call, address, result) }
        runtime.send(exchange, to: address)
    }

    private var produceVersions: ClosedRange<Int16> {
        let (oldest, newest) = (Int16(core.config.compression == .zstd ? 7 : 3), ProduceRequest.api.versions.upperBound)
        guard let transaction else { return oldest...newest }
        // Which way a transaction goes is decided when it begins, for all of its brokers.
        let addsFrom = ProduceRequest.addsPartitionsFrom
        return transaction.addsByWriting ? addsFrom...newest : oldest...(addsFrom - 1)
    }

    private func request(_ call: ProducerCore.Call) -> ProduceRequest {
        var request = ProduceRequest()
        request.acks = runtime.config.acks.rawValue
        if transaction != nil { request.transactionalId = runtime.config.transactionalId }
        request.timeoutMs = Int32(runtime.config.requestTimeoutMs)
        for batch in call.batches {
            var partition = ProduceRequest.PartitionProduceData()
            partition.index = batch.partition
            partition.records = .bytes(batch.bytes ?? Bytes())
            if let index = request.topicData.firstIndex(where: { $0.name == batch.topic }) {
                request.topicData[index].partitionData.append(partition)
            } else {
                var topic = ProduceRequest.TopicProduceData()
                topic.name = batch.topic
                topic.partitionData = [partition]
                request.topicData.append(topic)
            }
        }
        return request
    }

    private func finished(
        _ call: ProducerCore.Call, _ address: HostAndPort, _ result: Result<ProduceResponse?, ClientError>
    ) {
        guard !isEnded else { return }
        switch result {
        case .success(let response?): core.answered(call, response, nowMs: runtime.nowMs)
        case .success(nil): unflushed.append((call, runtime.connection(to: address)))
        case .failure(let error): core.failed(call, error, nowMs: runtime.nowMs)
        }
        if unflushed.isEmpty { pump() } else { settleUnflushed() }
    }

    // Without answers, what the socket has taken counts as sent.
    private func settleUnflushed() {
        guard !isEnded else { return }
        let waiting = unflushed
        unflushed = []
        for entry in waiting {
            if !entry.connection.isReady {
                let error = ClientError(.connection, "lost the connection to the broker at \(entry.connection.address)")
                core.failed(entry.call, error, nowMs: runtime.nowMs)
            } else if entry.connection.queuedBytes <= 64 << 10 {
                core.sentWithoutAnswer(entry.call)
            } else {
                unflushed.append(entry)
            }
        }
        if !unflushed.isEmpty {
            runtime.schedule(afterMs: 1) { [weak self] in self?.settleUnflushed() }
        }
        pump()
    }

    private func apply(_ effects: [ProducerCore.Effect]) {
        guard !effects.isEmpty else { return }
        core.effects = []
        var freedBytes = 0
        var fates = 0
        var mustRefresh = false
        var learnedLeader = false
        for effect in effects {
            switch effect {
            case .delivered(let batch, let baseOffset):
                statistics.deliveredRecords += Int64(batch.recordCount)
                statistics.batches += 1
                finish(batch, baseOffset: baseOffset, nil, &freedBytes, &fates)
            case .failed(let batch, let error):
                statistics.failedRecords += Int64(batch.recordCount)
                if transaction?.failure == nil { transactionFailed(error) }
                finish(batch, baseOffset: -1, error, &freedBytes, &fates)
            case .refreshMetadata(let topic):
                runtime.track(topic, allowAutoCreate: false)
                mustRefresh = true
            case .newLeader(let partition, let leader, let epoch, let endpoint):
                runtime.learnedLeader(partition, leader: leader, epoch: epoch, endpoint: endpoint)
                learnedLeader = true
            case .split:
                fates -= 1
            case .needsProducerId:
                askForIdentity()
            }
        }
        if mustRefresh { runtime.refreshMetadata() }
        statistics.retries = Int64(core.retries)
        let (freed, ended) = (freedBytes, fates)
        accumulator.update { state in
            state.availableBytes += freed
            state.pendingBatches -= ended
        }
        // Memory that became free, and leaders that became known, may set more in motion.
        if fates != 0 || learnedLeader { mustPumpAgain = true }
    }

    private func finish(
        _ batch: ProducerBatch, baseOffset: Int64, _ error: ClientError?, _ freedBytes: inout Int, _ fates: inout Int
    ) {
        freedBytes += batch.reservedBytes
        fates += 1
        onDelivery(Delivery(batch, baseOffset: baseOffset, error: error))
    }

    private func scheduleWake() {
        let now = runtime.nowMs
        var next = core.nextWakeMs(nowMs: now)
        let linger = Int64(runtime.config.lingerMs)
        let oldestOpenMs = accumulator.withLock { state in
            state.isTimed = state.openCount > 0
            return state.oldestOpenMs
        }
        if let oldest = oldestOpenMs {
            // What is due but would only wait for its turn goes when an answer comes.
            let due = oldest + linger
            let wake = due > now ? due : now + max(linger, 5)
            next = min(next ?? wake, wake)
        }
        guard let next, next < wakeMs || wakeMs <= now else { return }
        wakeMs = next
        runtime.schedule(afterMs: max(1, next - now)) { [weak self] in
            guard let self, wakeMs == next else { return }
            wakeMs = .max
            pump()
        }
    }

    // MARK: Identity

    /// Calls `completion` once there is a producer id, at once without idempotence.
    func withIdentity(_ completion: @escaping (ClientError?) -> Void) {
        // A transactional one has asked its coordinator.
        guard core.config.isIdempotent, core.identity == nil, transaction == nil else { return completion(nil) }
        identityWaiters.append(completion)
        askForIdentity()
    }

    private func askForIdentity() {
        guard !isAskingForIdentity, !isEnded, transaction == nil else { return }
        isAskingForIdentity = true
        let request = InitProducerIdRequest()
        runtime.send(request, to: runtime.anyServer(), timeoutMs: Int64(runtime.config.requestTimeoutMs)) {
            [weak self] result in
            guard let self else { return }
            isAskingForIdentity = false
            let error: ClientError
            switch result {
            case .success(let response) where response.errorCode == .none:
                core.restart(ProducerIdentity(id: response.producerId, epoch: response.producerEpoch))
                tellIdentityWaiters(nil)
                return pump()
            case .success(let response):
                error = .refused("get a producer id (enable.idempotence)", response.errorCode)
            case .failure(let failure):
                error = failure
            }
            if !error.isRetriable || !identityWaiters.isEmpty { tellIdentityWaiters(error) }
            guard !error.isRetriable else {
                return runtime.schedule(afterMs: Int64(runtime.config.retryBackoffMs)) { [weak self] in self?.pump() }
            }
            core.failWaiting(error)
            pump()
        }
    }

    private func tellIdentityWaiters(_ error: ClientError?) {
        let waiters = identityWaiters
        identityWaiters = []
        for waiter in waiters { waiter(error) }
    }

    // MARK: Metadata and the end

    private func metadataChanged() {
        let cache = runtime.cache
        accumulator.withLock { state in
            for index in state.topics.indices {
                guard let topic = cache.topic(state.topics[index].name), !topic.partitions.isEmpty else { continue }
                state.update(
                    index, partitionCount: Int32(topic.partitions.count),
                    available: topic.partitions.filter { $0.leader >= 0 }.map(\.index))
            }
        }
        pump()
    }

    /// Gives up what is not delivered.
    func abort(_ error: ClientError) {
        guard !isEnded else { return }
        let open = accumulator.withLock { $0.take { _ in true } }
        for batch in open + (transaction?.takeHeld() ?? []) { core.add(batch) }
        core.failAll(error)
        while !core.effects.isEmpty { apply(core.effects) }
        isEnded = true
        if let observer { runtime.removeObserver(observer) }
        tellIdentityWaiters(error)
        stopWorkers()
    }

    private func stopWorkers() {
        guard let workers else { return }
        // Joining threads is not for the loop.
        _ = Thread(name: "compress-stop") { workers.stop() }
    }
}
