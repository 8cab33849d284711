internal import Synchronization

/// What a directory has to be opened.
private struct DirectoryContents: Sendable {
    var directory: LogDirectory
    var partitions: [TopicPartition]
    /// Those that wait to be removed.
    var deleted: Set<TopicPartition>
    var recoveryPoints: [TopicPartition: Int64]
    /// Their file is there and cannot be read.
    var areRecoveryPointsUnknown: Bool
    /// Their file is there and can be read.
    var hasRecoveryPoints: Bool
    var startOffsets: [TopicPartition: Int64]
    var highWatermarks: [TopicPartition: Int64]
    var cleanedOffsets: [TopicPartition: Int64]

    /// Partitions that came from another directory, and how that one was left.
    var moved: [TopicPartition: FormerDirectory] = [:]

    struct FormerDirectory: Sendable {
        var wasCleanStop: Bool
        var areRecoveryPointsUnknown: Bool
    }

    var isUnclean: Bool { !directory.wasCleanStop && !partitions.isEmpty }
    /// What the checkpoints speak of.
    var named: Set<TopicPartition> {
        Set(recoveryPoints.keys).union(startOffsets.keys).union(highWatermarks.keys).union(cleanedOffsets.keys)
    }

    /// Whether a partition was here when the directory was stopped, as far as that can be told.
    func knows(_ name: TopicPartition) -> Bool { !hasRecoveryPoints || recoveryPoints[name] != nil }

    /// Takes over what another directory's checkpoints say of a partition.
    mutating func take(_ name: TopicPartition, from other: DirectoryContents) {
        recoveryPoints[name] = other.recoveryPoints[name]
        // A start that died may have taken over some of it.
        startOffsets[name] = startOffsets[name] ?? other.startOffsets[name]
        highWatermarks[name] = highWatermarks[name] ?? other.highWatermarks[name]
        cleanedOffsets[name] = cleanedOffsets[name] ?? other.cleanedOffsets[name]
        moved[name] = FormerDirectory(
            wasCleanStop: other.directory.wasCleanStop, areRecoveryPointsUnknown: other.areRecoveryPointsUnknown)
    }

    /// An offset that the log must have reached.
    func promisedEnd(_ name: TopicPartition) -> Int64 {
        OffsetCheckpoint.promisedEnd(name, [recoveryPoints, startOffsets, highWatermarks, cleanedOffsets])
    }
}

extension LogManager {
    /// Opens every log in the directories, all of them at a time and each by threads of its own: after a clean stop without
    /// reading segments, after any other by reading what lies above the recovery points. Called once.
    /// - Parameters:
    ///   - recoveryThreads: of each directory; what the options say when nil.
    ///   - topicId: of a topic, by its name; nil when it is not known.
    ///   - configFor: the settings of a topic, by its name.
    public func load(
        recoveryThreads: Int? = nil, topicId: (String) -> Uuid? = { _ in nil },
        configFor: @escaping @Sendable (String) -> LogConfig
    ) {
        let threads = recoveryThreads ?? options.recoveryThreads
        let contents = takeOverMoved(directories.compactMap { $0.health.isOffline ? nil : self.contents(of: $0) })
        let unclean = contents.filter { $0.isUnclean }
        let logger = logger.named("recovery")
        for one in unclean {
            uncleanStop.store(true, ordering: .releasing)
            logger.info(
                "the last stop was not clean, logs are recovered",
                ["dir": one.directory.path, "logs": one.partitions.count])
        }
        let progress = RecoveryProgress(
            count: unclean.reduce(0) { $0 + $1.partitions.count }, logger: logger, clock: clock)
        Parallel.forEach(contents, threads: threads > 0 ? contents.count : 1) {
            self.open($0, threads: threads, configFor, progress)
        }
        if !unclean.isEmpty { progress.finish() }
        settleSurplus(topicId: topicId)
        let found = Set(contents.flatMap(\.partitions))
        for one in contents {
            one.directory.stale.withLock { $0.formUnion(one.named.subtracting(one.partitions)) }
            for name in one.named.subtracting(found).subtracting(one.deleted) where one.promisedEnd(name) > 0 {
                refuseMissing(
                    name, loader(name, one, configFor), promisedEnd: one.promisedEnd(name), in: one.directory)
            }
        }
        // Before the former directories forget them; and where nobody knew what had been promised, nothing is from here on.
        for one in contents where !one.moved.isEmpty || one.areRecoveryPointsUnknown {
            checkpointNewcomers(one.directory)
        }
        // What is named here and lives elsewhere would be taken for the newest that is known once it is moved again.
        for one in contents where one.directory.stale.withLock({ !$0.isEmpty }) {
            checkpoint(one.directory)
            checkpointHighWatermarks(one.directory)
        }
        // From here on the logs change: a stop that is not announced is not clean.
        for one in contents { one.directory.removeCleanStopMarker(disk) }
    }

    /// Has partitions whose directories were moved here from another log directory keep what the checkpoints there say: from
    /// where on there are records, what had been promised, and up to where compaction has left gaps.
    private func takeOverMoved(_ all: [DirectoryContents]) -> [DirectoryContents] {
        if all.count < 2 { return all }
        let found = all.map { Set($0.partitions) }
        let named = all.map(\.named)
        var all = all
        for index in all.indices {
            for name in found[index].subtracting(all[index].recoveryPoints.keys) {
                let former = all.indices.first { named[$0].contains(name) && !found[$0].contains(name) }
                guard let former, !all[former].deleted.contains(name) else { continue }
                all[index].take(name, from: all[former])
                logger.info(
                    "a partition was moved between log directories",
                    ["partition": name, "from": all[former].directory.path, "to": all[index].directory.path])
            }
        }
        return all
    }

