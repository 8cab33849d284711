internal import Synchronization
internal import Glibc

extension LogManager {
    /// Takes a directory offline that is gone: renamed, removed or unmounted under a running broker. What is open goes on
    /// working for a while then, and whatever is made in its place would be taken for the truth.
    func checkPresence(of directory: LogDirectory) {
        if directory.health.isOffline { return }
        directory.checkPresence(disk) { self.logs.filter { $0.environment.directory === directory.health } }
    }
}

extension LogDirectory {
    /// Takes the directory offline when it is gone, or another one has its name.
    /// - Parameter logs: those that are in it.
    func checkPresence(_ disk: any Disk, logs: () -> [Log]) {
        do throws(DiskError) {
            if try hasLock(disk) { return }
            // Somebody may have removed the lock's file, and nothing else.
            let names = Set(try disk.list(path).map(\.name))
            let logs = logs()
            let isHere = logs.contains { names.contains($0.topicPartition.description) }
            if isHere || logs.isEmpty && !names.isEmpty { return }
            throw DiskError(.open, path: path + "/" + LogDirectoryName.lockFile, code: ENOENT)
        } catch {
            // With too much open nobody can tell.
            if error.isMissing || !error.isHarmless { _ = health.fail(error) }
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
        guard path.hasPrefix(folder + "/"),
            let file = SegmentFileKind.parse(String(path.dropFirst(folder.utf8.count + 1)))
        else { return false }
        return published.withLock { $0.segments.contains { $0.baseOffset == file.baseOffset } }
    }
}
