/// An internal topic whose partitions are coordinated: what it is called, and how many partitions it is made with.
struct CoordinatorTopic: Sendable {
    var name: String
    var partitionCount: Int32
    var replicationFactor: Int16
    var configs: [String: String]

    /// `__consumer_offsets`, as Kafka makes it.
    /// - Parameter brokerCount: how many brokers there are to have replicas, as far as nobody asked for a number.
    static func groups(_ config: BrokerConfig, brokerCount: Int) -> CoordinatorTopic {
        CoordinatorTopic(
            name: groupsName, partitionCount: Int32(clamping: config.int("offsets.topic.num.partitions")),
            replicationFactor: replicas("offsets.topic.replication.factor", config, brokerCount),
            configs: [
                "cleanup.policy": "compact", "compression.type": "producer",
                "segment.bytes": "\(config.int("offsets.topic.segment.bytes"))",
            ])
    }

    /// `__transaction_state`, as Kafka makes it.
    static func transactions(_ config: BrokerConfig, brokerCount: Int) -> CoordinatorTopic {
        let replicas = replicas("transaction.state.log.replication.factor", config, brokerCount)
        let minInSync = config.int("transaction.state.log.min.isr")
        let isSet = config.properties["transaction.state.log.min.isr"] != nil
        return CoordinatorTopic(
            name: transactionsName,
            partitionCount: Int32(clamping: config.int("transaction.state.log.num.partitions")),
            replicationFactor: replicas,
            configs: [
                "cleanup.policy": "compact", "compression.type": "uncompressed",
                "min.insync.replicas": "\(isSet ? minInSync : min(minInSync, Int(replicas)))",
                "segment.bytes": "\(config.int("transaction.state.log.segment.bytes"))",
                "unclean.leader.election.enable": "false",
            ])
    }

    static let groupsName = TopicName.groups
    static let transactionsName = TopicName.transactions

    // A broker that is started without any settings is a cluster of one, and shall have groups. Who sets a number means it.
    private static func replicas(_ name: String, _ config: BrokerConfig, _ brokerCount: Int) -> Int16 {
        let number = Int16(clamping: config.int(name))
        return config.properties[name] == nil ? min(number, Int16(clamping: max(brokerCount, 1))) : number
    }

    /// The partition of `key`, a group's or a transactional id, in a topic of `count` partitions.
    static func partition(of key: String, count: Int32) -> Int32 {
        let hash = javaHash(key)
        return (hash == .min ? 0 : abs(hash)) % max(count, 1)
    }

    /// What Java's `String.hashCode` gives.
    static func javaHash(_ text: String) -> Int32 {
        text.utf16.reduce(0) { $0 &* 31 &+ Int32($1) }
    }

    /// The request that makes the topic.
    var creation: CreateTopicsRequest {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = partitionCount
        topic.replicationFactor = replicationFactor
        topic.configs = configs.sorted { $0.key < $1.key }.map { name, value in
            var config = CreateTopicsRequest.CreatableTopicConfig()
            config.name = name
            config.value = value
            return config
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        request.timeoutMs = 30_000
        return request
    }
}
