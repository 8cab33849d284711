extension DataDirectoryCheck {
    // MARK: The metadata log

    /// Reads the metadata log of a data directory, if it has one.
    /// - Parameter isAsked: whether what is wrong with it is told.
    mutating func readMetadata(_ path: String, isAsked: Bool) {
        let directory = "\(path)/\(LocalMetadataLog.directoryName)"
        guard let entries = try? disk.list(directory) else { return }
        if isAsked { metadataLogs.append(directory) }
        if entries.isEmpty { return }
        let wasCleanStop = DirectoryFacts(path, disk).wasCleanStop
        var reader = MetadataLogReader(
            disk: disk, directory: directory, wasCleanStop: wasCleanStop, empty: ClusterImage(clusterId: ""))
        do {
            try reader.read()
            take(reader, directory)
        } catch {
            if isAsked { found(directory, "\(error)") }
            return
        }
        guard isAsked else { return }
        for (snapshot, reason) in reader.badSnapshots { found(snapshot, reason) }
        if let torn = reader.tornEnd {
            found(torn.path, at: torn.position, "\(torn.bytes) bytes at the end are no whole batch", .warning)
        }
    }

    /// Of several logs the one that knows most is believed: an empty one would make everything a stray.
    private mutating func take(_ reader: MetadataLogReader, _ directory: String) {
        var builder = reader.builder
        do {
            let image = try builder.finish(lastOffset: reader.nextOffset - 1).image
            if image.lastOffset > cluster?.image.lastOffset ?? -1 { cluster = (image, directory) }
        } catch {
            found(directory, "\(error)")
        }
    }

    /// Whether the cluster has the partition, as far as is known.
    func isTopicKnown(_ partition: TopicPartition) -> Bool {
        guard let image = cluster?.image else { return true }
        return image.partition(partition) != nil
    }

    // MARK: What is known of a partition

    /// What a data directory and the cluster's metadata say of a partition.
    func surroundings(_ directory: String, _ partition: TopicPartition) -> PartitionCheck.Surroundings {
        var known = PartitionCheck.Surroundings()
        guard let facts = facts[directory] else { return known }
        // Outside of a data directory nothing says how the last stop was.
        known.wasCleanStop = facts.hasMeta ? facts.wasCleanStop : nil
        known.recoveryPoint = facts.promise(partition)
        known.startOffset = facts.offset(OffsetCheckpoint.logStartOffsetName, partition) ?? 0
        known.highWatermark = facts.offset(OffsetCheckpoint.highWatermarkName, partition) ?? 0
        if partition.topic == LogDirectoryName.metadataTopic {
            known.topicId = LocalMetadataLog.topicId
            known.compaction = CompactionTraces(
                policy: .delete, cleanedOffset: nil, hasCheckpoint: true, replicas: nil, wasCleanStop: nil)
            return known
        }
        known.topicId = cluster?.image.topic(partition.topic)?.id
        known.compaction = CompactionTraces(
            policy: policy(partition.topic, facts.meta?.nodeId),
            cleanedOffset: facts.offset(OffsetCheckpoint.cleanedName, partition),
            hasCheckpoint: facts.checkpoints[OffsetCheckpoint.cleanedName] != nil,
            replicas: cluster?.image.partition(partition)?.replicas.count, wasCleanStop: known.wasCleanStop)
        return known
    }

    private func policy(_ topic: String, _ nodeId: Int32?) -> CompactionTraces.Policy {
        guard let image = cluster?.image else { return .unknown }
        let brokers = [nodeId.map { ConfigResource.broker($0) }, .allBrokers].compactMap { $0 }
        return CompactionTraces.Policy(
            own: image.configs(of: .topic(topic))["cleanup.policy"],
            brokers: brokers.map { image.configs(of: $0)["log.cleanup.policy"] })
    }

    // MARK: What is missing

    /// Looks for the partitions that the metadata gives to this node, in all directories that were asked for.
    mutating func compareWithMetadata(_ directories: [String]) {
        findTwins(directories)
        guard let image = cluster?.image, let nodeId = directories.compactMap({ facts[$0]?.meta?.nodeId }).first else {
            return
        }
        let given = Dictionary(
            directories.compactMap { path in facts[path]?.meta?.directoryId.map { ($0, path) } },
            uniquingKeysWith: { first, _ in first })
        let registered = image.brokers[nodeId]?.logDirs ?? []
        let others = registered.filter { given[$0] == nil }
        var absent: [TopicPartition] = []
        let hasAll = others.isEmpty && !registered.isEmpty
        for topic in image.topics.sorted(by: { $0.name < $1.name }) {
            for (index, state) in topic.partitions.enumerated() {
                guard let replica = state.replicas.firstIndex(of: nodeId) else { continue }
                let id = state.directories.indices.contains(replica) ? state.directories[replica] : .zero
                let name = TopicPartition(topic: topic.name, partition: Int32(index))
                look(for: name, directory: given[id], hasAll: hasAll, directories)
                if given[id] == nil, !directories.contains(where: { facts[$0]?.partitions.contains(name) == true }) {
                    absent.append(name)
                }
            }
        }
        for id in others {
            found(
                cluster?.path ?? "",
                "broker \(nodeId) also has a directory with directory.id \(id), which was not given"
                    + Self.text(absent), .warning)
        }
    }

    // Names of partitions, and how many more there are.
    private static func text(_ absent: [TopicPartition]) -> String {
        if absent.isEmpty { return "" }
        let most = 8
        let names = absent.prefix(most).map(\.description).joined(separator: ", ")
        let more = absent.count > most ? " and \(absent.count - most) more" : ""
        return "; in none of the others " + (absent.count == 1 ? "is partition " : "are partitions ") + names + more
    }

    private mutating func findTwins(_ directories: [String]) {
        var seen: [TopicPartition: String] = [:]
        for path in directories {
            for partition in (facts[path]?.partitions ?? []).sorted() {
                if let other = seen[partition], partition.topic != LogDirectoryName.metadataTopic {
                    found("\(path)/\(partition)", "is also in \(other), and Kafka does not start with both")
                }
                seen[partition] = path
            }
        }
    }

    /// - Parameter directory: the one that the metadata says it is in; nil when it does not say, or it was not given.
    private mutating func look(
        for partition: TopicPartition, directory: String?, hasAll: Bool, _ directories: [String]
    ) {
        let place = directories.first { facts[$0]?.partitions.contains(partition) == true }
        if let place {
            if let directory, place != directory {
                found("\(place)/\(partition)", "was moved here; the metadata says that it is in \(directory)", .warning)
            }
            return
        }
        guard directory != nil || hasAll else { return }
        // A broker that died may not have come to making the directory of a new partition.
        let wasPromised = directories.contains { (facts[$0]?.promisedEnd(partition) ?? 0) > 0 }
        let wasCleanStop = directories.allSatisfy { facts[$0]?.wasCleanStop == true }
        let severity = wasPromised || wasCleanStop ? LogProblem.Severity.error : .warning
        if let directory {
            found(directory, "partition \(partition) is missing; the metadata says that it is here", severity)
        } else {
            found(
                directories.joined(separator: ", "),
                "partition \(partition) is missing; the metadata gives it to this broker", severity)
        }
    }
}
