/// Decides what a producer sends, when, to whom, and what becomes of it: the whole logic between sealed batches and
/// broker answers, as a state machine without I/O, clock or threads.
///
/// In: ``add(_:)``, ``answered(_:_:)``, ``failed(_:_:)``, ``expire(nowMs:)``. Out: ``drain(nowMs:leader:)`` gives
/// requests to send, and `effects` collects what else is to be done.
final class ProducerCore {
    /// What the core wants done beside sending.
    enum Effect {
        case delivered(ProducerBatch, baseOffset: Int64)
        /// The batch's records failed.
        case failed(ProducerBatch, ClientError)
        /// One batch has become two, each with a fate of its own.
        case split
        /// Leaders have moved, or are not known.
        case refreshMetadata(topic: String)
        case newLeader(TopicPartition, leader: Int32, epoch: Int32, endpoint: HostAndPort?)
        /// The epochs of the producer id are used up.
        case needsProducerId
    }

    /// One Produce request: at most one batch a partition, as brokers demand.
    struct Call {
        let id: Int
        let broker: Int32
        let batches: [ProducerBatch]
    }

    let config: ClientConfig
    /// Nil without idempotence, and before the id is known.
    var identity: ProducerIdentity?
    var effects: [Effect] = []

    private var partitions: [TopicPartition: Int] = [:]
    private(set) var senders: [PartitionSender] = []
    // Those with something to send.
    private var active: [Int] = []
    private var isActive: [Bool] = []
    private var inFlightByBroker: [Int32: Int] = [:]
    private var throttledUntilMs: [Int32: Int64] = [:]
    private var nextCall = 0
    private var rotation = 0
    private var generator: SplitMix64
    private(set) var retries = 0

    init(config: ClientConfig, seed: UInt64) {
        self.config = config
        generator = SplitMix64(state: seed)
    }

    func add(_ batch: ProducerBatch) {
        let index = index(of: batch.topicPartition)
        senders[index].enqueue(batch)
        activate(index)
    }

    /// Whether a batch of this partition would be sent at once: if not, it may as well wait for more records.
    func wouldSend(_ topicPartition: TopicPartition, leader: Int32?) -> Bool {
        guard let leader else { return false }
        guard inFlightByBroker[leader, default: 0] < config.maxInFlight else { return false }
        guard let index = partitions[topicPartition] else { return true }
        return senders[index].waiting.isEmpty
    }

    private func index(of topicPartition: TopicPartition) -> Int {
        if let known = partitions[topicPartition] { return known }
        let index = senders.count
        senders.append(PartitionSender(topicPartition))
        isActive.append(false)
        partitions[topicPartition] = index
        return index
    }

    private func activate(_ index: Int) {
        guard !isActive[index] else { return }
        isActive[index] = true
        active.append(index)
    }

    // MARK: Sending

    /// The requests that may go out now.
    /// - Parameter leader: the broker that leads a partition, nil while that is not known.
    func drain(nowMs: Int64, leader: (TopicPartition) -> Int32?) -> [Call] {
        guard !active.isEmpty, !config.isIdempotent || identity != nil else { return [] }
        var drafts: [Int32: (batches: [ProducerBatch], bytes: Int)] = [:]
        var idle = false
        // Whoever did not fit into the last request comes first in this one.
        rotation = (rotation + 1) % active.count
        for step in 0..<active.count {
            let index = active[(rotation + step) % active.count]
            settle(index)
            if senders[index].waiting.isEmpty {
                isActive[index] = false
                idle = true
                continue
            }
            guard let head = sendable(index, nowMs) else { continue }
            let topicPartition = senders[index].topicPartition
            guard let broker = leader(topicPartition) else {
                lastError[topicPartition] = .refused("find the leader of \(topicPartition)", .leaderNotAvailable)
                effects.append(.refreshMetadata(topic: topicPartition.topic))
                continue
            }
            guard canSend(to: broker, nowMs) else { continue }
            var draft = drafts[broker] ?? (batches: [], bytes: 0)
            guard draft.batches.isEmpty || draft.bytes + head.sizeInBytes <= config.maxRequestBytes else { continue }
            guard let batch = takeHead(index) else { continue }
            draft.batches.append(batch)
            draft.bytes += batch.sizeInBytes
            drafts[broker] = draft
        }
        if idle { active.removeAll { !isActive[$0] } }
        return drafts.sorted { $0.key < $1.key }.map { broker, draft in
            inFlightByBroker[broker, default: 0] += 1
            nextCall += 1
            return Call(id: nextCall, broker: broker, batches: draft.batches)
        }
    }

