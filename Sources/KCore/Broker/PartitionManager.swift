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

    init(logManager: LogManager, config: BrokerConfig, nodeId: Int32, logger: Logger) {
        self.logManager = logManager
        self.config = config
        self.nodeId = nodeId
        self.logger = logger
    }

    /// Opens everything that `image` gives to this broker, at start.
    func open(_ image: ClusterImage) { newest.withLock { open(image, &$0) } }

    private func open(_ image: ClusterImage, _ newest: inout ClusterImage?) {
        newest = image
        var table = PartitionTable()
        for topic in image.topics { table.set(entry(for: topic, known: nil, image, isStart: true)) }
        self.table.publish(table)
        setAsideStrays(image)
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
        for topic in delta.createdTopics {
            logger.info("topic created", ["topic": topic.name, "partitions": topic.partitions.count])
            table.set(entry(for: topic, known: nil, image))
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
            for index in topic.offline { deleteLog(TopicPartition(topic: topic.name, partition: index)) }
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

    /// Whether ``openMore(nowMs:)`` may find something to do, and has not been tried in vain just now.
    func mayOpenMore(nowMs: Int64) -> Bool {
        lacksLogs.load(ordering: .relaxed) && pause.withLock { $0.isDue(nowMs: nowMs) }
    }

    /// Tries again to open logs that could not be opened because there was no room, or too much was open.
    func openMore(nowMs: Int64) {
        newest.withLock { image in
            guard let image, lacksLogs.exchange(false, ordering: .relaxed) else { return }
            var table = self.table.value
            for known in table.topics where !known.offline.isEmpty {
                guard let topic = image.topic(id: known.id) else { continue }
                table.set(entry(for: topic, known: known, image))
            }
            self.table.publish(table)
            let isAllOpen = !lacksLogs.load(ordering: .relaxed)
            pause.withLock { if isAllOpen { $0.succeeded() } else { $0.failed(nowMs: nowMs) } }
        }
    }

    /// Stops serving. Logs stay open: the log manager closes them.
    func close() {
        for partition in table.value.topics.flatMap(\.partitions).compactMap({ $0 }) { partition.close() }
    }

    private func entry(
        for topic: TopicImage, known: PartitionTable.Topic?, _ image: ClusterImage, isStart: Bool = false
    ) -> PartitionTable.Topic {
        var partitions: [Partition?] = []
        var offline: Set<Int32> = []
        partitions.reserveCapacity(topic.partitions.count)
        createLogs(of: topic, known, image, isStart: isStart)
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
                let log = try log(of: topic, name, image, isStart: isStart)
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
    private func createLogs(
        of topic: TopicImage, _ known: PartitionTable.Topic?, _ image: ClusterImage, isStart: Bool
    ) {
        if isStart && logManager.hasOfflineDirectory { return }
        let names = topic.partitions.indices.filter { index in
            topic.partitions[index].leader == nodeId && known?.partition(Int32(index)) == nil
                && known?.isOffline(Int32(index)) != true
        }.map { TopicPartition(topic: topic.name, partition: Int32($0)) }
        if names.count > 1 { logManager.createLogs(names, topicId: topic.id, config: logConfig(topic.name, image)) }
    }

    private func log(
        of topic: TopicImage, _ name: TopicPartition, _ image: ClusterImage, isStart: Bool
    ) throws(LogError) -> Log {
        if let log = logManager.log(for: name) {
            if log.topicId == nil || log.topicId == topic.id { return log }
            // What is left of a topic that had the same name and was deleted while this broker was down.
            logger.warning("the log of a deleted topic is removed", ["partition": name])
            try logManager.deleteLog(name)
        }
        // A log that is missing at start may be in a directory that cannot be used now. An empty one in its place would
        // be taken for the truth.
        if isStart && logManager.hasOfflineDirectory {
            throw LogError(.kafkaStorageError, "no log of \(name) is found, and a log directory is offline")
        }
        return try logManager.createLog(name, topicId: topic.id, config: logConfig(topic.name, image))
    }

    // MARK: Settings

    func logConfig(_ topic: String, _ image: ClusterImage) -> LogConfig {
        LogConfig(
            topic: image.configs(of: .topic(topic)), ConfigResolver(broker: config, nodeId: nodeId, image: image))
    }

    private func applyConfigs(_ image: ClusterImage, _ delta: ClusterDelta) {
        guard !delta.changedConfigs.isEmpty else { return }
        let table = self.table.value
        let changesDefaults = delta.changedConfigs.contains { $0.type == .broker }
        let topics =
            changesDefaults
            ? table.topics
            : delta.changedConfigs.filter { $0.type == .topic }.compactMap { table.find($0.name) }
        for topic in topics {
            let config = logConfig(topic.name, image)
            for partition in topic.partitions.compactMap({ $0 }) { partition.updateConfig(config) }
        }
    }
}
