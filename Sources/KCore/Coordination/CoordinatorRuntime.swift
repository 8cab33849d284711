/// The coordinators of a topic's partitions that this broker leads. Each belongs to one of a few loops, by its number.
///
/// May be called from any thread. What is submitted from one thread for one partition runs in the order of submission.
final class CoordinatorRuntime<Machine: CoordinatorMachine>: Sendable {
    let shards: [CoordinatorShard<Machine>]

    /// - Parameters:
    ///   - loops: where steps run; they may serve several runtimes.
    ///   - workers: where logs are read that have no threads of their own.
    ///   - makeMachine: the machine of a partition, before anything is loaded.
    ///   - afterLoading: asked when a log begins to be read for the first step of the machine that has read it.
    init(
        loops: [EventLoop], workers: WorkerPool, clock: any Clock, logger: Logger,
        makeMachine: @escaping @Sendable (_ partition: Int32) -> Machine,
        afterLoading: @escaping @Sendable () -> CoordinatorShard<Machine>.FirstStep = { { _, _ in } }
    ) {
        shards = loops.map {
            CoordinatorShard(
                loop: $0, workers: workers, clock: clock, logger: logger, makeMachine: makeMachine,
                afterLoading: afterLoading)
        }
    }

    private func shard(_ partition: Int32) -> CoordinatorShard<Machine> { shards[Int(partition) % shards.count] }

    // MARK: Leadership

    /// Takes over a partition, whose log is then loaded. Nothing happens when it is coordinated with that log already.
    func lead(_ log: any CoordinatorLog) {
        let shard = shard(log.topicPartition.partition)
        shard.loop.execute { shard.lead(log) }
    }

    /// Gives up a partition: who waits is told to look for another coordinator.
    func resign(_ partition: Int32) {
        let shard = shard(partition)
        shard.loop.execute { shard.resign(partition, .notCoordinator) }
    }

    /// Gives up all partitions. The loops go on.
    func stop() {
        for shard in shards { shard.loop.execute { shard.stop() } }
    }

    // MARK: Steps

    /// Has a step made for a request.
    func submit<Response>(
        to partition: Int32, _ reply: CoordinatorReply<Response>,
        _ body:
            @escaping @Sendable (
                inout Machine, inout CoordinatorTurn<Machine.Record>, CoordinatorReply<Response>
            ) -> Void
    ) {
        submit(to: partition, refuse: reply.refuse) { $0.run(reply, body) }
    }

    /// Has a step made whose records belong to a transaction.
    func submit<Response>(
        to partition: Int32, in producer: CoordinatorProducer, _ reply: CoordinatorReply<Response>,
        _ body:
            @escaping @Sendable (
                inout Machine, inout CoordinatorTurn<Machine.Record>, CoordinatorReply<Response>
            ) -> Void
    ) {
        submit(to: partition, refuse: reply.refuse) { $0.run(in: producer, reply, body) }
    }

    /// Writes the marker that ends a transaction in a coordinator's partition, and tells the machine.
    func endTransaction(
        _ end: CoordinatorTransactionEnd, in partition: Int32, _ reply: CoordinatorReply<Void>
    ) {
        submit(to: partition, refuse: reply.refuse) { $0.endTransaction(end, reply) }
    }

    /// Has a step made that is not turned away because many wait: nobody would come again.
    /// - Parameter refused: called instead, once, where the partition is not coordinated, or is given up first.
    func perform(
        in partition: Int32,
        _ body: @escaping @Sendable (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Void,
        refused: @escaping @Sendable () -> Void
    ) {
        submit(to: partition, refuse: { _ in refused() }) { $0.perform(body, refused: refused) }
    }

    /// Asks every partition that is loaded, and gives all answers at once. `missing` says why some are not among them:
    /// COORDINATOR_LOAD_IN_PROGRESS, or COORDINATOR_NOT_AVAILABLE for what could not be loaded; NONE where none is.
    /// - Parameters:
    ///   - loop: where the answers are wanted.
    ///   - completion: called there, unless the loop has ended.
    func gather<Answer: Sendable>(
        on loop: EventLoop,
        _ body: @escaping @Sendable (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Answer,
        _ completion: @escaping @Sendable (_ answers: [Answer], _ missing: ErrorCode) -> Void
    ) {
        let gathering = CoordinatorGathering(shards: shards.count, on: loop, completion)
        for shard in shards {
            let isTaken = shard.loop.execute {
                shard.gather(body) { gathering.add($0, isLoading: $1, hasFailed: $2) }
            }
            if !isTaken { gathering.add([], isLoading: false) }
        }
    }

    /// Asks all machines for something that has no answer: those that are not loaded, as soon as they are, and those whose log
    /// does not take it, again when they have been loaded anew.
    func submitToAll(
        _ body: @escaping @Sendable (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Void
    ) {
        for shard in shards { shard.loop.execute { shard.runInAll(body) } }
    }

    private func submit(
        to index: Int32, refuse: @escaping @Sendable (ErrorCode) -> Void,
        _ body: @escaping @Sendable (CoordinatorPartition<Machine>) -> Void
    ) {
        let shard = shard(index)
        let isTaken = shard.loop.execute {
            if !shard.run(index, body) { refuse(.notCoordinator) }
        }
        if !isTaken { refuse(.notCoordinator) }
    }
}