    private func sendable(_ index: Int, _ nowMs: Int64) -> ProducerBatch? {
        senders[index].sendable(
            nowMs: nowMs, isIdempotent: config.isIdempotent, maxInFlight: config.isIdempotent ? 5 : config.maxInFlight)
    }

    private func canSend(to broker: Int32, _ nowMs: Int64) -> Bool {
        inFlightByBroker[broker, default: 0] < config.maxInFlight && nowMs >= throttledUntilMs[broker, default: 0]
    }

    private func settle(_ index: Int) {
        // In a transaction only the coordinator raises epochs: one with a gap is aborted.
        if config.isTransactional { return }
        if !senders[index].resolve() { effects.append(.needsProducerId) }
    }

    // Numbers and closes the head; one that cannot be closed has failed.
    private func takeHead(_ index: Int) -> ProducerBatch? {
        guard let batch = senders[index].send(idempotent: config.isIdempotent ? identity : nil) else { return nil }
        batch.close()
        if let error = batch.closingError {
            senders[index].giveUp(batch)
            effects.append(.failed(batch, error))
            return nil
        }
        return batch
    }

    // MARK: Answers

    /// A broker answered.
    func answered(_ call: Call, _ response: ProduceResponse, nowMs: Int64) {
        finished(call)
        if response.throttleTimeMs > 0 { throttledUntilMs[call.broker] = nowMs + Int64(response.throttleTimeMs) }
        for batch in call.batches {
            let answer = response.responses.first { $0.name == batch.topic }?
                .partitionResponses.first { $0.index == batch.partition }
            guard let answer else {
                let message = "broker \(call.broker) left \(batch.topicPartition) out of its answer"
                fail(batch, ClientError(.badData, message))
                continue
            }
            if answer.currentLeader.leaderId >= 0 {
                let endpoint = response.nodeEndpoints.first { $0.nodeId == answer.currentLeader.leaderId }
                effects.append(
                    .newLeader(
                        batch.topicPartition, leader: answer.currentLeader.leaderId,
                        epoch: answer.currentLeader.leaderEpoch,
                        endpoint: endpoint.flatMap { node in
                            UInt16(exactly: node.port).map { HostAndPort(host: node.host, port: $0) }
                        }))
            }
            handle(batch, answer, nowMs)
        }
    }

    /// acks=0: the request has left, and that is all that will ever be known.
    func sentWithoutAnswer(_ call: Call) {
        finished(call)
        for batch in call.batches { delivered(batch, baseOffset: -1) }
    }

    /// The request could not be sent, or the connection broke before the answer came.
    func failed(_ call: Call, _ error: ClientError, nowMs: Int64) {
        finished(call)
        for batch in call.batches {
            let index = index(of: batch.topicPartition)
            if error.isRetriable && config.acks != .none {
                retry(index, batch, error, nowMs)
            } else {
                fail(batch, error)
            }
            effects.append(.refreshMetadata(topic: batch.topic))
        }
    }

    private func finished(_ call: Call) {
        let left = inFlightByBroker[call.broker, default: 1] - 1
        inFlightByBroker[call.broker] = left > 0 ? left : nil
        for batch in call.batches { activate(index(of: batch.topicPartition)) }
    }

