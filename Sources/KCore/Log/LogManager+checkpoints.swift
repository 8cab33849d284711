internal import Synchronization

extension LogManager {
    /// Writes recovery points and start offsets of all directories, now.
    public func checkpointAll() {
        for directory in directories { checkpoint(directory) }
    }

    /// Writes the high watermarks of all directories, now.
    func checkpointHighWatermarks() {
        for directory in directories { checkpointHighWatermarks(directory) }
    }

    /// - Returns: whether recovery points and the cleaner's offsets are on the disk as they are now.
    @discardableResult
    func checkpoint(_ directory: LogDirectory) -> Bool {
        if directory.health.isOffline { return false }
        return directory.checkpointing.withLock { written in
            var points: [TopicPartition: Int64] = [:]
            var starts: [TopicPartition: Int64] = [:]
            var cleaned: [TopicPartition: Int64] = [:]
            let refused = refused(in: directory)
            // What is refused keeps its promises: without them the next start would cut off what is damaged.
            for log in refused {
                points[log.topicPartition] = log.recoveryPoint
                if log.startOffset > 0 { starts[log.topicPartition] = log.startOffset }
                if log.cleanedOffset >= 0 { cleaned[log.topicPartition] = log.cleanedOffset }
            }
            for log in logs(in: directory) {
                points[log.topicPartition] = log.recoveryPoint
                // Kafka writes it only where it says more than the first segment's name.
                let start = log.startToKeep
                if start > log.firstSegmentOffset { starts[log.topicPartition] = start }
                let end = log.cleanedOffset.load(ordering: .acquiring)
                if end >= 0 { cleaned[log.topicPartition] = end }
            }
            // Nor may it be said that nothing had been promised, while that is not known.
            var isWritten = false
            if !refused.contains(where: \.isRecoveryPointUnknown) {
                isWritten = write(points, OffsetCheckpoint.recoveryPointName, directory, &written)
            }
            writeStarts(starts, of: logs(in: directory), directory, &written)
            let isCleanedWritten = write(cleaned, OffsetCheckpoint.cleanedName, directory, &written)
            directory.forgetStale(written)
            return isCleanedWritten && isWritten
        }
    }

    func checkpointHighWatermarks(_ directory: LogDirectory) {
        if directory.health.isOffline { return }
        directory.checkpointing.withLock { written in
            writeHighWatermarks(directory, &written)
            directory.forgetStale(written)
        }
    }

    private func writeHighWatermarks(_ directory: LogDirectory, _ written: inout [String: [TopicPartition: Int64]]) {
        var marks: [TopicPartition: Int64] = [:]
        for log in refused(in: directory) { marks[log.topicPartition] = log.highWatermark }
        // Also of one that is being cut off just now.
        for log in logs(in: directory) { marks[log.topicPartition] = max(log.shownEnd(), log.logStartOffset) }
        write(marks, OffsetCheckpoint.highWatermarkName, directory, &written)
    }

    /// No start is written that the high watermarks on the disk do not bear out: a log whose end power has taken goes on at
    /// its start only where both say that it had been there.
    private func writeStarts(
        _ starts: [TopicPartition: Int64], of logs: [Log], _ directory: LogDirectory,
        _ written: inout [String: [TopicPartition: Int64]]
    ) {
        func isBorneOut() -> Bool {
            let marks = written[OffsetCheckpoint.highWatermarkName] ?? [:]
            return logs.allSatisfy { log in (marks[log.topicPartition] ?? -1) >= starts[log.topicPartition] ?? -1 }
        }
        if !isBorneOut() { writeHighWatermarks(directory, &written) }
        if isBorneOut() { write(starts, OffsetCheckpoint.logStartOffsetName, directory, &written) }
    }

    private func logs(in directory: LogDirectory) -> [Log] {
        state.withLock { state in state.logs.values + state.surplus.values.flatMap(\.logs) }
            .filter { $0.environment.directory === directory.health }
    }

    private func refused(in directory: LogDirectory) -> [LogLoader] {
        allRefused.map(\.loader).filter { $0.environment.directory === directory.health }
    }

    /// Logs that are there and could not be opened.
    var allRefused: [RefusedLog] {
        state.withLock { state in state.refused.values + state.surplus.values.flatMap(\.refused) }
    }

    /// Writes a checkpoint when it says something else than the last one. A disk that fails takes the directory offline; one
    /// that is full leaves the older checkpoint, which promises less.
    /// - Returns: whether the disk has it.
    @discardableResult
    private func write(
        _ offsets: [TopicPartition: Int64], _ name: String, _ directory: LogDirectory,
        _ written: inout [String: [TopicPartition: Int64]]
    ) -> Bool {
        if written[name] == offsets { return true }
        let checkpoint = OffsetCheckpoint(disk: disk, directory: directory.path, name: name)
        do throws(DiskError) {
            do throws(DiskError) {
                try directory.health.watch.during { () throws(DiskError) in try checkpoint.replace(offsets) }
                written[name] = offsets
                if directory.unwritable.withLock({ $0.remove(name) }) != nil {
                    logger.info("a checkpoint can be written again", ["file": checkpoint.path])
                }
                return true
            } catch  where error.isHarmless {
                if directory.unwritable.withLock({ $0.insert(name).inserted }) {
                    logger.warning("a checkpoint cannot be written", ["file": checkpoint.path, "error": error])
                }
                // One that promises more than is true after a truncation must go; that takes no room.
                let isPromise = [OffsetCheckpoint.recoveryPointName, OffsetCheckpoint.cleanedName].contains(name)
                if isPromise, isLower(offsets, than: written[name]), try disk.fileSize(checkpoint.path) != nil {
                    try remove(checkpoint)
                    written[name] = nil
                }
            }
        } catch {
            _ = directory.health.fail(error)
        }
        return false
    }

    private func isLower(_ offsets: [TopicPartition: Int64], than written: [TopicPartition: Int64]?) -> Bool {
        // What was written before this start is not known.
        guard let written else { return true }
        return written.contains { (offsets[$0.key] ?? .max) < $0.value }
    }

    // Without the file everything is read after a crash, and cleaned once more.
    private func remove(_ checkpoint: OffsetCheckpoint) throws(DiskError) {
        do throws(DiskError) {
            try disk.remove(checkpoint.path)
        } catch  where error.isMissing {}
        try disk.syncDirectory(parentDirectory(checkpoint.path))
    }
}

extension LogDirectory {
    /// Forgets partitions that no checkpoint names any more.
    /// - Parameter written: what the checkpoints say, as far as that is known.
    fileprivate func forgetStale(_ written: [String: [TopicPartition: Int64]]) {
        stale.withLock { stale in
            if stale.isEmpty { return }
            stale = stale.filter { topicPartition in
                OffsetCheckpoint.names.contains { name in
                    guard let offsets = written[name] else { return true }
                    return offsets[topicPartition] != nil
                }
            }
        }
    }
}
