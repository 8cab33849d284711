import Synchronization

@testable import KCore

/// What happens in the middle of something else: at a change of the disk that is made without a lock of the log, another
/// step runs to its end, as another thread could.
extension Simulation {
    func interruptSometimes(_ random: inout SimulatedDisk.Random) {
        interruptionFailure = nil
        guard random.oneIn(3) else { return }
        let generator = Mutex(random.fork())
        disk.interruption.withLock {
            $0 = SimulatedDisk.Interruption { [unowned self] operation, path in
                guard !isNested, interruptionFailure == nil, operation == .sync || operation == .rename else { return }
                var random = generator.withLock { $0.fork() }
                guard random.oneIn(4) else { return }
                interrupt(operation, path, &random)
            }
        }
    }

    // The name of a directory changes under a lock that appends need, that of a swapped file under one of readers, that of
    // any file under one of who has to close it to open another.
    private func mayInterruptRename(_ path: String) -> Bool {
        hasManyFiles && path.contains("/0000") && !path.hasSuffix(SegmentFileStage.swap.suffix)
    }

    /// What concerns more than one log.
    private func manage(_ log: Log, _ partition: TopicPartition, _ random: inout SimulatedDisk.Random) throws {
        guard let manager, manager.directories.allSatisfy(\.isAtRest) else { return }
        let isCleaning = disk.state.withLock { $0.isCleaning }
        // A job may be of a log that is deleted, and is flushed just now.
        let areAllAtRest = manager.logs.allSatisfy(\.isAtRest)
        let kinds: [SimulationPlan.Kind] =
            [.flush, .checkpoint, .createLog, .deleteLog]
            + (isCleaning ? (areAllAtRest ? [.runJobs] : []) : [.clean])
        let kind = random.pick(kinds) ?? .flush
        tell("        \(kind.rawValue)")
        switch kind {
        case .checkpoint, .createLog, .runJobs: try act(kind, &random)
        default: try act(kind, log, partition, &random)
        }
    }

    private func interrupt(_ operation: DiskError.Operation, _ path: String, _ random: inout SimulatedDisk.Random) {
        if operation == .rename && !mayInterruptRename(path) { return }
        guard let partition = random.pick(partitions), let log = log(partition), !log.isOffline,
            let model = models[partition], !model.isUncertain, model.truncation == nil, log.isIdle
        else { return }
        isNested = true
        defer { isNested = false }
        tell("      meanwhile, at \(operation.rawValue) \(path):")
        do {
            try noticeRetention()
            // While a segment is cleaned no lock is held, and none of the directory's while a segment is synced.
            let mayRearrange = operation == .sync && path.contains("/0000") && log.isAtRest
            if mayRearrange && random.oneIn(3) { return try manage(log, partition, &random) }
            let kinds: [SimulationPlan.Kind] =
                mayRearrange && random.oneIn(2)
                ? [.truncate, .deleteRecords, .retain, .rollByTime, .truncateFully]
                : [.append, .appendIdempotent, .appendReplicated, .read]
            try act(random.pick(kinds) ?? .read, log, partition, &random)
            if isRetaining { models[partition]?.willRetain(log) }
        } catch let error as SimulationFailure {
            interruptionFailure = error
        } catch {
            interruptionFailure = SimulationFailure("\(error)")
        }
    }
}

extension LogDirectory {
    /// Whether nobody makes logs or writes checkpoints here.
    fileprivate var isAtRest: Bool {
        making.withLockIfAvailable { _ in true } != nil && checkpointing.withLockIfAvailable { _ in true } != nil
    }
}

extension Log {
    /// Whether nobody holds what an append needs.
    fileprivate var isIdle: Bool { writer.withLockIfAvailable { !$0.isClosed } ?? false }

    /// Whether nobody holds what a truncation needs, either.
    fileprivate var isAtRest: Bool {
        rearranging.withLockIfAvailable { _ in true } != nil && flushing.withLockIfAvailable { _ in true } != nil
    }
}
