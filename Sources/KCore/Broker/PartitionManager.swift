internal import Synchronization

/// Keeps this broker's partitions in step with the cluster: opens logs of new ones, closes and deletes those of topics
/// that are gone, hands changed settings to logs.
///
/// Called by one thread at a time: the one that starts the broker, then the one that publishes images. A topic's logs
/// are there before the image that shows it, and are deleted only after no reader finds the topic any more.
final class PartitionManager: ImageListener {
    let table = Published(PartitionTable())
    private let logManager: LogManager
    private let config: BrokerConfig
    private let nodeId: Int32
    private let logger: Logger

    init(logManager: LogManager, config: BrokerConfig, nodeId: Int32, logger: Logger) {
        self.logManager = logManager
        self.config = config
        self.nodeId = nodeId
        self.logger = logger
    }

    /// Opens everything that `image` gives to this broker, at start.
    func open(_ image: ClusterImage) {
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
        var table = self.table.value
        for topic in delta.createdTopics {
            logger.info("topic created", ["topic": topic.name, "partitions": topic.partitions.count])
            table.set(entry(for: topic, known: nil, image))
            if logConfig(topic.name, image).cleanupPolicy.contains(.compact) {
                // People who see their configuration accepted must not wait for something that does not come.
                logger.warning("logs are not compacted yet, all records are kept", ["topic": topic.name])
            }
        }
        for change in delta.changedTopics {
            table.set(entry(for: change.after, known: table.find(change.after.name), image))
        }
        if !delta.createdTopics.isEmpty || !delta.changedTopics.isEmpty { self.table.publish(table) }
    }

    func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta) {
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
        for partition in gone.flatMap(\.partitions).compactMap({ $0 }) {
            partition.close()
            // A topic that was created anew under the same name has another log, which stays.
            guard logManager.log(for: partition.topicPartition) === partition.log else { continue }
            do throws(LogError) {
                try logManager.deleteLog(partition.topicPartition)
            } catch {
                logger.error("a log cannot be deleted: \(error.message)", ["partition": partition.topicPartition])
            }
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
                logger.error("a log cannot be opened: \(error.message)", ["partition": name])
                partitions.append(nil)
                offline.insert(index)
            }
        }
        return PartitionTable.Topic(name: topic.name, id: topic.id, partitions: partitions, offline: offline)
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
