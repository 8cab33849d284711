internal import Synchronization

/// What else there is of a partition that is in more than one log directory: left as it is, and used by nobody.
struct SurplusLogs: Sendable {
    /// Sound, and closed.
    var logs: [Log] = []
    /// What cannot be opened.
    var refused: [RefusedLog] = []
}

extension LogManager {
    /// Decides which log is used of partitions that were found in several directories, which a copy, a half-finished move
    /// of Kafka's or a directory that came back leave. Kafka does not start then; here it costs at most that partition.
    ///
    /// Used is a log of the topic that the cluster has, and of several the one that was written last: of the highest leader
    /// epoch, then the one that goes on longest. Where one of them cannot be opened nobody knows whether it is that one:
    /// then none is used.
    func settleSurplus(topicId: (String) -> Uuid?) {
        let names = state.withLock { state in
            Set(state.surplus.keys).union(state.logs.keys.filter { state.refused[$0] != nil })
        }
        for name in names.sorted() { settle(name, topicId(name.topic)) }
    }

    private func settle(_ name: TopicPartition, _ topicId: Uuid?) {
        let all = state.withLock { state in
            var all = state.surplus.removeValue(forKey: name) ?? SurplusLogs()
            if let log = state.logs.removeValue(forKey: name) { all.logs.append(log) }
            if let refused = state.refused.removeValue(forKey: name) { all.refused.append(refused) }
            return all
        }
        // What is of an earlier topic of that name is no rival.
        let rivals = all.logs.isEmpty ? all.refused : all.refused.filter { !isOther($0.loader, than: topicId) }
        let used = rivals.isEmpty ? all.logs.max { isBefore($0, $1, topicId) } : nil
        let first = rivals.first
        let rest = SurplusLogs(
            logs: all.logs.filter { $0 !== used },
            refused: all.refused.filter { $0.loader.folder !== first?.loader.folder })
        for log in rest.logs { close(log) }
        state.withLock { state in
            state.logs[name] = used
            state.surplus[name] = rest
            guard let first else { return }
            let error = LogError(
                .kafkaStorageError,
                "\(name) is in several log directories and one of them cannot be used: \(first.error.message)")
            state.refused[name] = RefusedLog(error: error, loader: first.loader)
        }
        let paths = (all.logs.map(\.directoryPath) + all.refused.map(\.loader.folder.path)).sorted()
        logger.error(
            "a partition is in several log directories, all but one of which must be moved away",
            ["partition": name, "dirs": paths.joined(separator: ","), "used": used?.directoryPath ?? "none"])
    }

    private func isBefore(_ one: Log, _ other: Log, _ topicId: Uuid?) -> Bool {
        func rank(_ log: Log) -> (Int, Int32, Int64, Int) {
            let isOther = topicId != nil && log.topicId != nil && log.topicId != topicId
            // One that does not say whose it is may never have been finished.
            return (isOther ? 0 : 1, log.latestEpoch ?? -1, log.logEndOffset, log.topicId == nil ? 0 : 1)
        }
        return rank(one) < rank(other)
    }

    private func isOther(_ loader: LogLoader, than topicId: Uuid?) -> Bool {
        guard let topicId, let text = try? disk.readFile(loader.folder.path + "/" + PartitionMetadataFile.name),
            let found = PartitionMetadataFile.read(text)
        else { return false }
        return found != topicId
    }

    private func close(_ log: Log) {
        do throws(LogError) {
            try log.close()
        } catch {
            logger.error("a log cannot be closed", ["partition": log.topicPartition, "error": error])
        }
    }
}
