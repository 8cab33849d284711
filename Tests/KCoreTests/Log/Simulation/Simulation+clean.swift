import Synchronization

@testable import KCore

/// Compaction, as a step.
extension Simulation {
    func clean(_ log: Log, _ random: inout SimulatedDisk.Random) throws {
        guard let manager, log.config.cleanupPolicy.contains(.compact) else { return }
        let partition = log.topicPartition
        // Memory for some keys, or for all.
        let map = OffsetMap(
            maxBytes: random.oneIn(4) ? 24 * random.int(2...6) : 1 << 16, loadFactor: 0.9, hash: KeyHash(seed: (1, 2)))
        var batchesLeft = random.oneIn(6) ? random.int(0...20) : .max
        clock.advance(ms: Int64(random.int(0...50_000)))
        let limit = log.published.withLock { $0.segments.last?.baseOffset ?? 0 }
        models[partition]?.willClean(upTo: limit, nowMs: clock.wallMs)
        disk.state.withLock { $0.isCleaning = true }
        let isHurried = mustHurry(partition)
        if isHurried { clock.advance(ms: PlantedBug.hurryMs) }
        let result = manager.cleaner.cleanNext(among: [log], map: map) { _ in
            batchesLeft -= 1
            return batchesLeft >= 0
        }
        if isHurried { clock.advance(ms: -PlantedBug.hurryMs) }
        disk.state.withLock { $0.isCleaning = false }
        if disk.isDead { return }
        if let result {
            tell(
                "    cleaned from \(result.firstDirtyOffset) to \(result.endOffset)\(result.isPartial ? ", in part" : "")"
            )
        }
        if let error = manager.cleanerStatus.uncleanable[partition] {
            if failedDirectories.contains(directory(of: log)) { return }
            throw SimulationFailure("\(partition) cannot be cleaned: \(error)")
        }
        try look(log, cleanedTo: result?.endOffset)
    }

    /// Whether a mistake has the cleaner's clock be ahead: where nothing goes too early but what it is about.
    private func mustHurry(_ partition: TopicPartition) -> Bool {
        guard let model = models[partition] else { return false }
        let waiting = model.live.filter { model.cleaning.horizons[$0.baseOffset] != nil }
        return switch disk.state.withLock({ $0.bug }) {
        case .dropsTombstonesEarly: waiting.contains { !$0.header.isControl }
        case .dropsMarkersEarly: !waiting.isEmpty && waiting.allSatisfy(\.header.isControl)
        default: false
        }
    }

    /// What is there after a cleaning, finished or not, is what there is.
    private func look(_ log: Log, cleanedTo limit: Int64?) throws {
        let partition = log.topicPartition
        guard self.log(partition) === log, !log.isOffline, let model = models[partition], !model.isUncertain,
            model.truncation == nil, !failedDirectories.contains(directory(of: log))
        else { return }
        // What is looked at can be read.
        disk.state.withLock { $0.clearHarmlessErrors() }
        // A segment that was removed meanwhile.
        try noticeRetention()
        try check(log, mustBe: .clean)
        guard let model = models[partition] else { return }
        let checker = try LogChecker(log, model)
        do {
            if let limit { try checker.checkCleaned(to: limit) }
        } catch {
            throw SimulationFailure("\(partition): \(error)")
        }
        models[partition]?.adopt(checker.batches, afterStart: false)
        tell("    it has been looked at")
    }
}
