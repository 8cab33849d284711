internal import Synchronization

/// Partitions of this broker that had a log somewhere, which was not there at the start.
///
/// It may be in a directory that is away: one that fails, is not mounted, or was left out of `log.dirs`. An empty log in
/// its place would be taken for the truth, so the partition stays offline until the log is back, the topic is deleted,
/// or its `unclean.leader.election.enable` says that losing records is better than waiting.
final class MissingLogs: Sendable {
    private let logManager: LogManager
    /// Ids of the directories that this broker registered with the last time and that are not there now.
    let lostDirectories: Set<Uuid>
    private let reasons = Mutex<[TopicPartition: String]>([:])

    init(logManager: LogManager, lostDirectories: Set<Uuid> = []) {
        self.logManager = logManager
        self.lostDirectories = lostDirectories
    }

    /// Ids of lost directories that a log may still be in: the broker goes on to register with them, so that the next
    /// start knows of them too.
    var awaitedDirectories: Set<Uuid> { reasons.withLock { $0.isEmpty } ? [] : lostDirectories }

    /// Looks at a partition for which no log was found at the start, and remembers it when it must have had one.
    /// - Parameter directory: where the cluster says that its log is; zero when it does not say.
    func note(_ name: TopicPartition, assignedTo directory: Uuid) {
        guard let reason = reason(name, directory) else { return }
        reasons.withLock { $0[name] = reason }
    }

    private func reason(_ name: TopicPartition, _ directory: Uuid) -> String? {
        if let promise = logManager.promiseOfMissingLog(name) { return promise }
        if logManager.hasOfflineDirectory { return "a log directory is offline" }
        guard !lostDirectories.isEmpty, directory == .zero || lostDirectories.contains(directory) else { return nil }
        let ids = lostDirectories.map(\.description).sorted().joined(separator: ", ")
        return "the log directory with directory.id \(ids) is not among log.dirs any more"
    }

    func contains(_ name: TopicPartition) -> Bool { reasons.withLock { $0[name] != nil } }

    /// - Throws: KAFKA_STORAGE_ERROR while the partition's log is missing.
    func check(_ name: TopicPartition) throws(LogError) {
        guard let reason = reasons.withLock({ $0[name] }) else { return }
        throw LogError(
            .kafkaStorageError,
            "no log of \(name) is found, and \(reason). Bring it back and start again, or delete the topic; "
                + "with unclean.leader.election.enable=true on the topic it begins anew, without its records")
    }

    /// The partition may begin anew: its log is given up, or it has ended.
    /// - Returns: whether it was missing.
    func giveUp(_ name: TopicPartition) -> Bool {
        guard reasons.withLock({ $0.removeValue(forKey: name) }) != nil else { return false }
        logManager.forgetMissingLog(name)
        return true
    }
}
