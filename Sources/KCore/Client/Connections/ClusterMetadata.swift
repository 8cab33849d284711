/// What brokers say about their cluster.
public struct ClusterMetadata: Sendable, Equatable {
    public struct Broker: Sendable, Equatable {
        public var id: Int32
        public var host: String
        public var port: Int32
        public var rack: String?
    }

    public struct Topic: Sendable, Equatable {
        public var name: String
        /// Zero from brokers that are too old to have ids.
        public var id: Uuid
        public var error: ErrorCode
        public var isInternal: Bool
        /// In the order of their numbers.
        public var partitions: [Partition]
    }

    public struct Partition: Sendable, Equatable {
        public var index: Int32
        public var error: ErrorCode
        /// -1 while there is none.
        public var leader: Int32
        /// -1 when not known.
        public var leaderEpoch: Int32
        /// Broker ids, the preferred leader first.
        public var replicas: [Int32]
        public var isr: [Int32]
        public var offlineReplicas: [Int32]
    }

    public var clusterId: String?
    /// -1 for none.
    public var controllerId: Int32 = -1
    public var brokers: [Broker] = []
    public var topics: [Topic] = []

    init() {}

    init(_ response: MetadataResponse) {
        clusterId = response.clusterId
        controllerId = response.controllerId
        brokers = response.brokers.map { Broker(id: $0.nodeId, host: $0.host, port: $0.port, rack: $0.rack) }
        topics = response.topics.map { topic in
            let partitions = topic.partitions.map {
                Partition(
                    index: $0.partitionIndex, error: $0.errorCode, leader: $0.leaderId, leaderEpoch: $0.leaderEpoch,
                    replicas: $0.replicaNodes, isr: $0.isrNodes, offlineReplicas: $0.offlineReplicas)
            }
            return Topic(
                name: topic.name ?? "", id: topic.topicId, error: topic.errorCode, isInternal: topic.isInternal,
                partitions: partitions.sorted { $0.index < $1.index })
        }
    }
}