    private func contents(of directory: LogDirectory) -> DirectoryContents? {
        do {
            // What a process that died had renamed or removed is taken for done from here on: power must not undo it.
            if !directory.wasCleanStop { try disk.syncDirectory(directory.path) }
            let (partitions, deleted) = try directory.partitions(disk, logger)
            let contents = DirectoryContents(
                directory: directory, partitions: partitions, deleted: deleted,
                recoveryPoints: directory.readCheckpoint(OffsetCheckpoint.recoveryPointName, disk, logger),
                areRecoveryPointsUnknown: directory.hasUnreadableRecoveryPoints(disk, logger),
                hasRecoveryPoints: directory.has(OffsetCheckpoint.recoveryPointName, disk),
                startOffsets: directory.readCheckpoint(OffsetCheckpoint.logStartOffsetName, disk, logger),
                highWatermarks: directory.readCheckpoint(OffsetCheckpoint.highWatermarkName, disk, logger),
                cleanedOffsets: directory.readCheckpoint(OffsetCheckpoint.cleanedName, disk, logger))
            // A promise on the disk is taken back only by one that is lower, not for want of room alone.
            directory.checkpointing.withLock { written in
                if contents.hasRecoveryPoints {
                    written.set(contents.recoveryPoints, OffsetCheckpoint.recoveryPointName)
                }
                if directory.has(OffsetCheckpoint.cleanedName, disk) {
                    written.set(contents.cleanedOffsets, OffsetCheckpoint.cleanedName)
                }
            }
            return contents
        } catch {
            _ = directory.health.fail(error)
            return nil
        }
    }

    private func open(
        _ contents: DirectoryContents, threads: Int, _ configFor: @escaping @Sendable (String) -> LogConfig,
        _ progress: RecoveryProgress
    ) {
        let directory = contents.directory
        Parallel.forEach(contents.partitions, threads: threads) { topicPartition in
            let loader = self.loader(topicPartition, contents, configFor)
            self.open(loader, directory, contents.isUnclean ? progress : nil)
        }
    }

    private func loader(
        _ topicPartition: TopicPartition, _ contents: DirectoryContents,
        _ configFor: @Sendable (String) -> LogConfig
    ) -> LogLoader {
        let former = contents.moved[topicPartition]
        var loader = loader(
            topicPartition, contents.directory, config: configFor(topicPartition.topic),
            isClean: contents.directory.wasCleanStop && contents.knows(topicPartition) && former?.wasCleanStop != false)
        loader.recoveryPoint = contents.recoveryPoints[topicPartition] ?? 0
        loader.isRecoveryPointUnknown = contents.areRecoveryPointsUnknown || former?.areRecoveryPointsUnknown == true
        loader.startOffset = contents.startOffsets[topicPartition] ?? 0
        loader.cleanedOffset = contents.cleanedOffsets[topicPartition] ?? -1
        loader.highWatermark = contents.highWatermarks[topicPartition] ?? 0
        return loader
    }

    /// Opens a log and takes it up, or remembers why it is refused.
    private func open(_ loader: LogLoader, _ directory: LogDirectory, _ progress: RecoveryProgress?) {
        let topicPartition = loader.topicPartition
        let startMs = clock.monotonicMs
        let promise = Monitor<Int64?>(nil)
        var loader = loader
        loader.proves = { offset in promise.update { $0 = offset } }
        do throws(LogError) {
            let (log, recovery) = try loader.loadTelling()
            progress?.recovered(topicPartition, recovery, tookMs: clock.monotonicMs - startMs)
            state.withLock { state in
                if state.logs[topicPartition] == nil {
                    state.logs[topicPartition] = log
                } else {
                    state.surplus[topicPartition, default: SurplusLogs()].logs.append(log)
                }
            }
        } catch {
            progress?.failed()
            logger.error("a log cannot be used", ["partition": topicPartition, "error": error])
            // With that the next start refuses it as well, and the others can have their recovery points written.
            if let promise = promise.withLock({ $0 }) {
                loader.recoveryPoint = promise
                loader.isRecoveryPointUnknown = false
            }
            let refused = RefusedLog(error: error, loader: loader)
            state.withLock { state in
                if state.refused[topicPartition] == nil {
                    state.refused[topicPartition] = refused
                } else {
                    state.surplus[topicPartition, default: SurplusLogs()].refused.append(refused)
                }
            }
        }
    }

    /// Opens a log that was refused for a reason that passes, such as a full disk.
    /// - Throws: why it still cannot be used.
    func openAgain(_ refused: RefusedLog) throws(LogError) -> Log {
        guard refused.error.isTransient,
            let directory = directories.first(where: { $0.health === refused.loader.environment.directory })
        else { throw refused.error }
        let topicPartition = refused.loader.topicPartition
        return try make(topicPartition, in: directory) { [self] maker throws(LogError) in
            let result: Result<Log, LogError>
            do throws(LogError) { result = .success(try refused.loader.load()) } catch { result = .failure(error) }
            state.withLock { state in
                guard state.isWanted(topicPartition, maker) else { return }
                switch result {
                case .success(let log):
                    state.refused[topicPartition] = nil
                    state.logs[topicPartition] = log
                case .failure(let error):
                    state.refused[topicPartition] = RefusedLog(error: error, loader: refused.loader)
                }
            }
            let log = try result.get()
            startCleaning(log)
            logger.info("a log can be used again", ["partition": topicPartition])
            return log
        }
    }
}

/// A log that could not be opened.
struct RefusedLog: Sendable {
    var error: LogError
    var loader: LogLoader
    /// It is not there, though checkpoints tell of it.
    var isMissing = false
}
