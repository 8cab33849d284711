internal import Synchronization

extension LogManager {
    /// Threads that create the logs of one topic: they wait for the disk, and several waits take as long as one.
    private static let creatingThreads = 8

    /// The log of a partition, created in the emptiest directory when there is none.
    /// - Throws: KAFKA_STORAGE_ERROR; also when the partition has a log that could not be opened at start: a new one
    ///   in its place would lose what it holds. Where a disk does not answer, the log may be there later.
    public func createLog(_ topicPartition: TopicPartition, topicId: Uuid?, config: LogConfig) throws(LogError) -> Log {
        if let log = log(for: topicPartition) { return log }
        if let refused = state.withLock({ $0.refused[topicPartition] }) { return try openAgain(refused) }
        try finishEnd(of: topicPartition)
        guard let directory = emptiest(logCounts(), of: usable()) else {
            let isOffline = directories.allSatisfy(\.health.isOffline)
            if !isOffline { throw unanswered(topicPartition, in: options.directories.joined(separator: ", ")) }
            throw LogError(.kafkaStorageError, "all log directories are offline")
        }
        return try make(topicPartition, in: directory) { [self] maker throws(LogError) in
            try forget([topicPartition], in: directory)
            try clearName(topicPartition, in: directory)
            let path = directory.path + "/" + topicPartition.description
            do throws(DiskError) {
                try directory.health.watch.during { () throws(DiskError) in
                    // One that is there already may have a name that is not on stable storage.
                    try disk.createDirectory(path, durable: false)
                    try disk.syncDirectory(directory.path)
                }
            } catch {
                guard error.isHarmless else { throw directory.health.fail(error) }
                // The next attempt may be in another directory.
                try? disk.removeTree(path)
                throw LogError(error)
            }
            return try fill(topicPartition, topicId, config, in: directory, maker)
        }
    }

    /// Has one log made by a thread of its directory.
    func make(
        _ topicPartition: TopicPartition, in directory: LogDirectory,
        _ body: @escaping @Sendable (LogMaker) throws(LogError) -> Log
    ) throws(LogError) -> Log {
        let (taken, maker) = take([topicPartition], in: directory)
        let outcome = Mutex<Result<Log, LogError>?>(nil)
        let task = DirectoryTask(directory: directory) { [self] _ in
            defer { giveBack(taken, maker) }
            guard !wanted(taken, maker).isEmpty else { return }
            let made: Result<Log, LogError>
            do throws(LogError) { made = .success(try body(maker)) } catch { made = .failure(error) }
            outcome.withLock { $0 = made }
        }
        _ = perform([task])
        if let made = outcome.withLock({ $0 }) { return try made.get() }
        // Somebody else was at it.
        if let log = log(for: topicPartition) { return log }
        if directory.health.isOffline { throw directory.health.offlineError() }
        let other = state.withLock { $0.makers[topicPartition]?.directory.path }
        throw unanswered(topicPartition, in: other ?? directory.path)
    }

    /// Creates those logs of a topic that are not there, as ``createLog(_:topicId:config:)`` does, with one sync for each log
    /// directory instead of one for each partition. What cannot be created is told by asking for it with `createLog`.
    public func createLogs(_ partitions: [TopicPartition], topicId: Uuid?, config: LogConfig) {
        let missing = state.withLock { state in
            partitions.filter { state.logs[$0] == nil && state.refused[$0] == nil && state.unfinished[$0] == nil }
        }
        guard missing.count > 1 else { return }
        let usable = usable()
        var counts = logCounts()
        var places: [String: [TopicPartition]] = [:]
        for topicPartition in missing {
            guard let directory = emptiest(counts, of: usable) else { return }
            counts[directory.path, default: 0] += 1
            places[directory.path, default: []].append(topicPartition)
        }
        let tasks = usable.compactMap { directory -> DirectoryTask? in
            guard let names = places[directory.path] else { return nil }
            let (taken, maker) = take(names, in: directory)
            return DirectoryTask(directory: directory) { [self] progress in
                defer { giveBack(taken, maker) }
                let named = makeDirectories(wanted(taken, maker), in: directory, progress)
                Parallel.forEach(named, threads: options.recoveryThreads > 0 ? Self.creatingThreads : 1) {
                    _ = try? self.fill($0, topicId, config, in: directory, maker)
                    progress()
                }
            }
        }
        _ = perform(tasks)
    }

    /// - Returns: partitions whose directories are on stable storage.
    private func makeDirectories(
        _ partitions: [TopicPartition], in directory: LogDirectory, _ progress: @Sendable () -> Void
    ) -> [TopicPartition] {
        guard !partitions.isEmpty, (try? forget(partitions, in: directory)) != nil else { return [] }
        let watch = directory.health.watch
        var made: [TopicPartition] = []
        do throws(DiskError) {
            for topicPartition in partitions where (try? clearName(topicPartition, in: directory)) != nil {
                try watch.during { () throws(DiskError) in
                    try disk.createDirectory(directory.path + "/" + topicPartition.description, durable: false)
                }
                made.append(topicPartition)
                progress()
            }
        } catch  where error.isHarmless {
            // No room for more.
        } catch {
            _ = directory.health.fail(error)
            return []
        }
        do throws(DiskError) {
            try watch.during { () throws(DiskError) in try disk.syncDirectory(directory.path) }
        } catch {
            if error.isHarmless {
                // The next attempt may be in another directory.
                for topicPartition in made { try? disk.removeTree(directory.path + "/" + topicPartition.description) }
            } else {
                _ = directory.health.fail(error)
            }
            return []
        }
        return made
    }

