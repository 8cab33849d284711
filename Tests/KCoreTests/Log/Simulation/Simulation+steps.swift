import Synchronization

@testable import KCore

extension Simulation {
    func perform(_ step: SimulationPlan.Step) throws {
        var random = SimulatedDisk.Random(seed: step.seed)
        tell("  \(step.kind.rawValue)")
        interruptSometimes(&random)
        refusals = disk.state.withLock { $0.harmlessErrors }
        defer { disk.interruption.withLock { $0 = nil } }
        try act(step.kind, &random)
        try interruptionFailure.map { throw $0 }
        clock.advance(ms: Int64(random.int(0...50)))
        if !disk.isDead { try lookAround() }
    }

    func act(_ kind: SimulationPlan.Kind, _ random: inout SimulatedDisk.Random) throws {
        switch kind {
        case .tick:
            clock.advance(ms: Int64(random.int(1...60_000)))
            manager?.tick()
            // What is due becomes durable sooner or later; here, now.
            try runJobs(random.int(0...8))
        case .runJobs: try runJobs(random.int(1...8))
        case .checkpoint: checkpoint()
        case .createLog: try createLog(&random)
        case .createSeveral: try createSeveral(&random)
        case .refuse: refuse(&random)
        case .fillDisk:
            isFull = true
            disk.setRoom(random.int(0...1500))
        case .freeDisk:
            isFull = false
            disk.setRoom(nil)
        case .failDisk: failDisk(&random)
        default:
            guard let partition = random.pick(partitions) else { return try createLog(&random) }
            guard let log = log(partition), !log.isOffline, models[partition]?.isUncertain == false else { return }
            tell("    \(partition): \(log.logStartOffset) to \(log.logEndOffset)")
            try act(kind, log, partition, &random)
        }
    }

    func act(
        _ kind: SimulationPlan.Kind, _ log: Log, _ partition: TopicPartition, _ random: inout SimulatedDisk.Random
    ) throws {
        switch kind {
        case .append, .appendSeveral, .appendIdempotent, .appendReplicated, .resend, .beginTransaction,
            .endTransaction:
            try append(kind, log, &random)
        case .flush: try flush(log)
        case .rollByTime:
            clock.advance(ms: Int64(random.int(1...400_000)))
            try excusing(log, leaves: .whole) { try log.rollIfNeeded() }
        case .retain: try retain(log, &random)
        case .deleteRecords:
            let offset = Int64.random(in: log.logStartOffset...log.highWatermark, using: &random)
            models[partition]?.mayAdvance(to: offset)
            if try excusing(log, leaves: .whole, { try log.advanceStartOffset(to: offset) }) {
                models[partition]?.didAdvance(to: offset)
            }
            try noticeRetention()
        case .truncate: try truncate(log, &random)
        case .truncateFully: try truncateFully(log, &random)
        case .clean: try clean(log, &random)
        case .read: try check(log, mustBe: .clean)
        case .deleteLog: try deleteLog(partition)
        case .recreateLog:
            try deleteLog(partition)
            if models[partition] == nil { try createLog(partition, &random) }
        case .changeConfig: changeConfig(partition.topic, &random)
        case .raiseEpoch: models[partition]?.leaderEpoch += Int32(random.int(1...2))
        default: break
        }
    }

    // MARK: Errors

    /// Whether the disk has refused something in this step for a reason that passes, other than for want of room.
    var wasRefused: Bool { disk.state.withLock { $0.harmlessErrors } > refusals }
    var isShort: Bool { isFull || wasRefused }

    /// Whether the log may fail: its disk does, or is full.
    func mayFail(_ log: Log) -> Bool { isShort || failedDirectories.contains(directory(of: log)) }

    /// What something leaves that failed for a reason that passes.
    enum Remains {
        /// All that there was.
        case whole
        /// Nobody knows how far it got.
        case unknown
    }

    /// Does something that may fail only where the disk does, or power.
    /// - Returns: whether it was done.
    @discardableResult
    func excusing(_ log: Log, leaves remains: Remains = .unknown, _ body: () throws -> Void) throws -> Bool {
        do {
            try body()
            return !disk.isDead
        } catch let error as LogError {
            tell("    fails: \(error)")
            if disk.isDead { return false }
            guard mayFail(log) else { throw SimulationFailure("\(log.topicPartition): \(error)") }
            if error.isTransient && !log.isOffline && remains == .whole { return false }
            models[log.topicPartition]?.isUncertain = true
            return false
        }
    }

    /// What must hold between any two steps.
    private func lookAround() throws {
        guard let manager else { return }
        for directory in manager.describeDirectories() where directory.error != nil {
            guard failedDirectories.contains(directory.path) else {
                throw SimulationFailure("\(directory.path) is offline: \(directory.error ?? "")")
            }
        }
        for log in partitions.compactMap({ log($0) }) where !log.isOffline {
            models[log.topicPartition]?.notice(log)
            guard let model = models[log.topicPartition], !model.isUncertain else { continue }
            let found = (log.logStartOffset, log.logEndOffset)
            guard found == (model.startOffset, model.endOffset) else {
                throw SimulationFailure(
                    "\(log.topicPartition) is from \(found.0) to \(found.1) and must be from "
                        + "\(model.startOffset) to \(model.endOffset)")
            }
            models[log.topicPartition]?.allowedStart = model.startOffset
        }
    }

    // MARK: The manager's

