internal import Synchronization

/// Logs that checkpoints promise records of and that are in no directory.
extension LogManager {
    /// Remembers a partition as one whose log is refused, so that its checkpoints go on saying what they say and nothing
    /// is created in its place.
    func refuseMissing(
        _ topicPartition: TopicPartition, _ loader: LogLoader, promisedEnd: Int64, in directory: LogDirectory
    ) {
        let error = LogError(
            .kafkaStorageError,
            "the checkpoints in \(directory.path) tell of a log with records up to \(promisedEnd)")
        state.withLock { state in
            state.refused[topicPartition] = RefusedLog(error: error, loader: loader, isMissing: true)
        }
    }

    /// What is known of a log that was not found at the start; nil when nothing says that there was one.
    func promiseOfMissingLog(_ topicPartition: TopicPartition) -> String? {
        state.withLock { state in
            guard let refused = state.refused[topicPartition], refused.isMissing else { return nil }
            return refused.error.message
        }
    }

    /// The partition has no log any more that could come back.
    func forgetMissingLog(_ topicPartition: TopicPartition) {
        guard promiseOfMissingLog(topicPartition) != nil else { return }
        for directory in directories { directory.stale.withLock { _ = $0.insert(topicPartition) } }
        state.withLock { $0.refused[topicPartition] = nil }
    }

    /// Forgets the missing logs of partitions that the cluster does not have.
    func forgetMissingLogs(unless isWanted: (TopicPartition) -> Bool) {
        let missing = state.withLock { $0.refused.filter { $0.value.isMissing }.map(\.key) }
        for name in missing where !isWanted(name) { forgetMissingLog(name) }
    }
}
