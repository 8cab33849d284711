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
            $0 = { [unowned self] operation, path in
                guard !isNested, interruptionFailure == nil, operation == .sync || operation == .rename else { return }
                var random = generator.withLock { $0.fork() }
                guard random.oneIn(4) else { return }
                interrupt(operation, path, &random)
            }
        }
    }

    private func interrupt(_ operation: DiskError.Operation, _ path: String, _ random: inout SimulatedDisk.Random) {
        // The name of a directory changes under a lock that appends need.
        if operation == .rename && !path.contains("/0000") { return }
        guard let partition = random.pick(partitions), let log = log(partition), !log.isOffline,
            let model = models[partition], !model.isUncertain, model.truncation == nil, log.isIdle
        else { return }
        isNested = true
        defer { isNested = false }
        tell("      meanwhile, at \(operation.rawValue) \(path):")
        do {
            try noticeRetention()
            let kind: SimulationPlan.Kind =
                random.pick([.append, .appendIdempotent, .appendReplicated, .read]) ?? .read
            if kind == .read {
                try check(log, mustBe: .clean)
            } else {
                try append(kind, log, &random)
            }
        } catch let error as SimulationFailure {
            interruptionFailure = error
        } catch {
            interruptionFailure = SimulationFailure("\(error)")
        }
    }
}

extension Log {
    /// Whether nobody holds what an append needs.
    fileprivate var isIdle: Bool { writer.withLockIfAvailable { !$0.isClosed } ?? false }
}
