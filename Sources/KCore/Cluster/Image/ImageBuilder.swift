/// A record that does not fit what the log said before it: the log is damaged, or written by something else.
struct ImageError: Error, Equatable, CustomStringConvertible {
    var description: String
}

/// Gathers the effect of records on an image, so that many records cost one new image.
struct ImageBuilder {
    let base: ClusterImage
    private(set) var brokers: [Int32: BrokerImage]
    private(set) var controllers: [Int32: RegisterControllerRecord]
    private(set) var features: [String: Int16]
    private(set) var nextProducerId: Int64
    private(set) var undescribed: [MetadataLogRecord]
    /// What is new, by resource; empty where all was deleted.
    private(set) var configs: [ConfigResource: [String: String]] = [:]
    /// Records so far, those without an effect included.
    private(set) var recordCount: Int64 = 0

    private var topics: [Uuid: DraftTopic] = [:]
    private var idsByName: [String: Uuid] = [:]
    /// Topics of `base` that are gone.
    private var removed: [Uuid: TopicImage] = [:]
    /// Records of a transaction that has not ended (KIP-868).
    private var transaction: [MetadataLogRecord]?

    private struct DraftTopic {
        var name: String
        var id: Uuid
        var before: TopicImage?
        // By number: they may come in any order.
        var partitions: [Int32: PartitionImage]
    }

    init(_ base: ClusterImage) {
        self.base = base
        brokers = base.brokers
        controllers = base.controllers
        features = base.features
        nextProducerId = base.nextProducerId
        undescribed = base.undescribed
    }

    /// Whether a transaction was begun and neither ended nor aborted. Its records have no effect.
    var hasOpenTransaction: Bool { transaction != nil }

    var removedTopics: [TopicImage] { Array(removed.values) }
    private(set) var writtenTopics: [TopicImage] = []

    mutating func apply(_ record: MetadataLogRecord) throws(ImageError) {
        recordCount += 1
        switch record {
        case .beginTransaction:
            guard transaction == nil else { throw ImageError(description: "a transaction begins inside another") }
            transaction = []
        case .endTransaction:
            guard let records = transaction else { throw ImageError(description: "no transaction to end") }
            transaction = nil
            for record in records { try take(record) }
        case .abortTransaction:
            transaction = nil
        default:
            if transaction != nil { transaction?.append(record) } else { try take(record) }
        }
    }

    private mutating func take(_ record: MetadataLogRecord) throws(ImageError) {
        switch record {
        case .topic(let record): try create(record)
        case .partition(let record): try write(record)
        case .partitionChange(let record): try change(record)
        case .removeTopic(let record): try remove(record.topicId)
        case .config(let record): set(record)
        case .registerBroker(let record): brokers[record.brokerId] = BrokerImage(registration: record)
        case .unregisterBroker(let record): brokers[record.brokerId] = nil
        case .brokerRegistrationChange(let record): change(record)
        case .fenceBroker(let record): brokers[record.id]?.registration.fenced = true
        case .unfenceBroker(let record): brokers[record.id]?.registration.fenced = false
        case .featureLevel(let record): features[record.name] = record.featureLevel == 0 ? nil : record.featureLevel
        case .producerIds(let record): nextProducerId = record.nextProducerId
        case .registerController(let record): controllers[record.controllerId] = record
        case .unknown, .zkMigrationState, .accessControlEntry, .removeAccessControlEntry, .userScramCredential,
            .removeUserScramCredential, .clientQuota, .delegationToken, .removeDelegationToken:
            undescribed.keep(record)
        case .noOp, .beginTransaction, .endTransaction, .abortTransaction: break
        }
    }

    // MARK: Topics

    private mutating func create(_ record: TopicRecord) throws(ImageError) {
        let existing = idsByName[record.name] ?? base.topic(record.name)?.id
        if let existing, topics[existing] != nil || (base.topic(id: existing) != nil && removed[existing] == nil) {
            throw ImageError(description: "topic \(record.name) is created twice")
        }
        guard topics[record.topicId] == nil, base.topic(id: record.topicId) == nil else {
            throw ImageError(description: "topic \(record.name) has the id of another")
        }
        topics[record.topicId] = DraftTopic(name: record.name, id: record.topicId, before: nil, partitions: [:])
        idsByName[record.name] = record.topicId
    }

