import Synchronization

@testable import KCore

/// Runs a plan: a broker's log directories live, end and come back, and what they hold is compared with a model.
///
/// `@unchecked Sendable`: one thread runs it; what the disk and the manager are handed comes back on that thread.
final class Simulation: @unchecked Sendable {
    /// How much of what was acknowledged must be there after an end.
    enum Level: Int, Comparable {
        /// All of it, as it was.
        case clean
        /// All of it; of what was going on, a part.
        case process
        /// What had been flushed.
        case power

        static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    /// Background work, which runs when the simulation says so.
    final class Jobs: Sendable {
        typealias Job = @Sendable () -> Void
        private let waiting = Mutex<[Job]>([])

        func add(_ job: @escaping Job) { waiting.withLock { $0.append(job) } }
        func take() -> Job? { waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
        func removeAll() { waiting.withLock { $0 = [] } }
    }

    let plan: SimulationPlan
    let disk = SimulatedDisk()
    let clock = ManualClock()
    var jobs = Jobs()
    var directories: [String] = []
    var configs: [String: LogConfig] = [:]
    var models: [TopicPartition: LogModel] = [:]
    var manager: LogManager?
    /// Directories whose disk was told to fail in this life, or in one that nobody has looked at since.
    var failedDirectories: Set<String> = []
    /// What has happened since somebody last looked.
    var level = Level.clean
    var isFull = false
    /// Errors after which everything can go on that the disk had answered when the step began.
    var refusals = 0
    var isNested = false
    /// Segments may go just now, up to where the log has got meanwhile.
    var isRetaining = false
    /// What went wrong in a step that ran in the middle of another.
    var interruptionFailure: SimulationFailure?
    var nextId = 0
    /// Drawn from between steps.
    var random: SimulatedDisk.Random
    /// Lines that tell what happened; nil when nobody wants to know.
    var trace: [String]?

    init(_ plan: SimulationPlan, bug: PlantedBug? = nil, isTracing: Bool = false) {
        self.plan = plan
        random = SimulatedDisk.Random(seed: plan.worldSeed)
        trace = isTracing ? [] : nil
        disk.plant(bug)
        if isTracing {
            disk.state.withLock {
                $0.trace = { [unowned self] line in self.tell("      disk: " + Simulation.known(line)) }
            }
        }
        makeWorld()
    }

    // The names of deleted directories are drawn by the system.
    private static func known(_ line: String) -> String {
        guard let mark = line.firstRange(of: LogDirectoryName.deleteSuffix) else { return line }
        return line[..<mark.lowerBound].dropLast(32) + "*" + line[mark.lowerBound...]
    }

    func tell(_ line: @autoclosure () -> String) {
        if trace != nil { trace?.append(line()) }
    }

    // MARK: Set-up

    private func makeWorld() {
        directories = (0..<random.int(1...3)).map { "/data\($0)" }
        for topic in ["deleting", "keyed", "both"] {
            var config = LogConfig()
            config.segmentBytes = random.int(1500...5000)
            config.indexIntervalBytes = random.int(1...700)
            config.segmentIndexBytes = random.oneIn(4) ? 48 : 10 << 20
            if random.oneIn(3) { config.flushMessages = Int64(random.int(1...12)) }
            if random.oneIn(3) { config.flushMs = Int64(random.int(1...20_000)) }
            if random.oneIn(2) { config.retentionBytes = Int64(random.int(0...6000)) }
            config.retentionMs = random.oneIn(2) ? -1 : Int64(random.int(1...600_000))
            config.segmentMs = Int64(random.int(10_000...1_000_000))
            if random.oneIn(4) { config.compression = .codec(.lz4) }
            if random.oneIn(6) { config.messageTimestampType = .logAppendTime }
            config.fileDeleteDelayMs = Int64(random.int(0...60_000))
            config.minCleanableDirtyRatio = 0.01
            config.deleteRetentionMs = Int64(random.int(0...100_000))
            if plan.isCompaction {
                config.segmentBytes = random.int(400...1500)
                config.retentionMs = -1
            }
            switch topic {
            case "keyed": config.cleanupPolicy = .compact
            case "both": config.cleanupPolicy = [.compact, .delete]
            default: break
            }
            configs[topic] = config
        }
    }

    /// Whether no file need be closed to open another.
    var hasManyFiles: Bool { plan.worldSeed % 2 == 0 }

