internal import Synchronization

/// Files and directories that are removed after a while, so that who still reads from them can finish.
final class RemovalQueue: Sendable {
    private struct Entry: Sendable {
        var path: String
        var atMs: Int64
        /// That it could not be removed has been said.
        var isTold = false
    }

    private let entries = Mutex<[Entry]>([])
    /// When to try again to remove what must not go yet, or could not.
    private static let retryMs: Int64 = 10_000

    /// - Parameter atMs: on the clock that ``removeDue(nowMs:disk:logger:)`` is asked with.
    func add(_ paths: [String], atMs: Int64) {
        entries.withLock { entries in
            for path in paths { entries.append(Entry(path: path, atMs: atMs)) }
        }
    }

    var count: Int { entries.withLock { $0.count } }

    /// Whether the directory of a deleted log is due: no checkpoint may name that log once it is gone, or a start would miss it.
    func hasDeletedLogs(nowMs: Int64) -> Bool {
        entries.withLock { entries in
            entries.contains { $0.atMs <= nowMs && $0.path.hasSuffix(LogDirectoryName.deleteSuffix) }
        }
    }

    /// Removes what is due. What cannot be removed is reported; where too much was open it is tried again, else it is left for
    /// the next start.
    /// - Parameter named: deleted logs that a checkpoint still names. Their directories are emptied and stay for a while: they
    ///   tell a start that the log was deleted.
    func removeDue(nowMs: Int64, keepingNamesOf named: Set<TopicPartition> = [], disk: any Disk, logger: Logger) {
        let due = entries.withLock { entries in
            let due = entries.filter { $0.atMs <= nowMs }
            if !due.isEmpty { entries.removeAll { $0.atMs <= nowMs } }
            return due
        }
        for entry in due {
            do {
                if !named.isEmpty, let log = LogDirectoryName.parseDeleted(lastComponent(entry.path)),
                    named.contains(log)
                {
                    try disk.removeContents(of: entry.path)
                    tryAgain(entry, nowMs: nowMs)
                    continue
                }
                try disk.removeTree(entry.path)
            } catch {
                if !entry.isTold {
                    logger.warning("a deleted file cannot be removed", ["path": entry.path, "error": error])
                }
                if error.isHarmless {
                    var entry = entry
                    entry.isTold = true
                    tryAgain(entry, nowMs: nowMs)
                }
            }
        }
    }

    private func tryAgain(_ entry: Entry, nowMs: Int64) {
        var entry = entry
        let (atMs, isNever) = nowMs.addingReportingOverflow(RemovalQueue.retryMs)
        entry.atMs = isNever ? .max : atMs
        entries.withLock { $0.append(entry) }
    }
}
