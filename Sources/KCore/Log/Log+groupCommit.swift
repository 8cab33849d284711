internal import Synchronization

/// Who waits for records to reach stable storage.
///
/// The first who comes has a flush started; those who come while it runs are served by the next one, together, however
/// many they are. Nobody blocks: what waits is a closure, called by the thread that flushes.
struct FlushQueue: Sendable {
    struct Waiter: Sendable {
        var offset: Int64
        var completion: @Sendable (LogError?) -> Void
    }

    var waiters: [Waiter] = []
    /// A flush is wanted that begins later than the one that runs.
    var isWanted = false
    var isRunning = false

    /// - Returns: whether the caller has to start the flushes.
    mutating func ask() -> Bool {
        isWanted = true
        if isRunning { return false }
        isRunning = true
        return true
    }
}

/// Who is told of flushes. In a type of its own: a closure that stands in a mutex by itself is wrapped once more each time
/// that it is looked at.
struct FlushObserver: Sendable {
    var call: @Sendable () -> Void
}

extension Log {
    /// What this replica may contribute to the high watermark. With `flush.messages=1` records count once they are on stable
    /// storage, so that no consumer sees what a power failure takes back; otherwise as soon as they are appended.
    public var highWatermarkLimit: Int64 {
        config.showsOnlyFlushed ? min(recoveryPoint, logEndOffset) : logEndOffset
    }

    /// Has `observer` called, from now on and instead of the one before, whenever ``recoveryPoint`` has moved forward: by the
    /// thread that has flushed, before it answers who waits for the flush.
    func observeFlushes(_ observer: @escaping @Sendable () -> Void) {
        flushObserver.withLock { $0 = FlushObserver(call: observer) }
    }

    /// Has everything that was appended until now flushed in the background.
    public func requestFlush() {
        if flushQueue.withLock({ $0.ask() }) { startFlushes() }
    }

    /// Calls `completion` once everything below `offset` is on stable storage: at once when it is, otherwise on the thread
    /// that flushes. Its error is KAFKA_STORAGE_ERROR when the disk refuses, NOT_LEADER_OR_FOLLOWER when the records are gone
    /// because the log was cut off or deleted.
    public func whenFlushed(to offset: Int64, _ completion: @escaping @Sendable (LogError?) -> Void) {
        if recoveryPoint >= offset { return completion(nil) }
        let mustStart = flushQueue.withLock { queue in
            queue.waiters.append(FlushQueue.Waiter(offset: offset, completion: completion))
            return queue.ask()
        }
        if mustStart { startFlushes() }
        // Whoever has answered all others may have done so in between.
        if isOffline { giveUpFlushes() }
    }

    /// Answers everybody who waits: the directory is offline, and the flush that runs may never come back.
    func giveUpFlushes() {
        let waiters = flushQueue.withLock { queue in
            defer { queue.waiters = [] }
            return queue.waiters
        }
        for waiter in waiters { waiter.completion(environment.directory.offlineError()) }
    }

    private func startFlushes() { environment.flusher { self.flushWanted() } }

    private func flushWanted() {
        flushQueue.withLock { $0.isWanted = false }
        var failure: LogError?
        do throws(LogError) {
            try flush()
            // As long as something is to be cut off first, nothing is promised, and who waits tries again.
            try writer.withLock { (writer) throws(LogError) in try checkCut(writer) }
            if isDeleted.load(ordering: .acquiring) {
                failure = LogError(.notLeaderOrFollower, "\(topicPartition) is deleted")
            }
        } catch {
            failure = error
        }
        let (answers, goesOn) = flushQueue.withLock { take(from: &$0, failure) }
        for (waiter, error) in answers { waiter.completion(error) }
        // Behind the logs that wait for a thread, or a few busy ones would keep all threads for themselves.
        if goesOn { startFlushes() }
    }

    private func take(
        from queue: inout FlushQueue, _ failure: LogError?
    ) -> ([(FlushQueue.Waiter, LogError?)], goesOn: Bool) {
        let reached = recoveryPoint
        let end = logEndOffset
        var answers: [(FlushQueue.Waiter, LogError?)] = []
        queue.waiters.removeAll { waiter in
            if let failure {
                answers.append((waiter, failure))
            } else if waiter.offset <= reached {
                answers.append((waiter, nil))
            } else if waiter.offset > end {
                answers.append((waiter, LogError(.notLeaderOrFollower, "records of \(topicPartition) were cut off")))
            } else {
                return false
            }
            return true
        }
        queue.isRunning = queue.isWanted || !queue.waiters.isEmpty
        return (answers, queue.isRunning)
    }
}
