internal import Synchronization

/// A directory that was to get another name and could not for a reason that passes.
enum UnfinishedEnd: Sendable {
    case delete(Log)
    case setAside(Log)
    /// Of a log that could not be opened.
    case remove(LogLoader)

    /// Where it is.
    fileprivate var directory: DirectoryHealth {
        switch self {
        case .delete(let log), .setAside(let log): log.environment.directory
        case .remove(let loader): loader.environment.directory
        }
    }
}

extension LogManager {
    /// Removes a partition's log: its directory is renamed now and removed after a while. No log is fine.
    /// - Throws: KAFKA_STORAGE_ERROR. Where there was only no room it is done later, and before the name is used again.
    public func deleteLog(_ topicPartition: TopicPartition) throws(LogError) {
        // Of one that is being made where the disk does not answer, nothing is to be left either.
        state.withLock { $0.makers[topicPartition] = nil }
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
        for name in state.withLock({ Array($0.unfinished.keys) }).sorted() {
            do throws(LogError) {
                try finishEnd(of: name)
            } catch {
                logger.warning("a directory cannot be renamed", ["partition": name, "error": error])
            }
        }
    }

    /// The same in one directory, when it stops.
    func finishEnds(in directory: LogDirectory) {
        let ends = state.withLock { state in
            let ends = state.unfinished.values.joined().filter { $0.directory === directory.health }
            state.unfinished = state.unfinished.mapValues { $0.filter { $0.directory !== directory.health } }
            return ends
        }
        for end in ends {
            do throws(LogError) {
                try finish(end)
            } catch {
                logger.warning("a directory cannot be renamed", ["dir": directory.path, "error": error])
            }
        }
    }

    /// The same for one partition, whose name is needed.
    func finishEnd(of topicPartition: TopicPartition) throws(LogError) {
        guard let ends = state.withLock({ $0.unfinished.removeValue(forKey: topicPartition) }) else { return }
        try finish(ends, of: topicPartition)
    }

    /// - Throws: the first error. What failed for a reason that passes is unfinished; where a disk does not answer it is done
    ///   once it does.
    private func finish(_ ends: [UnfinishedEnd], of topicPartition: TopicPartition) throws(LogError) {
        let failures = Mutex<[LogError]>([])
        let tasks = ends.compactMap { end -> DirectoryTask? in
            guard let directory = directories.first(where: { $0.health === end.directory }) else { return nil }
            return DirectoryTask(directory: directory) { [self] _ in
                do throws(LogError) {
                    try finish(end)
                } catch {
                    failures.withLock { $0.append(error) }
                    guard error.isTransient else { return }
                    state.withLock { $0.unfinished[topicPartition, default: []].append(end) }
                }
            }
        }
        let areDone = perform(tasks)
        if let failure = failures.withLock({ $0.first }) { throw failure }
        guard let late = areDone.firstIndex(of: false) else { return }
        throw unanswered(topicPartition, in: tasks[late].directory.path)
    }

    private func finish(_ end: UnfinishedEnd) throws(LogError) {
        switch end {
        case .delete(let log): try log.delete()
        case .setAside(let log): try log.setAside()
        case .remove(let loader): try remove(loader)
        }
    }

    private func remove(_ loader: LogLoader) throws(LogError) {
        let environment = loader.environment
        do {
            try environment.directory.watch.during { () throws(DiskError) in
                try loader.folder.rename(to: LogDirectoryName.deleted(loader.topicPartition))
                try disk.syncDirectory(parentDirectory(loader.folder.path))
            }
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