    private func runJobs(_ count: Int) throws {
        for _ in 0..<count {
            if disk.isDead { return }
            guard let job = jobs.take() else { return }
            for partition in partitions { models[partition]?.willRetain(log(partition)) }
            isRetaining = true
            job()
            isRetaining = false
            try noticeRetention()
        }
    }

    private func checkpoint() {
        manager?.checkpointAll()
        if disk.isDead || isShort { return }
        for log in partitions.compactMap({ log($0) }) where !failedDirectories.contains(directory(of: log)) {
            // No start is written that is not on stable storage. What is being cut off has none.
            guard log.recoveryPoint >= log.logStartOffset, let model = models[log.topicPartition],
                model.truncation == nil, model.restart == nil
            else { continue }
            models[log.topicPartition]?.promisedStart = log.logStartOffset
        }
    }

    private func failDisk(_ random: inout SimulatedDisk.Random) {
        // Once in a while is enough: the directory does nothing from then on.
        guard random.oneIn(2), let directory = random.pick(directories) else { return }
        let operation: DiskError.Operation =
            random.pick([.write, .sync, .sync, .sync, .sync, .read, .truncate, .rename]) ?? .sync
        tell("    \(operation.rawValue) will fail in \(directory)")
        failedDirectories.insert(directory)
        disk.inject(
            InjectedError(
                operation: operation, part: directory + "/", code: 5, skip: random.int(0...5),
                times: random.oneIn(2) ? 1 : .max))
    }

    /// For a while there is too much open, or no room for a name.
    private func refuse(_ random: inout SimulatedDisk.Random) {
        let operation: DiskError.Operation =
            random.pick([.open, .open, .open, .rename, .rename, .rename, .createDirectory, .list]) ?? .open
        let isName = operation == .rename || operation == .createDirectory
        // Of a kind of file that is only seldom touched, too.
        let part = random.pick(["", "", "-checkpoint", ".log"]) ?? ""
        tell("    \(operation.rawValue) \(part) will be refused")
        disk.inject(
            InjectedError(
                operation: operation, part: part, code: isName ? 28 : 24, skip: random.int(0...4),
                times: random.int(1...4)))
    }

    private func createLog(_ random: inout SimulatedDisk.Random) throws {
        let topics = plan.isCompaction ? ["both", "keyed"] : configs.keys.sorted()
        let topic = random.pick(topics) ?? "deleting"
        let partition = TopicPartition(topic: topic, partition: Int32(random.int(0...(plan.isCompaction ? 0 : 2))))
        if models[partition] == nil { try createLog(partition, &random) }
    }

    private func createLog(_ partition: TopicPartition, _ random: inout SimulatedDisk.Random) throws {
        guard let manager, manager.describeDirectories().contains(where: { $0.error == nil }) else { return }
        let id = Uuid(high: random.next(), low: random.next())
        var model = LogModel(partition, topicId: id, config: configs[partition.topic] ?? LogConfig())
        model.mayBeMissing = true
        models[partition] = model
        try create(partition, id)
    }

    private func create(_ partition: TopicPartition, _ id: Uuid) throws {
        guard let manager, let config = models[partition]?.config else { return }
        do {
            let log = try manager.createLog(partition, topicId: id, config: config)
            tell("    \(log.directoryPath) is made")
            if disk.isDead { return }
            guard log.logEndOffset == models[partition]?.endOffset, log.topicId == id else {
                throw SimulationFailure("\(partition) is new, and ends at \(log.logEndOffset)")
            }
            models[partition]?.mayBeMissing = failedDirectories.contains(directory(of: log))
        } catch let error as LogError {
            tell("    fails: \(error)")
            if disk.isDead { return }
            guard isShort || !failedDirectories.isEmpty else { throw SimulationFailure("\(partition): \(error)") }
            models[partition]?.isUncertain = true
        }
    }

    private func createSeveral(_ random: inout SimulatedDisk.Random) throws {
        guard let manager else { return }
        let topic = random.pick(configs.keys.sorted()) ?? "deleting"
        let missing = (Int32(0)..<3).map { TopicPartition(topic: topic, partition: $0) }.filter { models[$0] == nil }
        let id = Uuid(high: random.next(), low: random.next())
        for partition in missing {
            models[partition] = LogModel(partition, topicId: id, config: configs[topic] ?? LogConfig())
            models[partition]?.mayBeMissing = true
        }
        manager.createLogs(missing, topicId: id, config: configs[topic] ?? LogConfig())
        if disk.isDead { return }
        for partition in missing { try create(partition, id) }
    }

    private func deleteLog(_ partition: TopicPartition) throws {
        guard let log = log(partition) else { return }
        models[partition]?.mayBeMissing = true
        do {
            try manager?.deleteLog(partition)
            if disk.isDead { return }
            models[partition] = nil
        } catch {
            tell("    fails: \(error)")
            guard disk.isDead || mayFail(log) else { throw SimulationFailure("\(partition): \(error)") }
            models[partition]?.isUncertain = true
            models[partition]?.isUnwanted = true
        }
    }

    private func changeConfig(_ topic: String, _ random: inout SimulatedDisk.Random) {
        guard var config = configs[topic] else { return }
        config.segmentBytes = random.int(1500...5000)
        config.indexIntervalBytes = random.int(1...700)
        config.retentionBytes = random.oneIn(2) ? -1 : Int64(random.int(0...6000))
        config.flushMessages = random.oneIn(2) ? .max : Int64(random.int(1...5))
        configs[topic] = config
        for partition in partitions where partition.topic == topic { models[partition]?.config = config }
        manager?.updateConfig(topic: topic, config)
    }
}
