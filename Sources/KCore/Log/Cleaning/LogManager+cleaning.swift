internal import Synchronization

extension LogManager {
    /// Begins to clean compacted logs in the background, as the options say. Called once, when all logs are open.
    public func startCleaning() {
        let options = cleaner.options
        // Without a thread, until it is given one.
        state.withLock { $0.isCleaning = options.isEnabled }
        guard options.isEnabled, options.threads > 0 else {
            if logs.contains(where: { $0.config.cleanupPolicy.contains(.compact) }) {
                logger.warning("the cleaner is off: compacted logs grow, all records are kept")
            }
            return
        }
        for log in logs { startCleaning(log) }
    }

    /// Sees to it that the log's directory has threads that clean, if the log wants to be cleaned. Most brokers have
    /// directories without compacted logs, and some have none at all. Where no thread can be had it is tried again with the
    /// next look for old segments.
    func startCleaning(_ log: Log) {
        guard log.config.cleanupPolicy.contains(.compact), cleaner.options.threads > 0,
            let directory = directories.first(where: { $0.health === log.environment.directory })
        else { return }
        directory.cleanerThreads.withLock { threads in
            guard threads == nil, state.withLock({ $0.isCleaning && !$0.isStopped }) else { return }
            threads = CleanerThreads(cleaner, number: directory.number) { [weak self, weak directory] in
                guard let self, let directory else { return [] }
                cleaner.forgetOthers(than: self.logs)
                return self.logs.filter { $0.environment.directory === directory.health }
            }
            if threads == nil {
                logger.warning("no thread can be had that cleans logs", ["dir": directory.path])
            }
        }
    }

    /// Puts other settings of the cleaner into force. Only whether it is enabled stays as it was at the start.
    public func changeCleaner(_ settings: CleanerOptions) {
        let before = cleaner.options
        var options = settings
        (options.isEnabled, options.directories) = (before.isEnabled, before.directories)
        guard options != before else { return }
        cleaner.change(options)
        logger.info(
            "the cleaner's settings",
            [
                "threads": options.threads, "dedupeBufferBytes": options.dedupeBufferBytes,
                "ioBufferBytes": options.ioBufferBytes, "maxBytesPerSecond": options.maxBytesPerSecond,
                "backoffMs": options.backoffMs,
            ])
        for log in logs { startCleaning(log) }
        for directory in directories { directory.cleanerThreads.withLock { $0 }?.settingsHaveChanged() }
    }

    /// What the cleaner is doing and has done.
    public var cleanerStatus: CleanerStatus { cleaner.status }
}

extension LogDirectory {
    /// Stops cleaning here, and waits for it; what was begun is thrown away.
    func stopCleaning() {
        cleanerThreads.withLock { threads in
            defer { threads = nil }
            return threads
        }?.stop()
    }
}
