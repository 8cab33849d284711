internal import Synchronization

/// Files and directories that are removed after a while, so that who still reads from them can finish.
final class RemovalQueue: Sendable {
    private struct Entry: Sendable {
        var path: String
        var atMs: Int64
    }

    private let entries = Mutex<[Entry]>([])

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

    /// Removes what is due. What cannot be removed is reported and left for the next start.
    func removeDue(nowMs: Int64, disk: any Disk, logger: Logger) {
        let due = entries.withLock { entries in
            let due = entries.filter { $0.atMs <= nowMs }
            if !due.isEmpty { entries.removeAll { $0.atMs <= nowMs } }
            return due
        }
        for entry in due {
            do {
                try disk.removeTree(entry.path)
            } catch {
                logger.warning("a deleted file cannot be removed", ["path": entry.path, "error": error])
            }
        }
    }
}
