/// The transaction coordinators of this broker: their machines, in step with the partitions of `__transaction_state` that
/// it leads, and what they need of the world: producer ids and markers.
final class TransactionCoordinator: Sendable {
    typealias Producer = TransactionMachine.Producer
    typealias Turn = TransactionMachine.Turn

    let markers: MarkerWriter
    private let runtime: CoordinatorRuntime<TransactionMachine>
    private let loops: EventLoopGroup
    private let partitions: PartitionManager
    private let producerIds: ProducerIdAllocator
    private let waits = TransactionWaits()

    init(
        config: BrokerConfig, partitions: PartitionManager, workers: WorkerPool, clock: any Clock, logger: Logger,
        producerIds: ProducerIdAllocator, endInGroups: @escaping MarkerWriter.EndInGroups
    ) throws(NetError) {
        let logger = logger.named("transactions")
        loops = try EventLoopGroup(name: "transactions", count: 1, clock: clock)
        self.partitions = partitions
        self.producerIds = producerIds
        let writer = MarkerWriter(partitions: partitions, clock: clock, endInGroups: endInGroups)
        markers = writer
        let markers = TransactionMarkers(writer, loop: loops.loops[0], logger: logger)
        let settings = TransactionMachine.Settings(config)
        let ends = TransactionEnds { end, completion in
            let topic = partitions.table.value.find(CoordinatorTopic.transactionsName)
            let epoch = topic?.partition(end.coordinatorPartition)?.leaderEpoch ?? 0
            markers.write(end, coordinatorEpoch: epoch, completion)
        } isOver: { [waits] id in
            waits.resume(id)
        }
        runtime = CoordinatorRuntime(loops: loops.loops, workers: workers, clock: clock, logger: logger) { partition in
            TransactionMachine(partition: partition, settings: settings, writeMarkers: { ends.send($0) })
        }
        ends.serve(runtime)
        partitions.onLateOpening { [weak self] topic in
            if topic.name == CoordinatorTopic.transactionsName { self?.follow(topic) }
        }
    }

    /// Takes over what this broker leads, at start.
    func open(_ image: ClusterImage) {
        if let topic = image.topic(CoordinatorTopic.transactionsName) { follow(topic) }
    }

    func stop(leftMs: () -> Int64? = { nil }) {
        runtime.stop()
        loops.stop(leftMs: leftMs)
    }

    private func follow(_ topic: TopicImage) {
        let served = partitions.table.value.find(topic.name)
        for index in topic.partitions.indices {
            if let partition = served?.partition(Int32(index)) {
                runtime.lead(partition)
            } else {
                runtime.resign(Int32(index))
            }
        }
    }

    // MARK: Requests

    /// Has a step made for a transactional id.
    func submit<Response>(
        _ id: String, _ image: ClusterImage, _ reply: CoordinatorReply<Response>,
        _ body: @escaping @Sendable (inout TransactionMachine, inout Turn) -> Response
    ) {
        guard let topic = image.topic(CoordinatorTopic.transactionsName) else { return reply.refuse(.notCoordinator) }
        let partition = CoordinatorTopic.partition(of: id, count: Int32(topic.partitions.count))
        runtime.submit(to: partition, reply) { machine, turn, reply in turn.send(body(&machine, &turn), to: reply) }
    }

    /// InitProducerId, with a new producer id where one is needed.
    func initialize(
        _ id: String, timeoutMs: Int32, expected: Producer?, _ image: ClusterImage, freshId: Int64? = nil,
        _ completion: @escaping @Sendable (TransactionMachine.Initialized) -> Void
    ) {
        let reply = CoordinatorReply<TransactionMachine.Initialized> { [self] answer in
            guard answer == .needsProducerId else { return completion(answer) }
            producerIds.next { [self] outcome in
                switch outcome {
                case .success(let fresh):
                    initialize(id, timeoutMs: timeoutMs, expected: expected, image, freshId: fresh, completion)
                case .failure(let code): completion(.failed(code))
                }
            }
        } refusal: {
            .failed($0)
        }
        submit(id, image, reply) { machine, turn in
            machine.initProducer(id, timeoutMs: timeoutMs, expected: expected, freshId: freshId, &turn)
        }
    }

