/// What the client knows of the cluster: who leads which partition, and where brokers are. A value without I/O; see
/// ``MetadataKeeper`` for who asks.
struct MetadataCache: Sendable {
    private(set) var clusterId: String?
    private(set) var controllerId: Int32 = -1
    private(set) var brokers: [Int32: HostAndPort] = [:]
    private var topics: [String: ClusterMetadata.Topic] = [:]
    private var namesById: [Uuid: String] = [:]

    func topic(_ name: String) -> ClusterMetadata.Topic? { topics[name] }

    func topicName(_ id: Uuid) -> String? { namesById[id] }

    func partition(_ topic: String, _ index: Int32) -> ClusterMetadata.Partition? {
        guard let partitions = topics[topic]?.partitions else { return nil }
        // Partitions are numbered without gaps, except where a broker leaves some out.
        if partitions.indices.contains(Int(index)), partitions[Int(index)].index == index {
            return partitions[Int(index)]
        }
        return partitions.first { $0.index == index }
    }

    /// The broker to send to; nil while there is none, or it is not known where it is.
    func leader(_ topic: String, _ index: Int32) -> (broker: Int32, epoch: Int32)? {
        guard let partition = partition(topic, index), brokers[partition.leader] != nil else { return nil }
        return (partition.leader, partition.leaderEpoch)
    }

    /// Takes over what a broker answered. A partition's leader of an older epoch than the known one is news of
    /// yesterday, from a broker that lags, and is left out (KIP-320).
    mutating func apply(_ metadata: ClusterMetadata) {
        clusterId = metadata.clusterId ?? clusterId
        controllerId = metadata.controllerId
        brokers = [:]
        for broker in metadata.brokers {
            guard let port = UInt16(exactly: broker.port), port > 0, !broker.host.isEmpty else { continue }
            brokers[broker.id] = HostAndPort(host: broker.host, port: port)
        }
        for var topic in metadata.topics where !topic.name.isEmpty {
            let known = topics[topic.name]
            if let known, known.id == topic.id {
                for index in topic.partitions.indices {
                    let partition = topic.partitions[index]
                    if let old = self.partition(topic.name, partition.index), old.leaderEpoch > partition.leaderEpoch,
                        partition.leaderEpoch >= 0
                    {
                        topic.partitions[index].leader = old.leader
                        topic.partitions[index].leaderEpoch = old.leaderEpoch
                    }
                }
            } else if let known {
                namesById[known.id] = nil
            }
            topics[topic.name] = topic
            if !topic.id.isZero { namesById[topic.id] = topic.name }
        }
    }

    /// Takes over a leader that came with an error (KIP-951).
    /// - Returns: whether it is news, and it is known where the leader is.
    mutating func applyLeader(_ topic: String, _ index: Int32, leader: Int32, epoch: Int32, endpoint: HostAndPort?)
        -> Bool
    {
        if let endpoint { brokers[leader] = endpoint }
        guard leader >= 0, brokers[leader] != nil, var changed = topics[topic],
            let position = changed.partitions.firstIndex(where: { $0.index == index }),
            changed.partitions[position].leaderEpoch < epoch
        else { return false }
        changed.partitions[position].leader = leader
        changed.partitions[position].leaderEpoch = epoch
        topics[topic] = changed
        return true
    }
}
