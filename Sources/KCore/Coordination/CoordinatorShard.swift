/// The coordinators of one loop.
///
/// `@unchecked Sendable`: all but `loop` and what never changes is touched on the loop only.
final class CoordinatorShard<Machine: CoordinatorMachine>: @unchecked Sendable, TurnTask {
    /// How long a partition whose log refused a record is left alone before it is loaded again; twice as long each time
    /// that this does not help.
    private static var reloadDelayMs: Int64 { 1000 }
    private static var maxReloadDelayMs: Int64 { 60_000 }
    // Damage stays until somebody removes it, and to find it again all in front of it is read.
    private static var damageReloadDelayMs: Int64 { 600_000 }

    /// What a machine does first that has read a log.
    typealias FirstStep = @Sendable (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Void

    let loop: EventLoop
    private let workers: WorkerPool
    private let clock: any Clock
    private let logger: Logger
    private let makeMachine: @Sendable (_ partition: Int32) -> Machine
    private let afterLoading: @Sendable () -> FirstStep
    /// Those that this broker leads. Only on the loop.
    private(set) var partitions: [Int32: CoordinatorPartition<Machine>] = [:]
    private var timers: [Int32: (deadlineMs: Int64, handle: TimerHandle)] = [:]
    private var touched: Set<Int32> = []
    // Partitions that wait for their high watermark to move, each by the number of its last watch.
    private var watching: [Int32: Int] = [:]
    private var watches = 0
    // Partitions that wait for their log to be flushed, and up to where.
    private var flushing: [Int32: Int64] = [:]
    // What other threads do for partitions, those that were given up included, by number.
    private var late: [Int: (index: Int32, partition: CoordinatorPartition<Machine>)] = [:]
    private var lateWorks = 0
    // Partitions that are loaded as soon as nothing is on its way to their logs any more.
    private var loadsLater: Set<Int32> = []
    // The load that a partition waits for: one for a log that was given up since is another.
    private var loading: [Int32: CoordinatorLoad] = [:]
    // What a partition does first when it is loaded, as that was when its log first began to be read, until it is kept.
    private var firstSteps: [Int32: FirstStep] = [:]
    // What partitions have yet to do that were not loaded, or whose log did not take it.
    private var owed: [Int32: [@Sendable (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Void]] = [:]

    init(
        loop: EventLoop, workers: WorkerPool, clock: any Clock, logger: Logger,
        makeMachine: @escaping @Sendable (_ partition: Int32) -> Machine,
        afterLoading: @escaping @Sendable () -> FirstStep
    ) {
        self.loop = loop
        self.workers = workers
        self.clock = clock
        self.logger = logger
        self.makeMachine = makeMachine
        self.afterLoading = afterLoading
    }

    // MARK: Leadership

    func lead(_ log: any CoordinatorLog) {
        let index = log.topicPartition.partition
        if let known = partitions[index] {
            guard known.log as AnyObject !== log as AnyObject else { return }
            resign(index, .notCoordinator)
        }
        let partition = CoordinatorPartition<Machine>(log: log, clock: clock)
        partitions[index] = partition
        load(partition)
    }

    func resign(_ index: Int32, _ code: ErrorCode) {
        guard let partition = partitions.removeValue(forKey: index) else { return }
        partition.flush()
        partition.fail(code)
        timers.removeValue(forKey: index)?.handle.cancel()
        // Its log may never move again.
        watching[index] = nil
        flushing[index] = nil
        owed[index] = nil
        firstSteps[index] = nil
        loading.removeValue(forKey: index)?.giveUp()
        loadsLater.remove(index)
    }

    func stop() {
        for index in partitions.keys { resign(index, .notCoordinator) }
    }

    // MARK: Loading

    private func load(_ partition: CoordinatorPartition<Machine>) {
        let log = partition.log
        let index = log.topicPartition.partition
        loading.removeValue(forKey: index)?.giveUp()
        if late.values.contains(where: { $0.partition.log.storage == log.storage }) {
            // It would miss what comes then.
            loadsLater.insert(index)
            return
        }
        flushing[index] = nil
        let number = partition.beginLoading()
        if log.startOffset == log.endOffset {
            // Most are: nothing to wait for.
            owed[index] = nil
            firstSteps[index] = nil
            partition.loaded(number, makeMachine(index), nextOffset: log.endOffset)
            return touch(index)
        }
        let load = CoordinatorLoad()
        loading[index] = load
        if firstSteps[index] == nil { firstSteps[index] = afterLoading() }
        log.runReading(workers) { [self, makeMachine, logger] in
            guard load.isWanted else { return }
            var machine = makeMachine(index)
            let begunMs = clock.monotonicMs
            do throws(LogError) {
                let end = try CoordinatorLoader.load(log, into: &machine, for: load) { offset, reason in
                    logger.warning(
                        "a record cannot be read and is skipped",
                        ["partition": log.topicPartition, "offset": offset, "reason": reason])
                }
                guard load.isWanted else { return }
                logger.info(
                    "coordinator loaded",
                    ["partition": log.topicPartition, "end": end, "ms": clock.monotonicMs - begunMs])
                let loaded = machine
                loop.execute { self.loaded(index, load, number, loaded, end) }
            } catch {
                guard load.isWanted else { return }
                logger.error(
                    "a coordinator cannot be loaded: \(error.message)" + CoordinatorLoader.remedy(error),
                    ["partition": log.topicPartition])
                loop.execute {
                    guard self.loading[index] === load else { return }
                    _ = self.run(index) { $0.loadFailed(number, lasts: error.code == .corruptMessage) }
                }
            }
        }
    }

    private func loaded(_ index: Int32, _ load: CoordinatorLoad, _ number: Int, _ machine: Machine, _ end: Int64) {
        guard loading[index] === load, let partition = partitions[index] else { return }
        loading[index] = nil
        partition.loaded(number, machine, nextOffset: end)
        if let firstStep = firstSteps[index] {
            partition.perform { machine, turn in
                firstStep(&machine, &turn)
                turn.whenKept { [self] in firstSteps[index] = nil }
            } refused: {
            }
        }
        for body in owed.removeValue(forKey: index) ?? [] { demand(body, of: index) }
        touch(index)
    }

    // MARK: Steps

    /// - Returns: false when this broker does not coordinate the partition.
    func run(_ index: Int32, _ body: (CoordinatorPartition<Machine>) -> Void) -> Bool {
        guard let partition = partitions[index] else { return false }
        body(partition)
        touch(index)
        return true
    }

    func gather<Answer: Sendable>(
        _ body: (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Answer,
        _ completion: @escaping @Sendable (_ answers: [Answer], _ isLoading: Bool, _ hasFailed: Bool) -> Void
    ) {
        var answers: [Answer] = []
        var isLoading = false
        var hasFailed = false
        for index in partitions.keys.sorted() {
            guard let partition = partitions[index] else { continue }
            guard let answer = partition.ask(body) else {
                isLoading = isLoading || partition.phase == .loading
                hasFailed = hasFailed || partition.phase == .failed
                continue
            }
            answers.append(answer)
            touch(index)
        }
        completion(answers, isLoading, hasFailed)
    }

    func runInAll(_ body: @escaping @Sendable (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Void) {
        for index in partitions.keys.sorted() {
            demand(body, of: index)
            touch(index)
        }
    }

    /// Has a step made that a partition owes until what it writes is kept: the machine that comes after a failure makes it
    /// again, before anything else.
    private func demand(
        _ body: @escaping @Sendable (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Void, of index: Int32
    ) {
        let owe = { @Sendable [self] in owed[index, default: []].append(body) }
        guard let partition = partitions[index] else { return owe() }
        partition.perform { machine, turn in
            body(&machine, &turn)
            turn.whenKept({}, refused: { _ in owe() })
        } refused: {
            owe()
        }
    }

    private func touch(_ index: Int32) {
        if touched.isEmpty { loop.atEndOfTurn(self) }
        touched.insert(index)
    }

    /// Everything that the turn wrote goes to the logs now.
    func runAtEndOfTurn() {
        let indexes = touched
        touched.removeAll(keepingCapacity: true)
        for index in indexes {
            guard let partition = partitions[index] else { continue }
            partition.flush()
            afterFlush(index, partition)
        }
    }

    private func afterFlush(_ index: Int32, _ partition: CoordinatorPartition<Machine>) {
        if let work = partition.takeLateWork() { start(work, index, partition) }
        if partition.phase == .failed { return reloadLater(index, partition) }
        guard partition.phase == .active else { return }
        if let mark = partition.awaitedFrom { waitForHighWatermark(index, partition, from: mark) }
        if let offset = partition.awaitedFlush { waitForFlush(index, partition, to: offset) }
        // Nothing is due before that has come back.
        if partition.isLate { return }
        let next = partition.machine?.nextTickMs
        guard timers[index]?.deadlineMs != next else { return }
        timers.removeValue(forKey: index)?.handle.cancel()
        guard let next else { return }
        let handle = loop.schedule(afterMs: next - loop.nowMs) { [self] in
            timers[index] = nil
            _ = run(index) { $0.tick() }
        }
        timers[index] = (next, handle)
    }

    private func start(_ work: CoordinatorLateWork, _ index: Int32, _ partition: CoordinatorPartition<Machine>) {
        lateWorks += 1
        let number = lateWorks
        late[number] = (index, partition)
        work.log.runLate { [self, loop] in
            let result = work.run()
            loop.execute { self.finish(number, result) }
        }
    }

    private func finish(_ number: Int, _ result: Result<CoordinatorAppended, LogError>) {
        guard let (index, partition) = late.removeValue(forKey: number) else { return }
        partition.finishLateWork(result)
        if partitions[index] === partition { touch(index) }
        guard loadsLater.remove(index) != nil, let next = partitions[index] else { return }
        load(next)
    }

    // From the one that held the answer back: it may have moved since.
    private func waitForHighWatermark(_ index: Int32, _ partition: CoordinatorPartition<Machine>, from mark: Int64) {
        guard watching[index] == nil else { return }
        watches += 1
        let number = watches
        watching[index] = number
        partition.log.whenHighWatermarkMoves(from: mark) { [self, loop] in
            loop.execute {
                guard self.watching[index] == number else { return }
                self.watching[index] = nil
                _ = self.run(index) { $0.release() }
            }
        }
    }

    private func waitForFlush(_ index: Int32, _ partition: CoordinatorPartition<Machine>, to offset: Int64) {
        guard flushing[index] != offset else { return }
        flushing[index] = offset
        let number = partition.loadNumber
        let log = partition.log.storage
        partition.log.whenFlushed(to: offset) { [self, loop] error in
            loop.execute {
                guard self.flushing[index] == offset, let partition = self.partitions[index],
                    partition.loadNumber == number, partition.log.storage == log
                else { return }
                self.flushing[index] = nil
                _ = self.run(index) { partition in
                    if let error { partition.flushFailed(error) } else { partition.release() }
                }
            }
        }
    }

    private func reloadLater(_ index: Int32, _ partition: CoordinatorPartition<Machine>) {
        if loadsLater.contains(index) { return }
        if let timer = timers[index] {
            guard timer.deadlineMs != .max else { return }
            timer.handle.cancel()
        }
        let delayMs =
            partition.failureLasts
            ? Self.damageReloadDelayMs
            : min(Self.reloadDelayMs << Int64(min(partition.failures, 10)), Self.maxReloadDelayMs)
        logger.warning(
            "the coordinator will start anew from its log"
                + (partition.failure.isEmpty ? "" : ": \(partition.failure)"),
            ["partition": partition.log.topicPartition, "afterMs": delayMs])
        let handle = loop.schedule(afterMs: delayMs) { [self] in
            timers[index] = nil
            if let partition = partitions[index], partition.phase == .failed { load(partition) }
        }
        timers[index] = (.max, handle)
    }
}
