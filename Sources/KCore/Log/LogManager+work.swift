internal import Synchronization

extension LogManager {
    private struct Due: Sendable {
        var checkpoints = false
        var highWatermarks = false
        var retention = false
        var expiry = false
        var flushes = false
    }

    /// Has what is due done in the background: files removed, logs flushed, segments rolled and retained, checkpoints
    /// written, idle producers forgotten, and log directories looked for. Cheap when nothing is due.
    public func tick() {
        let nowMs = clock.monotonicMs
        let due = state.withLock { state -> Due in
            if state.isStopped { return Due() }
            var due = Due()
            if nowMs - state.lastCheckpointMs >= options.checkpointIntervalMs {
                state.lastCheckpointMs = nowMs
                due.checkpoints = true
            }
            if nowMs - state.lastHighWatermarksMs >= options.highWatermarkCheckpointIntervalMs {
                state.lastHighWatermarksMs = nowMs
                due.highWatermarks = true
            }
            if nowMs - state.lastRetentionMs >= options.retentionCheckIntervalMs {
                state.lastRetentionMs = nowMs
                due.retention = true
            }
            if nowMs - state.lastExpiryMs >= options.producerIdExpirationCheckIntervalMs {
                state.lastExpiryMs = nowMs
                due.expiry = true
            }
            if nowMs - state.lastFlushCheckMs >= options.flushCheckIntervalMs {
                state.lastFlushCheckMs = nowMs
                due.flushes = true
            }
            return due
        }
        giveUpSilent(nowMs: nowMs)
        for directory in directories where !directory.health.isOffline {
            noteSilence(of: directory)
            directory.perform(.presence, nowMs: nowMs) {
                self.checkPresence(of: directory)
            } completion: {
                self.noteSilence(of: directory)
            }
            if due.retention || due.expiry {
                directory.perform(.retention, nowMs: nowMs) { self.retain(directory, due) }
            }
            if due.flushes { directory.perform(.flushes, nowMs: nowMs) { self.flushDue(directory) } }
            if due.checkpoints { directory.perform(.checkpoints, nowMs: nowMs) { self.checkpoint(directory) } }
            if due.highWatermarks {
                directory.perform(.highWatermarks, nowMs: nowMs) { self.checkpointHighWatermarks(directory) }
            }
            guard directory.removals.count > 0 else { continue }
            directory.perform(.removals, nowMs: nowMs) { self.removeDue(directory, nowMs: nowMs) }
        }
        if due.checkpoints, !isFinishingEnds.exchange(true, ordering: .acquiringAndReleasing) {
            background {
                self.finishEnds()
                self.isFinishingEnds.store(false, ordering: .releasing)
            }
        }
    }

    /// Keeps of segments and of producers what is to be kept.
    private func retain(_ directory: LogDirectory, _ due: Due) {
        let nowMs = clock.wallMs
        for log in sortedLogs where log.environment.directory === directory.health && !log.isOffline {
            if due.retention { retainSegments(log, nowMs: nowMs) }
            if due.expiry { log.expireProducers(nowMs: nowMs) }
        }
    }

    /// Rolls and removes segments as the topics' settings say.
    private func retainSegments(_ log: Log, nowMs: Int64) {
        do {
            startCleaning(log)
            log.repairIndexesLater()
            try log.rollIfNeeded()
            try log.deleteOldSegments(nowMs: nowMs)
        } catch {
            logger.warning("retention failed", ["partition": log.topicPartition, "error": error])
        }
    }

    func removeDue(_ directory: LogDirectory, nowMs: Int64) {
        if directory.removals.hasDeletedLogs(nowMs: nowMs) {
            checkpoint(directory)
            checkpointHighWatermarks(directory)
            if directory.health.isOffline { return }
        }
        // A checkpoint that could not be written names logs that must not be missing at the next start.
        let named = directory.stale.withLock { $0 }
        directory.removals.removeDue(nowMs: nowMs, keepingNamesOf: named, disk: disk, logger: logger)
    }

    private func flushDue(_ directory: LogDirectory) {
        let nowMs = clock.wallMs
        for log in sortedLogs where log.environment.directory === directory.health {
            guard !log.isOffline, log.isFlushDue(nowMs: nowMs) else { continue }
            log.whenFlushed(to: log.logEndOffset) { [logger] error in
                if let error {
                    if log.isDeleted.load(ordering: .relaxed) { return }
                    if log.isUnflushable.exchange(true, ordering: .relaxed) { return }
                    logger.error("a log cannot be flushed", ["partition": log.topicPartition, "error": error])
                } else if log.isUnflushable.exchange(false, ordering: .relaxed) {
                    logger.info("a log can be flushed again", ["partition": log.topicPartition])
                }
            }
        }
    }

    // MARK: Facts

    /// The log directories, their room and what is in them. The room of one whose disk does not answer is not known.
    public func describeDirectories() -> [LogDirectoryDescription] {
        let logs = logs
        let spaces = Mutex<[String: (free: Int64, total: Int64)]>([:])
        _ = perform(
            directories.filter { !$0.health.isOffline }.map { directory in
                DirectoryTask(directory: directory) { [disk] _ in
                    guard let space = try? disk.space(directory.path) else { return }
                    spaces.withLock { $0[directory.path] = space }
                }
            })
        let known = spaces.withLock { $0 }
        return directories.map { directory in
            var description = LogDirectoryDescription(
                path: directory.path, error: directory.health.error?.description, totalBytes: -1, usableBytes: -1,
                sizes: [:])
            if description.error != nil { return description }
            if let space = known[directory.path] {
                description.totalBytes = space.total
                description.usableBytes = space.free
            }
            for log in logs where log.environment.directory === directory.health {
                description.sizes[log.topicPartition] = log.size
            }
            return description
        }
    }
}
