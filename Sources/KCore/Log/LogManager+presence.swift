internal import Synchronization
internal import Glibc

extension LogManager {
    /// Takes a directory offline that is gone: renamed, removed, unmounted or exchanged under a running broker. What is open
    /// goes on working for a while then, and whatever is made in its place would be taken for the truth.
    func checkPresence(of directory: LogDirectory) {
        if directory.health.isOffline { return }
        do throws(DiskError) {
            let isLocked = try directory.health.watch.during { () throws(DiskError) in
                guard try disk.identity(directory.path) == directory.identity else {
                    throw DiskError(.open, path: directory.path, code: ENOENT)
                }
                // Somebody may have removed the lock's file, and nothing else.
                return try directory.keepLock(disk)
            }
            if isLocked { return }
            logger.warning(
                "the lock of a log directory was gone, and is taken anew",
                ["file": directory.path + "/" + LogDirectoryName.lockFile])
        } catch {
            // With too much open nobody can tell.
            if error.isMissing || !error.isHarmless { _ = directory.health.fail(error) }
        }
    }
}

extension Log {
    /// The answer to a file that is not there. One that was deleted, for its age or with its partition, is not missed. Of any
    /// other one nobody knows what else is gone, and the directory is offline.
    func answer(toMissing error: DiskError) -> LogError {
        if isDeleted.load(ordering: .acquiring) || !isOwn(error.path) { return LogError(error) }
        return environment.directory.fail(error)
    }

    private func isOwn(_ path: String) -> Bool {
        let folder = folder.path
        if path == folder { return true }
        guard path.hasPrefix(folder + "/") else { return false }
        // Its directory is gone with all that was in it, or was to be made in it.
        if (try? environment.disk.identity(folder)) == .some(nil) { return true }
        guard
            let file = SegmentFileKind.parse(String(path.dropFirst(folder.utf8.count + 1)))
        else { return false }
        return published.withLock { $0.segments.contains { $0.baseOffset == file.baseOffset } }
    }
}
