internal import Synchronization

/// A directory that was to get another name and could not for a reason that passes.
enum UnfinishedEnd: Sendable {
    case delete(Log)
    case setAside(Log)
    /// Of a log that could not be opened.
    case remove(LogLoader)
}

extension LogManager {
    /// Removes a partition's log: its directory is renamed now and removed after a while. No log is fine.
    /// - Throws: KAFKA_STORAGE_ERROR. Where there was only no room it is done later, and before the name is used again.
    public func deleteLog(_ topicPartition: TopicPartition) throws(LogError) {
        var ends = take(topicPartition).map { UnfinishedEnd.delete($0) }
        // What could not be opened goes too: the name must be free for the next topic that has it.
        let refused = state.withLock { $0.refused.removeValue(forKey: topicPartition) }
        if let refused { ends.append(.remove(refused.loader)) }
        ends += takeSurplus(topicPartition)
        try finish(ends, of: topicPartition)
    }

    /// Puts a log aside that belongs to no topic of the cluster: its directory is renamed and kept, as Kafka does, since
    /// it may be the metadata that is wrong.
    public func setAsideLog(_ topicPartition: TopicPartition) throws(LogError) {
        try finish(take(topicPartition).map { UnfinishedEnd.setAside($0) }, of: topicPartition)
    }

    /// Tries again what could not be done for want of room.
    func finishEnds() {
        creating.withLock { _ in
            for name in state.withLock({ Array($0.unfinished.keys) }).sorted() {
                do throws(LogError) {
                    try finishEnd(of: name)
                } catch {
                    logger.warning("a directory cannot be renamed", ["partition": name, "error": error])
                }
            }
        }
    }

    /// The same for one partition, whose name is needed.
    func finishEnd(of topicPartition: TopicPartition) throws(LogError) {
        guard let ends = state.withLock({ $0.unfinished.removeValue(forKey: topicPartition) }) else { return }
        try finish(ends, of: topicPartition)
    }

    private func finish(_ ends: [UnfinishedEnd], of topicPartition: TopicPartition) throws(LogError) {
        var failure: LogError?
        for end in ends {
            do throws(LogError) {
                switch end {
                case .delete(let log): try log.delete()
                case .setAside(let log): try log.setAside()
                case .remove(let loader): try remove(loader)
                }
            } catch {
                failure = failure ?? error
                guard error.isTransient else { continue }
                state.withLock { $0.unfinished[topicPartition, default: []].append(end) }
            }
        }
        if let failure { throw failure }
    }

    private func remove(_ loader: LogLoader) throws(LogError) {
        let environment = loader.environment
        do {
            try loader.folder.rename(to: LogDirectoryName.deleted(loader.topicPartition))
            try disk.syncDirectory(parentDirectory(loader.folder.path))
            environment.removeLater([loader.folder.path], after: loader.config.fileDeleteDelayMs)
        } catch  where error.isMissing {
        } catch {
            throw error.isHarmless ? LogError(error) : environment.directory.fail(error)
        }
    }

    private func take(_ topicPartition: TopicPartition) -> [Log] {
        for directory in directories { directory.stale.withLock { _ = $0.insert(topicPartition) } }
        return state.withLock { $0.logs.removeValue(forKey: topicPartition).map { [$0] } ?? [] }
    }

    private func takeSurplus(_ topicPartition: TopicPartition) -> [UnfinishedEnd] {
        guard let surplus = state.withLock({ $0.surplus.removeValue(forKey: topicPartition) }) else { return [] }
        return surplus.logs.map { .delete($0) } + surplus.refused.map { .remove($0.loader) }
    }
}
