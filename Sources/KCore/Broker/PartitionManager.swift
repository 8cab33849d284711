internal import Synchronization

/// Keeps this broker's partitions in step with the cluster: opens logs of new ones, closes and deletes those of topics
/// that are gone, hands changed settings to logs.
///
/// Images come from one thread at a time: the one that starts the broker, then the one that publishes them. A topic's logs
/// are there before the image that shows it, and are deleted only after no reader finds the topic any more. What could
/// not be opened for want of room is tried again by ``openMore(nowMs:)``, on any thread.
final class PartitionManager: ImageListener {
    let table = Published(PartitionTable())
    private let logManager: LogManager
    private let config: BrokerConfig
    private let nodeId: Int32
    private let logger: Logger
    // The newest image. Held while the table is changed.
    private let newest = Mutex<ClusterImage?>(nil)
    private let lacksLogs = Atomic<Bool>(false)
    private let pause = Mutex(RetryPause())
    let missing: MissingLogs
    private let lateOpeningHandlers = Mutex<[@Sendable (TopicImage) -> Void]>([])

    /// - Parameter lostDirectories: see ``MissingLogs/lostDirectories``.
    init(
        logManager: LogManager, lostDirectories: Set<Uuid> = [], config: BrokerConfig, nodeId: Int32, logger: Logger
    ) {
        self.logManager = logManager
        missing = MissingLogs(logManager: logManager, lostDirectories: lostDirectories)
        self.config = config
        self.nodeId = nodeId
        self.logger = logger
    }

    /// Opens everything that `image` gives to this broker, at start.
    func open(_ image: ClusterImage) { newest.withLock { open(image, &$0) } }

    private func open(_ image: ClusterImage, _ newest: inout ClusterImage?) {
        newest = image
        var table = PartitionTable()
        for topic in image.topics {
            noteMissing(topic)
            table.set(entry(for: topic, known: nil, image))
        }
        self.table.publish(table)
        configureCleaner(image)
        setAsideStrays(image)
        logManager.forgetMissingLogs { name in
            guard let topic = image.topic(name.topic), topic.partitions.indices.contains(Int(name.partition)) else {
                return false
            }
            return topic.partitions[Int(name.partition)].leader == nodeId
        }
    }

    private func noteMissing(_ topic: TopicImage) {
        for (index, state) in topic.partitions.enumerated() where state.leader == nodeId {
            let name = TopicPartition(topic: topic.name, partition: Int32(index))
            guard logManager.log(for: name) == nil else { continue }
            let replica = state.replicas.firstIndex(of: nodeId) ?? .max
            missing.note(name, assignedTo: replica < state.directories.count ? state.directories[replica] : .zero)
        }
    }

    // A crash between a topic's end in the metadata and that of its logs leaves them behind.
    private func setAsideStrays(_ image: ClusterImage) {
        for log in logManager.logs {
            let name = log.topicPartition
            if let topic = image.topic(name.topic), topic.partitions.indices.contains(Int(name.partition)) { continue }
            logger.warning("the log of a topic that does not exist is put aside", ["partition": name])
            do throws(LogError) {
                try logManager.setAsideLog(name)
            } catch {
                logger.error("a log cannot be put aside: \(error.message)", ["partition": name])
            }
        }
    }

    func imageWillChange(to image: ClusterImage, _ delta: ClusterDelta) {
        newest.withLock { newest in
            newest = image
            prepare(image, delta)
        }
    }

    private func prepare(_ image: ClusterImage, _ delta: ClusterDelta) {
        var table = self.table.value
        let deleted = Set(delta.deletedTopics.map(\.id))
        for topic in delta.createdTopics {
            logger.info("topic created", ["topic": topic.name, "partitions": topic.partitions.count])
            table.set(entry(for: topic, known: nil, image, deleted: deleted))
        }
        for change in delta.changedTopics {
            table.set(entry(for: change.after, known: table.find(change.after.name), image))
        }
        if !delta.createdTopics.isEmpty || !delta.changedTopics.isEmpty { self.table.publish(table) }
    }

