internal import Synchronization

/// What the checkpoints of a directory say, by their names.
struct CheckpointsWritten: Sendable {
    /// As far as it is known: what was read at the start or written since.
    private(set) var known: [String: [TopicPartition: Int64]] = [:]
    /// The most that those say which were replaced, and nobody knows whether that outlives the power.
    private var atMost: [String: [TopicPartition: Int64]] = [:]
    private var unsure: Set<String> = []

    subscript(name: String) -> [TopicPartition: Int64]? { known[name] }

    /// Whether it was replaced, and power may bring back the one before.
    func isUnsure(_ name: String) -> Bool { unsure.contains(name) }

    mutating func set(_ offsets: [TopicPartition: Int64]?, _ name: String) {
        known[name] = offsets
        atMost[name] = nil
        unsure.remove(name)
    }

    /// It says the new offsets, or what it said before.
    mutating func mayBe(_ offsets: [TopicPartition: Int64], _ name: String) {
        unsure.insert(name)
        let before = known.removeValue(forKey: name) ?? atMost[name]
        atMost[name] = before.map { $0.merging(offsets, uniquingKeysWith: max) }
    }

    /// Whether the file may promise more than is true.
    func mayExceed(_ offsets: [TopicPartition: Int64], _ name: String) -> Bool {
        // What was written before this start is not known.
        guard let said = known[name] ?? atMost[name] else { return true }
        return said.contains { (offsets[$0.key] ?? .max) < $0.value }
    }
}

/// What became of writing checkpoints.
struct CheckpointOutcome: Sendable {
    /// Recovery points and the cleaner's offsets are on the disk as they are now.
    var isWritten = true
    /// Neither promises more than is true.
    var isSafe = true
}

extension LogManager {
    /// Writes recovery points and start offsets of all directories, now.
    public func checkpointAll() {
        for directory in directories { checkpoint(directory) }
    }

    /// Writes all that the checkpoints of a directory say, the recovery points last: who dies before that finds its logs as
    /// unknown here as they were.
    func checkpointNewcomers(_ directory: LogDirectory) {
        checkpointHighWatermarks(directory)
        checkpoint(directory, pointsLast: true)
    }

    /// Writes the high watermarks of all directories, now.
    func checkpointHighWatermarks() {
        for directory in directories { checkpointHighWatermarks(directory) }
    }

    @discardableResult
    func checkpoint(_ directory: LogDirectory, pointsLast: Bool = false) -> CheckpointOutcome {
        if directory.health.isOffline { return CheckpointOutcome(isWritten: false, isSafe: false) }
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
                if start > log.firstOffsetOnDisk { starts[log.topicPartition] = start }
                let end = log.cleanedOffset.load(ordering: .acquiring)
                if end >= 0 { cleaned[log.topicPartition] = end }
            }
            // Nor may it be said that nothing had been promised, while that is not known.
            var outcome = CheckpointOutcome()
            func writePoints() {
                if refused.contains(where: \.isRecoveryPointUnknown) {
                    outcome.isWritten = false
                } else {
                    write(points, OffsetCheckpoint.recoveryPointName, directory, &written, &outcome)
                }
            }
            if !pointsLast { writePoints() }
            writeStarts(starts, of: logs(in: directory), directory, &written)
            write(cleaned, OffsetCheckpoint.cleanedName, directory, &written, &outcome)
            if pointsLast { writePoints() }
            directory.forgetStale(written)
            return outcome
        }
    }

    func checkpointHighWatermarks(_ directory: LogDirectory) {
        if directory.health.isOffline { return }
        directory.checkpointing.withLock { written in
            writeHighWatermarks(directory, &written)
            directory.forgetStale(written)
        }
    }

    private func writeHighWatermarks(_ directory: LogDirectory, _ written: inout CheckpointsWritten) {
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
        _ written: inout CheckpointsWritten
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

    private func write(
        _ offsets: [TopicPartition: Int64], _ name: String, _ directory: LogDirectory,
        _ written: inout CheckpointsWritten
    ) {
        var outcome = CheckpointOutcome()
        write(offsets, name, directory, &written, &outcome)
    }

    /// Writes a checkpoint when it says something else than the last one. A disk that fails takes the directory offline; one
    /// that is full leaves the older checkpoint, which promises less.
    private func write(
        _ offsets: [TopicPartition: Int64], _ name: String, _ directory: LogDirectory,
        _ written: inout CheckpointsWritten, _ outcome: inout CheckpointOutcome
    ) {
        if written[name] == offsets { return }
        let checkpoint = OffsetCheckpoint(disk: disk, directory: directory.path, name: name)
        do throws(DiskError) {
            try directory.health.watch.during { () throws(DiskError) in try checkpoint.replace(offsets) }
            written.set(offsets, name)
            if directory.unwritable.withLock({ $0.remove(name) }) != nil {
                logger.info("a checkpoint can be written again", ["file": checkpoint.path])
            }
        } catch {
            outcome.isWritten = false
            guard error.isHarmless else {
                _ = directory.health.fail(error)
                outcome.isSafe = false
                return
            }
            if directory.unwritable.withLock({ $0.insert(name).inserted }) {
                logger.warning("a checkpoint cannot be written", ["file": checkpoint.path, "error": error])
            }
            // It has its name already.
            if error.path == directory.path { written.mayBe(offsets, name) }
            withdraw(checkpoint, name, below: offsets, directory, &written, &outcome)
        }
    }

    /// One that promises more than is true after a truncation must go; that takes no room. Without the file everything is read
    /// after a crash, and cleaned once more.
    private func withdraw(
        _ checkpoint: OffsetCheckpoint, _ name: String, below offsets: [TopicPartition: Int64],
        _ directory: LogDirectory, _ written: inout CheckpointsWritten, _ outcome: inout CheckpointOutcome
    ) {
        let isPromise = [OffsetCheckpoint.recoveryPointName, OffsetCheckpoint.cleanedName].contains(name)
        guard isPromise, written.mayExceed(offsets, name) else { return }
        do throws(DiskError) {
            if try disk.fileSize(checkpoint.path) != nil {
                try disk.remove(checkpoint.path)
                written.mayBe(offsets, name)
            }
            // Where there is none, and none can come back, nothing is promised.
            guard written.isUnsure(name) else { return }
            try disk.syncDirectory(directory.path)
            written.set(nil, name)
        } catch {
            outcome.isSafe = false
            // With too much open it stays for now, and nothing is done that would make it a lie.
            if !error.isHarmless { _ = directory.health.fail(error) }
        }
    }
}

extension LogDirectory {
    /// Forgets partitions that no checkpoint names any more.
    fileprivate func forgetStale(_ written: CheckpointsWritten) {
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