    /// With few keys nearly all is replaced soon, with many nearly nothing, so that every segment would be missed.
    var lastKey: Int { plan.worldSeed % 3 == 0 ? 5 : 50 }

    /// Partitions that there are, in order.
    var partitions: [TopicPartition] { models.keys.sorted() }

    func log(_ partition: TopicPartition) -> Log? { manager?.log(for: partition) }

    func directory(of log: Log) -> String { parentDirectory(log.directoryPath) }

    // MARK: Lives

    func run() throws {
        for (index, life) in plan.lives.enumerated() {
            tell("life \(index), which ends with \(life.end.rawValue)")
            try live(life)
        }
        tell("the last start")
        if plan.endsInCorruption { return try endInCorruption() }
        if try start() { try checkAll() }
    }

    private func live(_ life: SimulationPlan.Life) throws {
        random = SimulatedDisk.Random(seed: life.seed)
        disk.state.withLock { $0.random = random.fork() }
        if let crash = life.crash, crash.step < 0 { disk.failAfter(crash.change) }
        let isUp = try start()
        disk.failAfter(nil, unlessDead: true)
        if isUp {
            try checkAll()
            try runSteps(life)
        }
        try end(life)
    }

    private func runSteps(_ life: SimulationPlan.Life) throws {
        for (index, step) in life.steps.enumerated() {
            if let crash = life.crash, crash.step == index {
                tell("  the end comes \(crash.change) changes into\(crash.swap.map { " swap \($0) of" } ?? ""):")
                disk.failAfter(crash)
            }
            try perform(step)
            if disk.isDead || life.crash?.step == index { return }
        }
    }

    private func end(_ life: SimulationPlan.Life) throws {
        var reached = life.end == .powerLoss ? Level.power : .process
        if life.end == .cleanStop && !disk.isDead {
            disk.setRoom(nil)
            isFull = false
            disk.state.withLock { $0.clearHarmlessErrors() }
            if let crash = life.crash, crash.step >= 0 { disk.failAfter(crash.change) }
            if try stop() {
                reached = .clean
            } else {
                reached = .power
            }
        }
        manager = nil
        jobs = Jobs()
        level = max(level, reached)
        if reached == .power {
            tell("  power is lost")
            disk.crash(&random)
        } else {
            tell(reached == .clean ? "  stopped" : "  the process is gone")
            disk.restart()
        }
        disk.setRoom(nil)
        isFull = false
        if let meddling = life.meddling { meddle(meddling) }
    }

    /// - Returns: whether the broker got through to the end of its stop.
    private func stop() throws -> Bool {
        tell("  stop")
        guard let manager else { return false }
        let logs = partitions.compactMap { log($0) }
        manager.shutdown()
        if disk.isDead { return false }
        for log in logs where !log.isOffline && !failedDirectories.contains(directory(of: log)) {
            if models[log.topicPartition]?.isUncertain == true { continue }
            models[log.topicPartition]?.didFlush(log)
        }
        return true
    }

    /// - Returns: whether the broker is up; not when power failed meanwhile.
    func start() throws -> Bool {
        var options = LogManagerOptions(directories: directories)
        options.recoveryThreads = 0
        options.closingThreads = 0
        options.maxOpenFiles = hasManyFiles ? 1000 : 24
        options.checkpointIntervalMs = 20_000
        options.retentionCheckIntervalMs = 30_000
        options.producerIdExpirationCheckIntervalMs = 30_000
        // What waits here waits for its turn, not for a disk.
        options.silentMs = .max
        let configs = configs
        do {
            let manager = try LogManager(
                options, disk: disk, clock: clock, background: { [jobs] job in jobs.add(job) })
            manager.load(configFor: { configs[$0] ?? LogConfig() })
            self.manager = manager
        } catch {
            if disk.isDead { return false }
            throw SimulationFailure("the log directories cannot be opened: \(error)")
        }
        return !disk.isDead
    }
}

extension SimulatedDisk {
    /// Everything fails from there on.
    fileprivate func failAfter(_ crash: SimulationPlan.Crash) {
        guard let swap = crash.swap else { return failAfter(crash.change) }
        state.withLock { $0.failingSwap = (swap, crash.change) }
    }

    /// As ``failAfter(_:)``, unless the moment has come already.
    func failAfter(_ operations: Int?, unlessDead: Bool) {
        state.withLock { if !($0.isDead && unlessDead) { $0.operationsLeft = operations } }
    }
}
