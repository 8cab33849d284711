/// Which brokers get the replicas of new partitions.
///
/// The first replicas go round the brokers from a random one on, and the further replicas of each partition follow with
/// a shift that grows with every round, so that the partitions of a broker that fails are taken over by many others.
struct PartitionPlacement {
    /// In the order of their numbers.
    var brokers: [Int32]
    /// Where the first partition's first replica goes.
    var start: Int
    /// The distance of the second replica.
    var shift: Int

    /// - Precondition: there is a broker.
    init(brokers: [Int32], using random: inout some RandomNumberGenerator) {
        self.brokers = brokers
        start = Int.random(in: 0..<max(1, brokers.count), using: &random)
        shift = Int.random(in: 0..<max(1, brokers.count), using: &random)
    }

    /// The replicas of partition `index`, the preferred leader first.
    /// - Precondition: there are at least `replicationFactor` brokers.
    func replicas(partition index: Int, replicationFactor: Int) -> [Int32] {
        let count = brokers.count
        let first = (start + index) % count
        let round = shift + index / count
        var replicas = [brokers[first]]
        for replica in 0..<(replicationFactor - 1) {
            replicas.append(brokers[(first + 1 + (round + replica) % (count - 1)) % count])
        }
        return replicas
    }

    /// Why `replicationFactor` cannot be had, nil when it can.
    static func problem(replicationFactor: Int, registered: Int, usable: Int) -> String? {
        if replicationFactor <= 0 {
            return "Invalid replication factor \(replicationFactor): the replication factor must be positive."
        }
        if usable == 0 { return "All brokers are currently fenced." }
        if replicationFactor > registered {
            return "The target replication factor of \(replicationFactor) cannot be reached because only "
                + "\(registered) broker(s) are registered."
        }
        if replicationFactor > usable {
            return "The target replication factor of \(replicationFactor) cannot be reached because only "
                + "\(usable) broker(s) are in service."
        }
        return nil
    }
}
