/// A topic as the cluster knows it. Immutable, so that images can share it.
final class TopicImage: Sendable {
    let name: String
    let id: Uuid
    /// By partition number, without gaps.
    let partitions: [PartitionImage]

    init(name: String, id: Uuid, partitions: [PartitionImage]) {
        self.name = name
        self.id = id
        self.partitions = partitions
    }

    /// The partition `index`; nil when the topic does not have it.
    func partition(_ index: Int32) -> PartitionImage? {
        partitions.indices.contains(Int(index)) ? partitions[Int(index)] : nil
    }

    /// Replicas of the topic's first partition, as Kafka describes a topic's replication factor.
    var replicationFactor: Int { partitions.first?.replicas.count ?? 0 }

    /// Topics that Kafka keeps for itself.
    var isInternal: Bool { TopicName.isInternal(name) }
}

extension TopicImage: Equatable {
    static func == (a: TopicImage, b: TopicImage) -> Bool {
        a === b || (a.name == b.name && a.id == b.id && a.partitions == b.partitions)
    }
}

/// A partition: who has it, who leads it.
struct PartitionImage: Sendable, Equatable {
    /// The preferred leader first.
    var replicas: [Int32]
    var isr: [Int32]
    var removingReplicas: [Int32] = []
    var addingReplicas: [Int32] = []
    /// -1 for none.
    var leader: Int32
    var leaderRecoveryState = LeaderRecoveryState.recovered
    /// Rises with every election.
    var leaderEpoch: Int32
    /// Rises with every change.
    var partitionEpoch: Int32
    /// The log directory of each replica, in the order of `replicas`; empty in clusters older than 3.7 (KIP-858).
    var directories: [Uuid] = []
    var eligibleLeaderReplicas: [Int32]?
    var lastKnownElr: [Int32]?

    init(_ record: PartitionRecord) {
        replicas = record.replicas
        isr = record.isr
        removingReplicas = record.removingReplicas
        addingReplicas = record.addingReplicas
        leader = record.leader
        leaderRecoveryState = record.leaderRecoveryState
        leaderEpoch = record.leaderEpoch
        partitionEpoch = record.partitionEpoch
        directories = record.directories
        eligibleLeaderReplicas = record.eligibleLeaderReplicas
        lastKnownElr = record.lastKnownElr
    }

    /// What the record changes, on top of what is there.
    mutating func apply(_ change: PartitionChangeRecord) {
        replicas = change.replicas ?? replicas
        isr = change.isr ?? isr
        removingReplicas = change.removingReplicas ?? removingReplicas
        addingReplicas = change.addingReplicas ?? addingReplicas
        directories = change.directories ?? directories
        eligibleLeaderReplicas = change.eligibleLeaderReplicas ?? eligibleLeaderReplicas
        lastKnownElr = change.lastKnownElr ?? lastKnownElr
        if change.leaderRecoveryState != .unchanged { leaderRecoveryState = change.leaderRecoveryState }
        if change.leader != -2 {
            leader = change.leader
            leaderEpoch += 1
        }
        partitionEpoch += 1
    }

    /// The record that says all of this.
    func record(topicId: Uuid, partition: Int32) -> PartitionRecord {
        var record = PartitionRecord()
        record.partitionId = partition
        record.topicId = topicId
        record.replicas = replicas
        record.isr = isr
        record.removingReplicas = removingReplicas
        record.addingReplicas = addingReplicas
        record.leader = leader
        record.leaderRecoveryState = leaderRecoveryState
        record.leaderEpoch = leaderEpoch
        record.partitionEpoch = partitionEpoch
        record.directories = directories
        record.eligibleLeaderReplicas = eligibleLeaderReplicas
        record.lastKnownElr = lastKnownElr
        return record
    }
}
