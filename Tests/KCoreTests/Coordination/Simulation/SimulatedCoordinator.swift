@testable import KCore

/// A coordinator of one partition, with the log that outlives it: it crashes, is led by another one, fails to append, and
/// loads again. Does by hand what ``CoordinatorRuntime`` does on its loop.
///
/// `@unchecked Sendable`: one thread runs a simulation.
final class SimulatedCoordinator<Machine: CoordinatorMachine>: @unchecked Sendable {
    let log: SimulatedCoordinatorLog
    private(set) var partition: CoordinatorPartition<Machine>
    /// How often somebody has begun to lead it.
    private(set) var life: Int32 = 0
    /// Since when there is a machine, in milliseconds.
    private(set) var upSinceMs: Int64 = .max
    private let network: SimulatedNetwork
    private let make: () -> Machine
    private var isHurrying = false
    // What another thread is doing.
    private var late: CoordinatorLateWork?
    /// How often something was left to another thread.
    private(set) var lateWorks = 0
    /// Requests that were taken and are not answered, by number, and since when.
    private var open: [Int: Int64] = [:]
    private var taken = 0
    /// What was found; nil when nothing was.
    private(set) var problem: String?

    init(_ log: SimulatedCoordinatorLog, _ network: SimulatedNetwork, _ make: @escaping () -> Machine) {
        self.log = log
        self.network = network
        self.make = make
        partition = CoordinatorPartition(log: log, clock: network.clock)
        begin(afterMs: 0)
    }

    var machine: Machine? { partition.machine }

    // MARK: Life

    /// What the log says now.
    func loaded() throws -> Machine {
        var machine = make()
        var problem: String?
        _ = try CoordinatorLoader.load(log, into: &machine) { problem = "\($0): \($1)" }
        if let problem { throw SimulationFailure("a record cannot be read: \(problem)") }
        return machine
    }

    private func begin(afterMs: Int64) {
        life += 1
        upSinceMs = .max
        let (partition, life, number) = (partition, life, partition.beginLoading())
        network.later(afterMs) { [unowned self] in
            guard self.life == life, let machine = try? loaded() else { return }
            partition.loaded(number, machine, nextOffset: log.endOffset)
            upSinceMs = network.nowMs
        }
    }

    /// The process is gone: nobody is answered any more, and what no other broker has is lost.
    func crash() {
        open = [:]
        giveUpLateWork()
        log.crash(&network.random)
        succeed()
    }

    /// Another broker leads: whoever waits is refused, and nothing is lost.
    func resign() {
        partition.flush()
        partition.fail(.notCoordinator)
        expectSilence()
        succeed()
    }

    private func succeed() {
        giveUpLateWork()
        if network.int(0...2) == 0 { log.compact() }
        log.fail(nil)
        partition = CoordinatorPartition(log: log, clock: network.clock)
        begin(afterMs: Int64(network.int(0...2000)))
    }

    /// The end of a turn: what is due is done, and all that was written goes to the log.
    func endTurn(isTicking: Bool = true) {
        if isTicking, let next = partition.machine?.nextTickMs, next <= network.nowMs { partition.tick() }
        slowDown()
        partition.flush()
        takeLateWork()
        if partition.phase == .failed {
            expectSilence()
            return succeed()
        }
        let (end, life) = (log.endOffset, life)
        guard end > log.keptOffset, !isHurrying else { return partition.release() }
        isHurrying = true
        network.later(network.chance(2) ? Int64(network.int(1000...4000)) : Int64(network.int(0...150))) {
            [unowned self] in
            isHurrying = false
            guard self.life == life else { return }
            log.keep(to: end)
            partition.release()
        }
    }

    // MARK: The disk

    // Shorter than what it may take until somebody sees who has been silent. Often, since few turns write anything.
    private func slowDown() {
        guard !log.isBusy, network.chance(20) else { return }
        log.isBusy = true
        let life = life
        network.later(Int64(network.int(0...200))) { [unowned self] in if self.life == life { settle() } }
    }

    /// The disk has answered: what was left to another thread is done, and then what has waited for that.
    func settle() {
        log.isBusy = false
        partition.flush()
        takeLateWork()
        while let work = late.take() {
            partition.finishLateWork(work.run())
            partition.flush()
            takeLateWork()
        }
    }

    private func takeLateWork() {
        guard let work = partition.takeLateWork() else { return }
        late = work
        lateWorks += 1
    }

    // What was on its way may come to the log, or not, before anybody else reads that.
    private func giveUpLateWork() {
        if let work = late.take(), network.int(0...1) == 0 { _ = work.run() }
        log.isBusy = false
    }

    // MARK: Steps

    /// - Parameter answered: called once when the answer leaves the coordinator; never when it dies before.
    func ask<R: Sendable>(
        _ refusal: @escaping @Sendable (ErrorCode) -> R,
        _ body: @escaping (inout Machine, inout CoordinatorTurn<Machine.Record>, CoordinatorReply<R>) -> Void,
        _ answered: @escaping (R) -> Void
    ) {
        partition.run(reply(refusal, answered), body)
    }

    /// The same for a step whose records belong to a transaction.
    func ask<R: Sendable>(
        in producer: CoordinatorProducer, _ refusal: @escaping @Sendable (ErrorCode) -> R,
        _ body: @escaping (inout Machine, inout CoordinatorTurn<Machine.Record>, CoordinatorReply<R>) -> Void,
        _ answered: @escaping (R) -> Void
    ) {
        partition.run(in: producer, reply(refusal, answered), body)
    }

    /// Who gives up the partition has refused everybody who waited.
    private func expectSilence() {
        if problem == nil, !open.isEmpty { problem = "\(open.count) requests were not answered by who gave up" }
        open = [:]
    }

    /// - Returns: what is wrong when somebody waits who asked before `ms`.
    func unanswered(before ms: Int64) -> String? {
        let count = open.values.count { $0 < ms }
        return count == 0 ? nil : "\(count) requests were not answered to the end"
    }

    private func reply<R: Sendable>(
        _ refusal: @escaping @Sendable (ErrorCode) -> R, _ answered: @escaping (R) -> Void
    ) -> CoordinatorReply<R> {
        nonisolated(unsafe) let answered = answered
        taken += 1
        let number = taken
        open[number] = network.nowMs
        return CoordinatorReply(
            { [unowned self] response in
                if log.bug == .answersNever, network.int(0...50) == 0 { return }
                open[number] = nil
                answered(response)
                if log.bug == .answersTwice, network.int(0...50) == 0 { answered(response) }
            }, refusal: refusal)
    }
}

extension SimulatedCoordinator where Machine == TransactionMachine {
    /// Before it is loaded: an id has almost no epochs left.
    func exhaust(_ id: String, producerId: Int64) {
        var key = TransactionLogKey()
        key.transactionalId = id
        let state = TransactionState(
            producerId: producerId, producerEpoch: TransactionState.lastUsableEpoch - 4, timeoutMs: 60_000,
            updateMs: network.clock.wallMs)
        guard let (key, value) = try? TransactionMachine.encode(.transaction(key, state.value)),
            let batch = try? RecordBatchBuilder.batch([Record(offset: 0, timestamp: 0, key: key, value: value)])
        else { return }
        log.keep(to: (try? log.append(batch))?.endOffset ?? 0)
    }
}