    private mutating func draft(_ id: Uuid) throws(ImageError) -> DraftTopic {
        if let draft = topics[id] { return draft }
        guard removed[id] == nil, let topic = base.topic(id: id) else {
            throw ImageError(description: "a record is about topic \(id), which there is not")
        }
        let partitions = topic.partitions.enumerated().map { (Int32($0), $1) }
        return DraftTopic(
            name: topic.name, id: id, before: topic, partitions: Dictionary(uniqueKeysWithValues: partitions))
    }

    private mutating func write(_ record: PartitionRecord) throws(ImageError) {
        guard record.partitionId >= 0 else { throw ImageError(description: "partition \(record.partitionId)") }
        if topics[record.topicId] == nil { topics[record.topicId] = try draft(record.topicId) }
        topics[record.topicId]?.partitions[record.partitionId] = PartitionImage(record)
    }

    private mutating func change(_ record: PartitionChangeRecord) throws(ImageError) {
        if topics[record.topicId] == nil { topics[record.topicId] = try draft(record.topicId) }
        guard topics[record.topicId]?.partitions[record.partitionId] != nil else {
            throw ImageError(
                description: "partition \(record.partitionId) of topic \(record.topicId) changes, but is not")
        }
        topics[record.topicId]?.partitions[record.partitionId]?.apply(record)
    }

    private mutating func remove(_ id: Uuid) throws(ImageError) {
        let topic = try draft(id)
        topics[id] = nil
        if let before = topic.before { removed[id] = before }
        configs[.topic(topic.name)] = [:]
    }

    // MARK: The rest

    private mutating func set(_ record: ConfigRecord) {
        let resource = ConfigResource(type: record.resourceType, name: record.resourceName)
        var values = configs[resource] ?? base.configs(of: resource)
        values[record.name] = record.value
        configs[resource] = values
    }

    private mutating func change(_ record: BrokerRegistrationChangeRecord) {
        guard var broker = brokers[record.brokerId]?.registration else { return }
        if record.fenced != 0 { broker.fenced = record.fenced > 0 }
        if record.inControlledShutdown != 0 { broker.inControlledShutdown = record.inControlledShutdown > 0 }
        if !record.logDirs.isEmpty { broker.logDirs = record.logDirs }
        brokers[record.brokerId] = BrokerImage(registration: broker)
    }

    // MARK: The result

    /// The image with all that was applied, and what is different in it.
    /// - Parameters:
    ///   - lastOffset: of the last record; when nil, every record so far had the next offset.
    ///   - controllerId: when nil, as before.
    mutating func finish(
        lastOffset: Int64? = nil, controllerId: Int32? = nil
    ) throws(ImageError) -> (image: ClusterImage, delta: ClusterDelta) {
        var delta = ClusterDelta()
        writtenTopics = []
        for draft in topics.values {
            var partitions: [PartitionImage] = []
            for index in 0..<Int32(draft.partitions.count) {
                guard let partition = draft.partitions[index] else {
                    throw ImageError(description: "topic \(draft.name) has no partition \(index)")
                }
                partitions.append(partition)
            }
            if let before = draft.before, before.partitions == partitions { continue }
            let topic = TopicImage(name: draft.name, id: draft.id, partitions: partitions)
            writtenTopics.append(topic)
            if let before = draft.before {
                delta.changedTopics.append(.init(before: before, after: topic))
            } else {
                delta.createdTopics.append(topic)
            }
        }
        delta.deletedTopics = removedTopics
        for resource in configs.keys where configs[resource] != base.configs(of: resource) {
            let isDeletedTopic = resource.type == .topic && removed.values.contains { $0.name == resource.name }
            if !isDeletedTopic || idsByName[resource.name] != nil { delta.changedConfigs.insert(resource) }
        }
        for id in Set(brokers.keys).union(base.brokers.keys) where brokers[id] != base.brokers[id] {
            delta.changedBrokers.insert(id)
        }
        let image = ClusterImage(
            self, lastOffset: lastOffset ?? base.lastOffset + recordCount,
            controllerId: controllerId ?? base.controllerId)
        return (image, delta)
    }
}

extension ClusterImage {
    /// The image after `records`, which have the offsets behind ``lastOffset``, and what is different in it.
    func applying(
        _ records: [MetadataLogRecord]
    ) throws(ImageError) -> (image: ClusterImage, delta: ClusterDelta) {
        var builder = ImageBuilder(self)
        for record in records { try builder.apply(record) }
        return try builder.finish()
    }
}
