internal import Synchronization

/// How far the directories are on their way to the end.
private struct Stops: Sendable {
    var pending: Set<String>
    /// Goes up with everything that is done.
    var steps = 0
}

extension LogManager {
    /// Flushes and closes all logs, writes the checkpoints, and marks the directories as stopped cleanly.
    ///
    /// Each directory does that by itself. One whose disk does not answer is not marked, and is not waited for once none of
    /// them has got anywhere for `stopTimeoutMs`: the next start recovers it.
    /// - Parameter brokerEpoch: what the marker states; -1 without a cluster.
    public func shutdown(brokerEpoch: Int64 = -1) {
        let isFirst = state.withLock { state in
            let isFirst = !state.isStopped
            state.isStopped = true
            return isFirst
        }
        guard isFirst else { return }
        let stops = Monitor(Stops(pending: Set(directories.map(\.path))))
        for directory in directories {
            let stop: @Sendable () -> Void = { [self] in
                self.stop(directory, brokerEpoch: brokerEpoch) { stops.update { $0.steps += 1 } }
                stops.update { $0.pending.remove(directory.path) }
            }
            let isElsewhere = closingThreads > 0 && Thread(ifPossible: "stop-\(directory.number)", stop) != nil
            if !isElsewhere { stop() }
        }
        var seen = -1
        while !stops.withLock({ $0.pending.isEmpty }) {
            let steps = stops.wait(timeoutMs: options.stopTimeoutMs) {
                $0.pending.isEmpty || $0.steps > seen ? $0.steps : nil
            }
            guard let steps else { break }
            seen = steps
        }
        for path in stops.withLock({ $0.pending }).sorted() {
            logger.error(
                "the disk of a log directory does not answer: it is not stopped cleanly, and is recovered at the next start",
                ["dir": path])
        }
    }

    // With 0 the thread that stops does everything, one after the other.
    private var closingThreads: Int { max(options.recoveryThreads, options.closingThreads) }

    private func stop(_ directory: LogDirectory, brokerEpoch: Int64, _ progress: @escaping @Sendable () -> Void) {
        directory.stopCleaning()
        for pool in directory.workers.pools { pool.stop() }
        progress()
        let isDirty = Atomic(false)
        let logs = sortedLogs.filter { $0.environment.directory === directory.health }
        Parallel.forEach(logs, threads: closingThreads) { log in
            do throws(LogError) {
                try log.close()
            } catch {
                self.logger.error("a log cannot be closed", ["partition": log.topicPartition, "error": error])
                isDirty.store(true, ordering: .relaxed)
            }
            progress()
        }
        finishEnds(in: directory)
        removeDue(directory, nowMs: .max)
        defer { directory.unlock() }
        if directory.health.isOffline { return }
        checkpoint(directory)
        checkpointHighWatermarks(directory)
        if isDirty.load(ordering: .relaxed) || mustLookAgain(at: directory) { return }
        do {
            try directory.writeCleanStopMarker(disk, brokerEpoch: brokerEpoch)
        } catch {
            logger.error("the directory cannot be marked as stopped", ["dir": directory.path, "error": error])
        }
    }

    /// Whether the next start must read logs here: one that was refused is damaged where it had promised, or was not
    /// recovered.
    private func mustLookAgain(at directory: LogDirectory) -> Bool {
        if allRefused.contains(where: { $0.loader.environment.directory === directory.health }) { return true }
        return state.withLock { $0.surplus.values.flatMap(\.logs) }
            .contains { $0.environment.directory === directory.health && $0.recoveryPoint < $0.logEndOffset }
    }
}