    func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta) {
        newest.withLock { _ in complete(image, delta) }
    }

    private func complete(_ image: ClusterImage, _ delta: ClusterDelta) {
        applyConfigs(image, delta)
        guard !delta.deletedTopics.isEmpty else { return }
        var table = self.table.value
        var gone: [PartitionTable.Topic] = []
        for topic in delta.deletedTopics {
            // A topic that was created again under the same name in one step is another one.
            guard let entry = table.find(topic: topic.name, id: topic.id) else { continue }
            logger.info("topic deleted", ["topic": topic.name])
            table.remove(entry)
            gone.append(entry)
        }
        self.table.publish(table)
        for topic in gone {
            for index in topic.offline {
                let name = TopicPartition(topic: topic.name, partition: index)
                _ = missing.giveUp(name)
                deleteLog(name)
            }
        }
        for partition in gone.flatMap(\.partitions).compactMap({ $0 }) {
            partition.close()
            // A topic that was created anew under the same name has another log, which stays.
            guard logManager.log(for: partition.topicPartition) === partition.log else { continue }
            deleteLog(partition.topicPartition)
        }
    }

    private func deleteLog(_ name: TopicPartition) {
        do throws(LogError) {
            try logManager.deleteLog(name)
        } catch {
            logger.error("a log cannot be deleted: \(error.message)", ["partition": name])
        }
    }

    /// Wakes whoever waits for records of partitions that a failed directory has taken along.
    func directoryFailed() {
        for partition in table.value.topics.flatMap(\.partitions).compactMap({ $0 }) where partition.log.isOffline {
            partition.directoryFailed()
        }
    }

    /// Has `handler` called with each topic of which ``openMore(nowMs:)`` has opened a partition: no image tells of that. It
    /// must not wait, and is called before the next image's changes are made.
    func onLateOpening(_ handler: @escaping @Sendable (TopicImage) -> Void) {
        lateOpeningHandlers.withLock { $0.append(handler) }
    }

    /// Whether ``openMore(nowMs:)`` may find something to do, and has not been tried in vain just now.
    func mayOpenMore(nowMs: Int64) -> Bool {
        lacksLogs.load(ordering: .relaxed) && pause.withLock { $0.isDue(nowMs: nowMs) }
    }

    /// Tries again to open logs that could not be opened because there was no room, or too much was open.
    func openMore(nowMs: Int64) {
        newest.withLock { image in
            guard let image, lacksLogs.exchange(false, ordering: .relaxed) else { return }
            var table = self.table.value
            var changed: [TopicImage] = []
            for known in table.topics where !known.offline.isEmpty {
                guard let topic = image.topic(id: known.id) else { continue }
                let entry = entry(for: topic, known: known, image)
                if entry.offline != known.offline { changed.append(topic) }
                table.set(entry)
            }
            self.table.publish(table)
            let isAllOpen = !lacksLogs.load(ordering: .relaxed)
            pause.withLock { if isAllOpen { $0.succeeded() } else { $0.failed(nowMs: nowMs) } }
            let handlers = lateOpeningHandlers.withLock { $0 }
            for topic in changed { for handler in handlers { handler(topic) } }
        }
    }

    /// Stops serving. Logs stay open: the log manager closes them.
    func close() {
        for partition in table.value.topics.flatMap(\.partitions).compactMap({ $0 }) { partition.close() }
    }

    private func entry(
        for topic: TopicImage, known: PartitionTable.Topic?, _ image: ClusterImage, deleted: Set<Uuid> = []
    ) -> PartitionTable.Topic {
        var partitions: [Partition?] = []
        var offline: Set<Int32> = []
        partitions.reserveCapacity(topic.partitions.count)
        createLogs(of: topic, known, image)
        for (index, state) in topic.partitions.enumerated() {
            let index = Int32(index)
            guard state.leader == nodeId else {
                partitions.append(nil)
                continue
            }
            if let partition = known?.partition(index) {
                partition.lead(epoch: state.leaderEpoch, inSyncReplicas: state.isr.count)
                partitions.append(partition)
                continue
            }
            let name = TopicPartition(topic: topic.name, partition: index)
            do throws(LogError) {
                let log = try log(of: topic, name, image, deleted: deleted)
                partitions.append(
                    Partition(
                        topicPartition: name, topicId: topic.id, log: log, leaderEpoch: state.leaderEpoch,
                        inSyncReplicas: state.isr.count))
            } catch {
                if known?.offline.contains(index) != true {
                    logger.error("a log cannot be opened: \(error.message)", ["partition": name])
                }
                if error.isTransient { lacksLogs.store(true, ordering: .relaxed) }
                partitions.append(nil)
                offline.insert(index)
            }
        }
        return PartitionTable.Topic(name: topic.name, id: topic.id, partitions: partitions, offline: offline)
    }

    // All at a time, which is much less work for the disk. What cannot be created is told one by one.
    private func createLogs(of topic: TopicImage, _ known: PartitionTable.Topic?, _ image: ClusterImage) {
        let names = topic.partitions.indices.filter { index in
            topic.partitions[index].leader == nodeId && known?.partition(Int32(index)) == nil
                && known?.isOffline(Int32(index)) != true
        }.map { TopicPartition(topic: topic.name, partition: Int32($0)) }.filter { !missing.contains($0) }
        if names.count > 1 { logManager.createLogs(names, topicId: topic.id, config: logConfig(topic.name, image)) }
    }

    private func log(
        of topic: TopicImage, _ name: TopicPartition, _ image: ClusterImage, deleted: Set<Uuid>
    ) throws(LogError) -> Log {
        if let log = logManager.log(for: name) {
            guard let id = log.topicId else {
                // The name is all that there is to go by.
                try log.adopt(topicId: topic.id)
                return log
            }
            if id == topic.id { return log }
            // Only who knows that the other topic has ended may remove its log: the file may be what is wrong.
            guard deleted.contains(id) else {
                throw LogError(
                    .kafkaStorageError,
                    "\(log.directoryPath)/\(PartitionMetadataFile.name) says topic id \(id), but \(topic.name) has "
                        + "\(topic.id). Correct the file if it is damaged; if this is left of a topic of the same name "
                        + "that was deleted, move the directory away. Then start again")
            }
            logger.warning("the log of a deleted topic is removed", ["partition": name])
            try logManager.deleteLog(name)
        }
        if missing.contains(name), mayBeginAnew(topic, image), missing.giveUp(name) {
            logger.error(
                "a log that is missing begins anew, without its records, as unclean.leader.election.enable says",
                ["partition": name])
        }
        try missing.check(name)
        return try logManager.createLog(name, topicId: topic.id, config: logConfig(topic.name, image))
    }

    private func mayBeginAnew(_ topic: TopicImage, _ image: ClusterImage) -> Bool {
        ConfigResolver(broker: config, nodeId: nodeId, image: image)
            .topicValue("unclean.leader.election.enable", topic: image.configs(of: .topic(topic.name)))?
            .lowercased() == "true"
    }

    // MARK: Settings

    func logConfig(_ topic: String, _ image: ClusterImage) -> LogConfig {
        LogConfig(topic: topic, broker: config, nodeId: nodeId, image: image)
    }

    private func configureCleaner(_ image: ClusterImage) {
        logManager.changeCleaner(CleanerOptions(ConfigResolver(broker: config, nodeId: nodeId, image: image)))
    }

    private func applyConfigs(_ image: ClusterImage, _ delta: ClusterDelta) {
        guard !delta.changedConfigs.isEmpty else { return }
        let table = self.table.value
        let changesDefaults = delta.changedConfigs.contains { $0.type == .broker }
        if changesDefaults { configureCleaner(image) }
        let topics =
            changesDefaults
            ? table.topics
            : delta.changedConfigs.filter { $0.type == .topic }.compactMap { table.find($0.name) }
        for topic in topics {
            let config = logConfig(topic.name, image)
            // What is missing may be given up now.
            if !topic.offline.isEmpty { lacksLogs.store(true, ordering: .relaxed) }
            for partition in topic.partitions.compactMap({ $0 }) {
                partition.updateConfig(config)
                // Of a topic that was not compacted, this may be the first log here that is.
                logManager.startCleaning(partition.log)
            }
        }
    }
}