    /// Makes the files in a new directory, and takes the log up. When there is no room, or the directory was given up
    /// meanwhile, nothing is left behind.
    private func fill(
        _ topicPartition: TopicPartition, _ topicId: Uuid?, _ config: LogConfig, in directory: LogDirectory,
        _ maker: LogMaker
    ) throws(LogError) -> Log {
        let path = directory.path + "/" + topicPartition.description
        do throws(LogError) {
            let log = try directory.health.watch.during { () throws(LogError) in
                do throws(DiskError) {
                    try disk.replaceFile(
                        path + "/" + LeaderEpochs.fileName, with: LeaderEpochs().contents, durable: false)
                    // Whose log it is must not be lost with the power: the directory's name is there already.
                    if let topicId {
                        try disk.replaceFile(
                            path + "/" + PartitionMetadataFile.name, with: PartitionMetadataFile.write(topicId: topicId)
                        )
                    }
                } catch {
                    throw error.isHarmless ? LogError(error) : directory.health.fail(error)
                }
                return try loader(topicPartition, directory, config: config, isClean: false).load()
            }
            let isWanted = state.withLock { state in
                guard state.isWanted(topicPartition, maker) else { return false }
                state.logs[topicPartition] = log
                return true
            }
            guard isWanted else {
                throw LogError(.kafkaStorageError, "\(topicPartition) is not wanted in \(path) any more")
            }
            startCleaning(log)
            return log
        } catch {
            // The next attempt may be in another directory, and of two nobody would know which one counts.
            if !directory.health.isOffline || directory.health.error?.operation == .answer {
                try? disk.removeTree(path)
                try? disk.syncDirectory(directory.path)
            }
            throw error
        }
    }

    // MARK: Where

    private func logCounts() -> [String: Int] {
        var counts: [String: Int] = [:]
        for log in logs { counts[log.environment.directory.path, default: 0] += 1 }
        return counts
    }

    // The one with the fewest logs, as Kafka does: sizes change, counts say what will come.
    private func emptiest(_ counts: [String: Int], of usable: [LogDirectory]) -> LogDirectory? {
        usable.filter { !$0.health.isOffline }.min { (counts[$0.path] ?? 0) < (counts[$1.path] ?? 0) }
    }

    /// Where new logs can be put: the directories that are there, and answer. One that is gone would be made anew, and whoever
    /// waited for one that does not answer would keep all others from being created or deleted.
    private func usable() -> [LogDirectory] {
        let nowMs = clock.monotonicMs
        let online = directories.filter { !$0.health.isOffline }
        let answering = online.filter { !isHanging($0, nowMs: nowMs) }
        let asked = answering.isEmpty ? online : answering
        let answers = perform(
            asked.map { directory in
                DirectoryTask(directory: directory) { [self] _ in checkPresence(of: directory) }
            })
        return zip(asked, answers).filter { !$0.health.isOffline && $1 }.map(\.0)
    }

    /// What checkpoints say of earlier logs of the partitions must not be taken for a promise of new ones.
    private func forget(_ partitions: [TopicPartition], in directory: LogDirectory) throws(LogError) {
        let stale = directory.stale.withLock { $0.intersection(partitions) }
        if stale.isEmpty { return }
        checkpoint(directory)
        checkpointHighWatermarks(directory)
        for name in OffsetCheckpoint.names {
            let (known, damage) = OffsetCheckpoint(disk: disk, directory: directory.path, name: name).readSound()
            let isUnsure = directory.checkpointing.withLock { $0.isUnsure(name) } || damage?.isTransient == true
            let named = isUnsure ? stale.min() : stale.filter { known[$0] != nil }.min()
            guard let named else { continue }
            // As soon as there is room it can be.
            var error = LogError(
                .kafkaStorageError,
                "\(directory.path)/\(name) tells of an earlier log of \(named) and cannot be written")
            error.isTransient = true
            throw error
        }
        directory.stale.withLock { $0.subtract(stale) }
    }

    /// Sees to it that a new log finds nothing in its directory that was another's.
    private func clearName(_ topicPartition: TopicPartition, in directory: LogDirectory) throws(LogError) {
        let path = directory.path + "/" + topicPartition.description
        do throws(DiskError) {
            guard try disk.list(path).contains(where: { SegmentFileKind.parse($0.name)?.kind == .log }) else { return }
            logger.error(
                "a directory that no log was opened from is put aside for a new one",
                ["partition": topicPartition, "dir": path])
            try disk.rename(path, to: directory.path + "/" + LogDirectoryName.stray(topicPartition))
        } catch  where error.isMissing {
        } catch {
            throw error.isHarmless ? LogError(error) : directory.health.fail(error)
        }
    }
}
