@testable import KCore

/// A coordinator of one partition, as a broker has it: the product's runtime on a loop that is turned by hand, over a log that
/// outlives it. It crashes, is led by another one, fails to append, and loads again.
///
/// `@unchecked Sendable`: one thread runs a simulation.
final class SimulatedCoordinator<Machine: CoordinatorMachine>: @unchecked Sendable {
    typealias Turn = CoordinatorTurn<Machine.Record>

    /// What is gone with a broker.
    struct Process {
        let number: Int
        let loop: EventLoop
        let workers: WorkerPool
        let runtime: CoordinatorRuntime<Machine>
    }

    let log: SimulatedCoordinatorLog
    private(set) var process: Process
    private var view: SimulatedLeaderLog
    /// How often somebody has begun to coordinate.
    private(set) var life: Int32 = 0
    /// How often somebody has begun to lead.
    private(set) var leaderEpoch: Int32 = 0
    /// Since when there is a machine, in milliseconds.
    private(set) var upSinceMs: Int64 = .max
    /// Whether it is the product's cleaner who goes through the log.
    var isCleaned = false
    /// Told of each broker that begins.
    var begins: (Process) -> Void = { _ in }
    private let network: SimulatedNetwork
    private let make: () -> Machine
    private let afterLoading: @Sendable () -> CoordinatorShard<Machine>.FirstStep
    private var isHurrying = false
    /// How often something was left to another thread.
    private(set) var lateWorks = 0
    /// Whether there is something for a turn to do.
    var isAsked = true
    /// Requests that were taken and are not answered, by number, and since when.
    private var open: [Int: Int64] = [:]
    private var taken = 0
    /// What was found; nil when nothing was.
    private(set) var problem: String?

    init(
        _ log: SimulatedCoordinatorLog, _ network: SimulatedNetwork,
        afterLoading: @escaping @Sendable () -> CoordinatorShard<Machine>.FirstStep = { { _, _ in } },
        _ make: @escaping () -> Machine
    ) throws {
        self.log = log
        self.network = network
        self.make = make
        self.afterLoading = afterLoading
        view = SimulatedLeaderLog(log)
        nonisolated(unsafe) let counter = Counter()
        nonisolated(unsafe) let make = make
        process = try Self.process(0, network, afterLoading) {
            counter.count += 1
            return make()
        }
        self.counter = counter
        lead()
    }

    var partition: CoordinatorPartition<Machine>? { process.runtime.shards[0].partitions[0] }
    var machine: Machine? { partition?.machine }

    // MARK: Life

    /// Machines that were made for a load.
    private final class Counter { var count: Int32 = 0 }
    private let counter: Counter

    private static func process(
        _ number: Int, _ network: SimulatedNetwork,
        _ afterLoading: @escaping @Sendable () -> CoordinatorShard<Machine>.FirstStep,
        _ make: @escaping () -> Machine
    ) throws -> Process {
        let loop = try EventLoop(clock: network.clock, startsThread: false)
        let workers = WorkerPool(name: "none", threads: 1) { _, _ in nil }
        nonisolated(unsafe) let make = make
        let runtime = CoordinatorRuntime<Machine>(
            loops: [loop], workers: workers, clock: network.clock, logger: .silent, makeMachine: { _ in make() },
            afterLoading: afterLoading)
        return Process(number: number, loop: loop, workers: workers, runtime: runtime)
    }

    /// What the log says now.
    func loaded() throws -> Machine {
        var machine = make()
        var problem: String?
        _ = try CoordinatorLoader.load(log, into: &machine) { problem = "\($0): \($1)" }
        if let problem { throw SimulationFailure("a record cannot be read: \(problem)") }
        return machine
    }

    private func lead() {
        leaderEpoch += 1
        process.runtime.lead(view)
        isAsked = true
    }

    /// The process is gone: nobody is answered any more, and what no other broker has is lost.
    func crash() {
        open = [:]
        // What was on its way may come to the log, or not.
        if network.int(0...1) == 0 { view.work() }
        log.isBusy = false
        view.end()
        view.forget()
        log.crash(&network.random)
        stop(process)
        nonisolated(unsafe) let (counter, make) = (counter, make)
        let next = try? Self.process(process.number + 1, network, afterLoading) {
            counter.count += 1
            return make()
        }
        guard let next else { return problem = "there is no other loop" }
        process = next
        begins(process)
        succeed()
    }

    /// Another broker leads for a while: whoever waits is refused, and nothing is lost.
    func resign() {
        process.runtime.resign(0)
        turn()
        if network.int(0...1) == 0 { view.work() }
        log.isBusy = false
        view.end()
        // Whoever comes next waits for that.
        view.work()
        succeed()
    }

