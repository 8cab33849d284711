internal import Synchronization

extension LogManager {
    /// Begins to clean compacted logs in the background, as the options say. Called once, when all logs are open.
    public func startCleaning() {
        guard options.cleaner.isEnabled, options.cleaner.threads > 0 else {
            if logs.contains(where: { $0.config.cleanupPolicy.contains(.compact) }) {
                logger.warning("the cleaner is off: compacted logs grow, all records are kept")
            }
            return
        }
        let threads = CleanerThreads(cleaner) { [weak self] in self?.logs ?? [] }
        let isTooLate = state.withLock { state in
            if state.isStopped { return true }
            state.cleanerThreads = threads
            return false
        }
        if isTooLate { threads.stop() }
    }

    /// Stops cleaning; what was begun is thrown away.
    func stopCleaning() {
        let threads = state.withLock { state in
            defer { state.cleanerThreads = nil }
            return state.cleanerThreads
        }
        threads?.stop()
    }

    /// What the cleaner is doing and has done.
    public var cleanerStatus: CleanerStatus { cleaner.status }
}
