extension Controller {
    /// The replicas of `count` new partitions, chosen by the cluster.
    mutating func place(
        count: Int, from first: Int = 0, replicationFactor: Int, _ image: ClusterImage
    ) throws(ApiError) -> [[Int32]] {
        let usable = image.usableBrokers.map { $0.id }
        let problem = PartitionPlacement.problem(
            replicationFactor: replicationFactor, registered: image.brokers.count, usable: usable.count)
        if let problem {
            throw ApiError(
                .invalidReplicationFactor,
                "Unable to replicate the partition \(replicationFactor) time(s): \(problem)")
        }
        let placement = PartitionPlacement(brokers: usable, using: &random)
        return (first..<first + count).map {
            placement.replicas(partition: $0, replicationFactor: replicationFactor)
        }
    }

    /// Checks replicas that a client chose.
    /// - Parameter replicationFactor: of the partitions before it, nil for the first.
    func checkAssignment(
        _ replicas: [Int32], replicationFactor: Int?, _ image: ClusterImage
    ) throws(ApiError) {
        func fail(_ message: String) -> ApiError { ApiError(.invalidReplicaAssignment, message) }
        if replicas.isEmpty { throw fail("The manual partition assignment includes an empty replica list.") }
        var seen: Set<Int32> = []
        for broker in replicas {
            guard image.brokers[broker] != nil else {
                throw fail(
                    "The manual partition assignment includes broker \(broker), but no such broker is registered.")
            }
            guard seen.insert(broker).inserted else {
                throw fail("The manual partition assignment includes the broker \(broker) more than once.")
            }
        }
        if let replicationFactor, replicas.count != replicationFactor {
            throw fail(
                "The manual partition assignment includes a partition with \(replicas.count) replica(s), but this is "
                    + "not consistent with previous partitions, which have \(replicationFactor) replica(s).")
        }
    }

    /// The record of a new partition: in sync are the replicas in service, and the first of them leads.
    func newPartition(
        topicId: Uuid, partition: Int32, replicas: [Int32], _ image: ClusterImage
    ) throws(ApiError) -> PartitionRecord {
        let inService = replicas.filter { id in
            image.brokers[id].map { !$0.fenced && !$0.inControlledShutdown } ?? false
        }
        guard let leader = inService.first else {
            throw ApiError(
                .invalidReplicaAssignment,
                "All brokers specified in the manual partition assignment for partition \(partition) are fenced or in "
                    + "controlled shutdown.")
        }
        var record = PartitionRecord()
        record.partitionId = partition
        record.topicId = topicId
        record.replicas = replicas
        record.isr = inService
        record.leader = leader
        record.leaderEpoch = 0
        record.partitionEpoch = 0
        guard image.hasDirectories else { return record }
        // Where a broker has several directories it decides itself, which no id (all zero) says (KIP-858).
        record.directories = replicas.map { id in
            let directories = image.brokers[id]?.logDirs ?? []
            return directories.count == 1 ? directories[0] : .zero
        }
        return record
    }
}