    private func handle(_ batch: ProducerBatch, _ answer: ProduceResponse.PartitionProduceResponse, _ nowMs: Int64) {
        let code = answer.errorCode
        let index = index(of: batch.topicPartition)
        let error = ClientError.refused(
            "produce to \(batch.topicPartition)", code, detail: answer.errorMessage, producer: config)
        switch code {
        case .none:
            delivered(batch, baseOffset: answer.baseOffset)
        case .duplicateSequenceNumber:
            // An earlier try arrived, but so long ago that the broker does not know its offset any more.
            delivered(batch, baseOffset: -1)
        case .outOfOrderSequenceNumber where config.isTransactional && senders[index].hasOlder(than: batch):
            // What is in front of it was not taken, and comes again.
            retry(index, batch, error, nowMs, waits: false)
        case .concurrentTransactions:
            // The transaction before this one ends within milliseconds.
            retry(index, batch, error, nowMs, waitMs: Int64(min(batch.attempts * 5, 50)))
        case .outOfOrderSequenceNumber, .unknownProducerId, .invalidProducerEpoch:
            guard config.isIdempotent, !config.isTransactional else { return fail(batch, error) }
            lostTrack(index, batch, code, error, nowMs)
        case .messageTooLarge, .recordListTooLarge:
            guard batch.recordCount > 1, let parts = batch.halves(options: options) else { return fail(batch, error) }
            senders[index].replace(batch, with: parts, isIdempotent: config.isIdempotent)
            effects.append(.split)
        case .invalidRecord where !answer.recordErrors.isEmpty && answer.recordErrors.count < batch.recordCount:
            dropRecords(index, batch, answer, error)
        default:
            if code.isRetriable {
                retry(index, batch, error, nowMs)
                if code.isAboutLeaders { effects.append(.refreshMetadata(topic: batch.topic)) }
            } else {
                fail(batch, error)
            }
        }
    }

    var options: BatchOptions {
        var options = BatchOptions(compression: config.compression, compressionLevel: config.compressionLevel)
        options.isTransactional = config.isTransactional
        return options
    }

    private func delivered(_ batch: ProducerBatch, baseOffset: Int64) {
        if !lastError.isEmpty { lastError[batch.topicPartition] = nil }
        senders[index(of: batch.topicPartition)].acknowledged(batch)
        effects.append(.delivered(batch, baseOffset: baseOffset))
    }

    private func fail(_ batch: ProducerBatch, _ error: ClientError) {
        senders[index(of: batch.topicPartition)].giveUp(batch)
        effects.append(.failed(batch, error))
    }

    // Behind a batch that failed, this is only what must come; at the head it means that the broker has lost the
    // producer's state, and what it does not have is sent under a new epoch.
    private func lostTrack(
        _ index: Int, _ batch: ProducerBatch, _ code: ErrorCode, _ error: ClientError, _ nowMs: Int64
    ) {
        let isBehind = code == .outOfOrderSequenceNumber && senders[index].hasOlder(than: batch)
        if !isBehind && !(code == .outOfOrderSequenceNumber && senders[index].isUnresolved) { senders[index].broken() }
        retry(index, batch, error, nowMs, waits: !isBehind)
    }

    // The broker says which records it does not take: they fail, the others are sent without them.
    private func dropRecords(
        _ index: Int, _ batch: ProducerBatch, _ answer: ProduceResponse.PartitionProduceResponse, _ error: ClientError
    ) {
        var reasons: [Int: String] = [:]
        for record in answer.recordErrors {
            reasons[Int(record.batchIndex)] = record.batchIndexErrorMessage ?? answer.errorMessage ?? ""
        }
        guard let parts = batch.parts(options: options, isFirst: { reasons[$0] == nil }), parts[0].recordCount > 0,
            parts[1].recordCount > 0
        else { return fail(batch, error) }
        senders[index].replace(batch, with: [parts[0]], isIdempotent: config.isIdempotent)
        effects.append(.split)
        let detail = reasons.min { $0.key < $1.key }?.value
        effects.append(
            .failed(
                parts[1],
                .refused("produce to \(batch.topicPartition)", .invalidRecord, detail: detail)))
    }