    /// EndTxn, with a new producer id where one is needed.
    func end(
        _ id: String, _ producer: Producer, isCommit: Bool, bumpsEpoch: Bool, _ image: ClusterImage,
        freshId: Int64? = nil, _ completion: @escaping @Sendable (TransactionMachine.Ended) -> Void
    ) {
        let reply = CoordinatorReply<TransactionMachine.Ended> { [self] answer in
            guard answer == .needsProducerId else { return completion(answer) }
            producerIds.next { [self] outcome in
                switch outcome {
                case .success(let fresh):
                    end(
                        id, producer, isCommit: isCommit, bumpsEpoch: bumpsEpoch, image, freshId: fresh, completion)
                case .failure(let code): completion(.failed(code))
                }
            }
        } refusal: {
            .failed($0)
        }
        submit(id, image, reply) { machine, turn in
            machine.end(id, producer, isCommit: isCommit, bumpsEpoch: bumpsEpoch, freshId: freshId, &turn)
        }
    }

    /// Has partitions added to a producer's transaction, or looked up there, before something is written to them (KIP-890).
    ///
    /// A producer goes on as soon as its transaction is decided. Adding waits a short time for the markers of that, so that
    /// the producer does not have to ask again; as Kafka does with `add.partitions.to.txn.retry.backoff.max.ms`.
    /// - Parameter completion: called once, on any thread, when what it says is kept.
    func admit(
        _ id: String, _ producer: Producer, _ places: Set<TopicPartition>, adds: Bool, _ image: ClusterImage,
        mayWait: Bool = true, _ completion: @escaping @Sendable ([TopicPartition: ErrorCode]) -> Void
    ) {
        let reply = CoordinatorReply<[TopicPartition: ErrorCode]> { [self] answers in
            guard adds, mayWait, answers.values.contains(.concurrentTransactions) else { return completion(answers) }
            // Answers come in the order of what they tell, so that the end is told behind this one.
            let number = waits.add(id) { [self] in
                admit(id, producer, places, adds: adds, image, mayWait: false, completion)
            }
            loops.loops[0].schedule(afterMs: Self.maxWaitMs) { [waits] in
                if waits.remove(id, number) { completion(answers) }
            }
        } refusal: { code in
            Dictionary(uniqueKeysWithValues: places.map { ($0, code) })
        }
        submit(id, image, reply) { machine, turn in
            guard adds else { return machine.verify(id, producer, places) }
            let code = machine.addPartitions(id, producer, places, clientVersion: 2, &turn)
            return Dictionary(uniqueKeysWithValues: places.map { ($0, code) })
        }
    }

    private static let maxWaitMs: Int64 = 100

    /// Asks all partitions that are loaded; `missing` as of ``CoordinatorRuntime/gather(on:_:_:)``.
    /// - Parameter loop: where `completion` is called.
    func gather<Answer: Sendable>(
        on loop: EventLoop,
        _ body: @escaping @Sendable (TransactionMachine, _ nowMs: Int64) -> Answer,
        _ completion: @escaping @Sendable (_ answers: [Answer], _ missing: ErrorCode) -> Void
    ) {
        runtime.gather(on: loop, { machine, turn in body(machine, turn.wallMs) }, completion)
    }
}

extension TransactionCoordinator: ImageListener {
    func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta) {
        let name = CoordinatorTopic.transactionsName
        if let gone = delta.deletedTopics.first(where: { $0.name == name }) {
            for index in gone.partitions.indices { runtime.resign(Int32(index)) }
        }
        for topic in delta.createdTopics + delta.changedTopics.map(\.after) where topic.name == name { follow(topic) }
    }
}

extension TransactionMachine.Settings {
    init(_ config: BrokerConfig) {
        maxTimeoutMs = Int32(clamping: config.int("transaction.max.timeout.ms"))
        idExpirationMs = Int64(config.int("transactional.id.expiration.ms"))
        abortIntervalMs = Int64(config.int("transaction.abort.timed.out.transaction.cleanup.interval.ms"))
        expiryIntervalMs = Int64(config.int("transaction.remove.expired.transaction.cleanup.interval.ms"))
    }
}
