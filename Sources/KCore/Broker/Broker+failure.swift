internal import Synchronization

/// Why a broker cannot go on, once it cannot; and who wants to know.
struct BrokerFailure: Sendable {
    var reason: String?
    var handler: (@Sendable () -> Void)?
}

extension Broker {
    /// Why the broker has to end: its metadata can no longer be kept, or no log directory is left. Nil while it serves. Whoever
    /// started it is to stop it then.
    public var failureReason: String? { failure.withLock { $0.reason } }

    /// Has `handler` called once when ``failureReason`` is set, or now when it is. On any thread; it must not wait.
    public func onFailure(_ handler: @escaping @Sendable () -> Void) {
        let isLate = failure.withLock { failure in
            if failure.reason != nil { return true }
            failure.handler = handler
            return false
        }
        if isLate { handler() }
    }

    /// Has failures of disks reported to the broker.
    func watchDisks() {
        logManager.onDirectoryFailure { [weak self] in self?.directoryFailed($0) }
        controller.onFailure { [weak self] in self?.fail("metadata can no longer be changed: \($0)") }
        // What failed before anybody listened.
        for (path, _) in logManager.offlineDirectories { directoryFailed(path) }
    }

    private func directoryFailed(_ path: String) {
        partitions.directoryFailed()
        let offline = logManager.offlineDirectories
        let reason = offline.first { $0.path == path }?.reason ?? ""
        if path == settings.metadataDirectory {
            fail("the log directory \(path), which has the metadata log, is offline: \(reason)")
        } else if offline.count == settings.logDirectories.count {
            fail("all log directories are offline, the last one \(path): \(reason)")
        }
    }

    private func fail(_ reason: String) {
        let (isFirst, handler) = failure.withLock { failure in
            if failure.reason != nil { return (false, nil as (@Sendable () -> Void)?) }
            failure.reason = reason
            return (true, failure.handler)
        }
        guard isFirst else { return }
        logger.error("the broker cannot go on: \(reason)")
        handler?()
    }
}