    /// At last. What it has done does not count, and what it says is not heard.
    func end() {
        view.end()
        view.forget()
        open = [:]
        stop(process)
    }

    // What is left of it is done, so that nothing holds it.
    private func stop(_ process: Process) {
        process.loop.beginToStop(drainMs: 0)
        process.loop.turn(maxWaitMs: 0)
        process.workers.stop()
    }

    private func succeed() {
        if network.int(0...2) == 0 { compact() }
        upSinceMs = .max
        view = SimulatedLeaderLog(log)
        lead()
    }

    private func compact() {
        guard isCleaned else { return log.compact() }
        do {
            try log.clean(&network.random)
        } catch {
            problem = problem ?? "\(error)"
        }
    }

    /// The log takes nothing for a while.
    func failAppends(_ code: ErrorCode) {
        log.fail(code)
        network.later(Int64(network.int(200...5000))) { [unowned self] in log.fail(nil) }
    }

    /// The end of a turn: what is due is done, and all that was written goes to the log.
    func endTurn() {
        turn()
        life = counter.count
        if partition?.machine == nil {
            upSinceMs = .max
        } else if upSinceMs == .max {
            upSinceMs = network.nowMs
        }
        slowDown()
        let (end, epoch) = (log.endOffset, leaderEpoch)
        guard end > log.keptOffset, !isHurrying else { return }
        isHurrying = true
        network.later(network.chance(2) ? Int64(network.int(1000...4000)) : Int64(network.int(0...150))) {
            [unowned self] in
            isHurrying = false
            guard leaderEpoch == epoch else { return }
            log.keep(to: end)
            view.wake()
        }
    }

    /// All that was asked is done, and what follows from it.
    func turn() {
        repeat {
            isAsked = false
            process.loop.turn(maxWaitMs: 0)
            loadSoon()
        } while isAsked
        if partition?.phase != .active { expectSilence() }
    }

    // Shorter than what it may take until somebody sees who has been silent.
    private func slowDown() {
        guard !log.isBusy, network.chance(6) else { return }
        log.isBusy = true
        let epoch = leaderEpoch
        network.later(Int64(network.int(0...200))) { [unowned self] in if leaderEpoch == epoch { settle() } }
    }

    /// The disk has answered: what was left to another thread is done, and then what has waited for that.
    func settle() {
        log.isBusy = false
        turn()
        while true {
            let works = view.work()
            if works == 0 { return }
            lateWorks += works
            turn()
        }
    }

    private func loadSoon() {
        guard process.workers.queued > 0, !isLoading else { return }
        isLoading = true
        let number = process.number
        network.later(Int64(network.int(0...2000))) { [unowned self] in
            isLoading = false
            isAsked = true
            if process.number == number { _ = process.workers.runNext() }
        }
    }
    private var isLoading = false

    // MARK: Steps

    /// - Parameter answered: called once when the answer leaves the coordinator; never when it dies before.
    func ask<R: Sendable>(
        _ refusal: @escaping @Sendable (ErrorCode) -> R,
        _ body: @escaping (inout Machine, inout Turn, CoordinatorReply<R>) -> Void, _ answered: @escaping (R) -> Void
    ) {
        nonisolated(unsafe) let body = body
        isAsked = true
        process.runtime.submit(to: 0, reply(refusal, answered)) { body(&$0, &$1, $2) }
    }

    /// The same for a step whose records belong to a transaction.
    func ask<R: Sendable>(
        in producer: CoordinatorProducer, _ refusal: @escaping @Sendable (ErrorCode) -> R,
        _ body: @escaping (inout Machine, inout Turn, CoordinatorReply<R>) -> Void, _ answered: @escaping (R) -> Void
    ) {
        nonisolated(unsafe) let body = body
        isAsked = true
        process.runtime.submit(to: 0, in: producer, reply(refusal, answered)) { body(&$0, &$1, $2) }
    }

    /// The end of a transaction.
    func end(_ end: CoordinatorTransactionEnd, _ answered: @escaping (ErrorCode) -> Void) {
        nonisolated(unsafe) let answered = answered
        nonisolated(unsafe) var isOver = false
        let number = process.number
        let once: @Sendable (ErrorCode) -> Void = { [unowned self] code in
            if !isOver && process.number == number { answered(code) }
            isOver = true
        }
        isAsked = true
        process.runtime.endTransaction(end, in: 0, CoordinatorReply<Void>({ once(.none) }, refusal: { once($0) }))
    }

    /// A step that nobody waits for.
    func tell(_ body: @escaping @Sendable (inout Machine, inout Turn) -> Void) {
        isAsked = true
        process.runtime.submitToAll(body)
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
        let (number, process) = (taken, process.number)
        open[number] = network.nowMs
        return CoordinatorReply(
            { [unowned self] response in
                guard self.process.number == process else { return }
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