    /// - Parameter waitMs: nil for `retry.backoff.ms` and what follows it.
    private func retry(
        _ index: Int, _ batch: ProducerBatch, _ error: ClientError, _ nowMs: Int64, waits: Bool = true,
        waitMs: Int64? = nil
    ) {
        guard batch.attempts <= config.retries else { return fail(batch, error) }
        guard batch.createdMs + Int64(config.deliveryTimeoutMs) > nowMs else {
            return fail(batch, timedOut(batch, because: error))
        }
        retries += 1
        senders[index].requeue(batch)
        if waits {
            let delay = waitMs ?? config.retryBackoff.delayMs(failures: batch.attempts, using: &generator)
            senders[index].notBeforeMs = max(senders[index].notBeforeMs, nowMs + delay)
        }
        lastError[senders[index].topicPartition] = error
    }

    // MARK: Time

    /// Why a partition's batches are not delivered yet.
    private var lastError: [TopicPartition: ClientError] = [:]

    private func timedOut(_ batch: ProducerBatch, because error: ClientError?) -> ClientError {
        let why = error.map { ": \($0.message)" } ?? ""
        return ClientError(
            .timeout,
            "no broker acknowledged a batch for \(batch.topicPartition) within \(config.deliveryTimeoutMs) ms"
                + " (delivery.timeout.ms)\(why)")
    }

    /// Fails what has waited longer than `delivery.timeout.ms`.
    func expire(nowMs: Int64) {
        let limit = nowMs - Int64(config.deliveryTimeoutMs)
        for index in active {
            for batch in senders[index].expired(createdBeforeMs: limit) {
                effects.append(.failed(batch, timedOut(batch, because: lastError[batch.topicPartition])))
            }
        }
    }

    /// When to call ``drain(nowMs:leader:)`` and ``expire(nowMs:)`` next, if nothing else happens before; nil for
    /// never.
    func nextWakeMs(nowMs: Int64) -> Int64? {
        var next: Int64?
        for index in active {
            guard let head = senders[index].waiting.first else { continue }
            var wake = head.createdMs + Int64(config.deliveryTimeoutMs)
            if senders[index].notBeforeMs > nowMs { wake = min(wake, senders[index].notBeforeMs) }
            next = min(next ?? wake, wake)
        }
        for time in throttledUntilMs.values where time > nowMs { next = min(next ?? time, time) }
        return next
    }

    /// A new producer id was given: everything that waits is numbered anew.
    func restart(_ identity: ProducerIdentity) {
        self.identity = identity
        for index in senders.indices where senders[index].isUnresolved { senders[index].restart(identity) }
    }

    /// The coordinator gave the producer another epoch: all numbers begin anew. Nothing may be in flight.
    func restartAll(_ identity: ProducerIdentity) {
        self.identity = identity
        for index in senders.indices { senders[index].restart(identity) }
    }

    /// Gives up what is not in flight.
    func failWaiting(_ error: ClientError) {
        for index in senders.indices {
            for batch in senders[index].expired(createdBeforeMs: .max) { effects.append(.failed(batch, error)) }
        }
    }

    /// Gives everything up. What was in flight must not be reported as answered or failed later.
    func failAll(_ error: ClientError) {
        for index in senders.indices {
            var error = error
            if error.kind == .interrupted, let last = lastError[senders[index].topicPartition] {
                error.message += "; until then: \(last.message)"
            }
            for batch in senders[index].takeAll() { effects.append(.failed(batch, error)) }
        }
        active = []
        isActive = isActive.map { _ in false }
        inFlightByBroker = [:]
    }

    /// Whether nothing waits and nothing is in flight.
    var isIdle: Bool { senders.allSatisfy(\.isIdle) }
}

extension ErrorCode {
    /// The cause is that leaders are not where the client thinks.
    var isAboutLeaders: Bool {
        switch self {
        case .notLeaderOrFollower, .leaderNotAvailable, .unknownTopicOrPartition, .unknownTopicId, .fencedLeaderEpoch,
            .unknownLeaderEpoch, .replicaNotAvailable, .kafkaStorageError, .listenerNotFound, .networkException,
            .inconsistentTopicId:
            true
        default: false
        }
    }
}
