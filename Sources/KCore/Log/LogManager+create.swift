internal import Synchronization

extension LogManager {
    /// Threads that create the logs of one topic: they wait for the disk, and several waits take as long as one.
    private static let creatingThreads = 8

    /// The log of a partition, created in the emptiest directory when there is none.
    /// - Throws: KAFKA_STORAGE_ERROR; also when the partition has a log that could not be opened at start: a new one
    ///   in its place would lose what it holds.
    public func createLog(_ topicPartition: TopicPartition, topicId: Uuid?, config: LogConfig) throws(LogError) -> Log {
        if let log = log(for: topicPartition) { return log }
        return try creating.withLock { (_) throws(LogError) in
            if let log = log(for: topicPartition) { return log }
            if let refused = state.withLock({ $0.refused[topicPartition] }) { return try openAgain(refused) }
            guard let directory = emptiest(logCounts()) else {
                throw LogError(.kafkaStorageError, "all log directories are offline")
            }
            try forget([topicPartition], in: directory)
            try clearName(topicPartition, in: directory)
            do throws(DiskError) {
                try disk.createDirectory(directory.path + "/" + topicPartition.description)
            } catch {
                throw error.isHarmless ? LogError(error) : directory.health.fail(error)
            }
            return try fill(topicPartition, topicId, config, in: directory)
        }
    }

    /// Creates those logs of a topic that are not there, as ``createLog(_:topicId:config:)`` does, with one sync for each log
    /// directory instead of one for each partition. What cannot be created is told by asking for it with `createLog`.
    public func createLogs(_ partitions: [TopicPartition], topicId: Uuid?, config: LogConfig) {
        creating.withLock { _ in
            let missing = state.withLock { state in
                partitions.filter { state.logs[$0] == nil && state.refused[$0] == nil }
            }
            guard missing.count > 1 else { return }
            var counts = logCounts()
            var places: [String: [TopicPartition]] = [:]
            for topicPartition in missing {
                guard let directory = emptiest(counts) else { return }
                counts[directory.path, default: 0] += 1
                places[directory.path, default: []].append(topicPartition)
            }
            for directory in directories {
                let named = makeDirectories(places[directory.path] ?? [], in: directory)
                Parallel.forEach(named, threads: options.recoveryThreads > 0 ? Self.creatingThreads : 1) {
                    _ = try? self.fill($0, topicId, config, in: directory)
                }
            }
        }
    }

    /// - Returns: partitions whose directories are on stable storage.
    private func makeDirectories(_ partitions: [TopicPartition], in directory: LogDirectory) -> [TopicPartition] {
        guard !partitions.isEmpty, (try? forget(partitions, in: directory)) != nil else { return [] }
        var made: [TopicPartition] = []
        do throws(DiskError) {
            for topicPartition in partitions where (try? clearName(topicPartition, in: directory)) != nil {
                try disk.createDirectory(directory.path + "/" + topicPartition.description, durable: false)
                made.append(topicPartition)
            }
        } catch  where error.isHarmless {
            // No room for more.
        } catch {
            _ = directory.health.fail(error)
            return []
        }
        do throws(DiskError) {
            try disk.syncDirectory(directory.path)
        } catch {
            if !error.isHarmless { _ = directory.health.fail(error) }
            return []
        }
        return made
    }

    /// Makes the files in a new directory, and takes the log up. When there is no room nothing is left behind.
    private func fill(
        _ topicPartition: TopicPartition, _ topicId: Uuid?, _ config: LogConfig, in directory: LogDirectory
    ) throws(LogError) -> Log {
        let path = directory.path + "/" + topicPartition.description
        do throws(LogError) {
            do throws(DiskError) {
                try disk.replaceFile(
                    path + "/" + LeaderEpochs.fileName, with: LeaderEpochs().contents, durable: false)
                // Whose log it is must not be lost with the power: the directory's name is there already.
                if let topicId {
                    try disk.replaceFile(
                        path + "/" + PartitionMetadataFile.name, with: PartitionMetadataFile.write(topicId: topicId))
                }
            } catch {
                throw error.isHarmless ? LogError(error) : directory.health.fail(error)
            }
            let log = try loader(topicPartition, directory, config: config, isClean: false).load()
            state.withLock { $0.logs[topicPartition] = log }
            startCleaning(log)
            return log
        } catch {
            // The next attempt may be in another directory.
            if !directory.health.isOffline {
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
    private func emptiest(_ counts: [String: Int]) -> LogDirectory? {
        while true {
            var online = directories.filter { !$0.health.isOffline }
            // Whoever waited for one that does not answer would keep all others from being created or deleted.
            let answering = online.filter { !$0.isHanging(nowMs: clock.monotonicMs) }
            if !answering.isEmpty { online = answering }
            guard let found = online.min(by: { (counts[$0.path] ?? 0) < (counts[$1.path] ?? 0) }) else { return nil }
            // One that is gone would be made anew.
            checkPresence(of: found)
            if !found.health.isOffline { return found }
        }
    }

    /// What checkpoints say of earlier logs of the partitions must not be taken for a promise of new ones.
    private func forget(_ partitions: [TopicPartition], in directory: LogDirectory) throws(LogError) {
        let stale = directory.stale.withLock { $0.intersection(partitions) }
        if stale.isEmpty { return }
        checkpoint(directory)
        checkpointHighWatermarks(directory)
        for name in OffsetCheckpoint.names {
            let known = directory.readCheckpoint(name, disk, logger)
            guard let topicPartition = stale.first(where: { known[$0] != nil }) else { continue }
            // As soon as there is room it can be.
            var error = LogError(
                .kafkaStorageError,
                "\(directory.path)/\(name) tells of an earlier log of \(topicPartition) and cannot be written")
            error.isTransient = true
            throw error
        }
        directory.stale.withLock { $0.subtract(stale) }
    }

    /// Sees to it that a new log finds nothing in its directory that was another's.
    private func clearName(_ topicPartition: TopicPartition, in directory: LogDirectory) throws(LogError) {
        try finishEnd(of: topicPartition)
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
