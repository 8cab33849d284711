/// What the cluster looks like after a certain record of its metadata log. Immutable: whoever holds one sees a state
/// that once was true as a whole. ``applying(_:)`` makes the next one and shares with it all that stayed the same.
final class ClusterImage: Sendable {
    /// From `meta.properties`; the log does not have it.
    let clusterId: String
    /// The node that makes the changes; -1 when it is not known.
    let controllerId: Int32
    /// The offset of the last record in it; -1 before the first.
    let lastOffset: Int64
    /// The ``lastOffset`` of the first image with these topics and no others, as far as this process has seen it.
    let topicNamesOffset: Int64
    /// By number.
    let brokers: [Int32: BrokerImage]
    let controllers: [Int32: RegisterControllerRecord]
    /// Finalized levels by name, `metadata.version` among them.
    let features: [String: Int16]
    /// The first producer id that no broker has got.
    let nextProducerId: Int64
    /// Records that nothing here looks at (ACLs, quotas, ...), in order, so that a snapshot keeps them.
    let undescribed: [MetadataLogRecord]

    private let topicsByName: PersistentMap<String, TopicImage>
    private let topicsById: PersistentMap<Uuid, TopicImage>
    /// Names that have `_` or `.`, by what their metrics would be called.
    private let collidingNames: PersistentMap<String, String>
    private let configs: PersistentMap<ConfigResource, [String: String]>

    /// A cluster without anything in it.
    init(clusterId: String, controllerId: Int32 = -1) {
        self.clusterId = clusterId
        self.controllerId = controllerId
        lastOffset = -1
        topicNamesOffset = -1
        brokers = [:]
        controllers = [:]
        features = [:]
        nextProducerId = 0
        undescribed = []
        topicsByName = .init()
        topicsById = .init()
        collidingNames = .init()
        configs = .init()
    }

    init(_ builder: ImageBuilder, lastOffset: Int64, controllerId: Int32) {
        let base = builder.base
        clusterId = base.clusterId
        self.controllerId = controllerId
        self.lastOffset = lastOffset
        brokers = builder.brokers
        controllers = builder.controllers
        features = builder.features
        nextProducerId = builder.nextProducerId
        undescribed = builder.undescribed
        var byName = base.topicsByName
        var byId = base.topicsById
        var colliding = base.collidingNames
        for topic in builder.removedTopics {
            byName[topic.name] = nil
            byId[topic.id] = nil
            if TopicName.canCollide(topic.name) { colliding[TopicName.metricName(topic.name)] = nil }
        }
        for topic in builder.writtenTopics {
            byName[topic.name] = topic
            byId[topic.id] = topic
            if TopicName.canCollide(topic.name) { colliding[TopicName.metricName(topic.name)] = topic.name }
        }
        topicsByName = byName
        topicsById = byId
        collidingNames = colliding
        let hasOthers =
            !builder.removedTopics.isEmpty || builder.writtenTopics.contains { base.topicsById[$0.id] == nil }
        topicNamesOffset = hasOthers ? lastOffset : base.topicNamesOffset
        var configs = base.configs
        for (resource, values) in builder.configs { configs[resource] = values.isEmpty ? nil : values }
        self.configs = configs
    }

    // MARK: Looking things up

    func topic(_ name: String) -> TopicImage? { topicsByName[name] }
    func topic(id: Uuid) -> TopicImage? { topicsById[id] }
    var topicCount: Int { topicsByName.count }

    /// All topics, in no particular order.
    var topics: [TopicImage] { topicsByName.values }

    func hasPartition(of name: String, _ partition: Int32) -> Bool { topic(name)?.partition(partition) != nil }

    func partition(_ partition: TopicPartition) -> PartitionImage? {
        topic(partition.topic)?.partition(partition.partition)
    }

    /// The existing topic whose metrics `name`'s would be mixed up with (`a.b` and `a_b`), itself included.
    func topicColliding(with name: String) -> String? {
        TopicName.canCollide(name) ? collidingNames[TopicName.metricName(name)] : nil
    }

    /// What is set for `resource` itself.
    func configs(of resource: ConfigResource) -> [String: String] { configs[resource] ?? [:] }

    /// Every resource that something is set for, in order.
    var configuredResources: [ConfigResource] {
        var resources: [ConfigResource] = []
        configs.visit { resource, _ in resources.append(resource) }
        return resources.sorted()
    }

    /// Brokers that partitions can be placed on, in the order of their numbers.
    var usableBrokers: [BrokerImage] {
        brokers.values.filter { !$0.fenced && !$0.inControlledShutdown }.sorted { $0.id < $1.id }
    }
}

extension ClusterImage: Equatable {
    static func == (a: ClusterImage, b: ClusterImage) -> Bool {
        a.clusterId == b.clusterId && a.lastOffset == b.lastOffset && a.brokers == b.brokers
            && a.controllers == b.controllers && a.features == b.features && a.nextProducerId == b.nextProducerId
            && a.undescribed == b.undescribed && a.topicsByName == b.topicsByName && a.topicsById == b.topicsById
            && a.collidingNames == b.collidingNames && a.configs == b.configs
    }
}

/// A broker's registration.
struct BrokerImage: Sendable, Equatable {
    var registration: RegisterBrokerRecord

    var id: Int32 { registration.brokerId }
    var epoch: Int64 { registration.brokerEpoch }
    var rack: String? { registration.rack }
    var endpoints: [RegisterBrokerRecord.BrokerEndpoint] { registration.endPoints }
    var logDirs: [Uuid] { registration.logDirs }
    /// No partition may be led by it: it has not caught up, or was not heard of.
    var fenced: Bool { registration.fenced }
    var inControlledShutdown: Bool { registration.inControlledShutdown }

    /// Where clients of a listener reach the broker; nil when it does not have the listener.
    func endpoint(listener: String) -> RegisterBrokerRecord.BrokerEndpoint? {
        endpoints.first { $0.name == listener }
    }
}
