import Synchronization

@testable import KCore

/// What must hold when a broker is up again.
extension Simulation {
    func checkAll() throws {
        guard let manager else { return }
        for partition in partitions where models[partition]?.isUnwanted == true {
            try manager.deleteLog(partition)
            models[partition] = nil
        }
        for log in manager.logs where models[log.topicPartition] == nil {
            throw SimulationFailure("\(log.topicPartition) was deleted and is there")
        }
        try checkMissing(manager)
        for partition in partitions {
            guard let log = manager.log(for: partition) else {
                if models[partition]?.mayBeMissing == true {
                    models[partition] = nil
                    continue
                }
                let error = manager.state.withLock { $0.refused[partition]?.error }
                throw SimulationFailure("\(partition) is missing: \(error?.description ?? "no directory")")
            }
            try settle(log)
        }
        level = .clean
        failedDirectories = []
    }

    /// Whatever was deleted or was being made: as long as no disk has failed, nothing is missed.
    private func checkMissing(_ manager: LogManager) throws {
        guard failedDirectories.isEmpty else { return }
        let missing = manager.state.withLock { $0.refused.filter { $0.value.isMissing }.keys.sorted() }
        for partition in missing {
            throw SimulationFailure(
                "\(partition) is missed: \(manager.promiseOfMissingLog(partition) ?? ""), and should "
                    + "\(models[partition] == nil ? "not be there" : "be there as if it were new")")
        }
    }

    /// Compares a log that was opened with the model, which from then on knows what is there.
    private func settle(_ log: Log) throws {
        guard var model = models[log.topicPartition] else { return }
        let hasFailed = failedDirectories.contains(directory(of: log)) || model.isUncertain
        let level = hasFailed ? max(level, .power) : level
        tell("  \(model.topicPartition) is from \(log.logStartOffset) to \(log.logEndOffset)")
        try check(log, mustBe: level)
        if model.mayBeMissing && log.topicId == nil {
            models[log.topicPartition]?.topicId = nil
        } else if log.topicId != model.topicId {
            throw SimulationFailure("\(model.topicPartition) has lost its topic's id")
        }
        model = models[log.topicPartition] ?? model
        // What is lost is lost: it must not come back.
        let found = try LogChecker(log, model).batches
        model.startOffset = log.logStartOffset
        model.endOffset = log.logEndOffset
        model.adopt(found, afterStart: true)
        model.promisedEnd = min(model.promisedEnd, log.logEndOffset)
        model.allowedStart = max(model.startOffset, model.promisedStart)
        // It may go on behind nothing.
        if model.restart == log.logEndOffset { model.hasGaps = true }
        if model.restart != nil { model.promisedStart = min(model.promisedStart, log.logStartOffset) }
        model.staleStart = 0
        model.isUncertain = false
        model.mayBeMissing = false
        model.restart = nil
        model.truncation = nil
        model.replay()
        models[log.topicPartition] = model
        models[log.topicPartition]?.notice(log)
        log.updateConfig(configs[log.topicPartition.topic] ?? LogConfig())
    }

    private func mayNotRead(_ log: Log) -> Bool { wasRefused || failedDirectories.contains(directory(of: log)) }

    func check(_ log: Log, mustBe level: Level) throws {
        guard let model = models[log.topicPartition] else { return }
        do {
            let checker = try LogChecker(log, model)
            try checker.checkOffsets()
            try checker.checkPromises(level)
            try checker.checkCleaning()
            try checker.checkCommitted()
            // Nobody looks at what was damaged before it is needed.
            if !model.hasDamagedIndexes { try checker.checkIndexes() }
            try checker.checkLookups()
            try checker.checkProducers()
            try checker.checkEpochs()
        } catch is LogError where mayNotRead(log) {
        } catch is LogFault where mayNotRead(log) {
        } catch is DiskError where mayNotRead(log) {
        } catch LogRead.Unreadable.file where mayNotRead(log) {
        } catch let error as SimulationFailure {
            throw SimulationFailure("\(log.topicPartition): \(error)")
        } catch let error as LogError {
            throw SimulationFailure("\(log.topicPartition): \(error)")
        } catch let error as RecordsError {
            throw SimulationFailure("\(log.topicPartition): what is served is no batch: \(error)")
        }
    }
}
