/// Who assigns partitions to the members of a consumer group.
enum ConsumerAssignor: String, Sendable, CaseIterable {
    /// As equal shares as can be, moving as little as can be.
    case uniform
    /// Of each topic a range in the order of the members, so that those who read several topics have the same numbers.
    case range

    /// The last part of the name of Kafka's class.
    var className: String {
        switch self {
        case .uniform: "UniformAssignor"
        case .range: "RangeAssignor"
        }
    }

    struct Member: Sendable {
        var id: String
        /// Decides the order of ranges: that of static members outlives their ids.
        var name: String
        var topics: Set<Uuid>
        /// What the target before gave it.
        var before: TopicShares
    }

    /// - Parameter partitionCounts: of the topics that members subscribe to.
    /// - Returns: a share for each member.
    func assign(_ members: [Member], partitionCounts: [Uuid: Int32]) -> NameMap<TopicShares> {
        switch self {
        case .uniform: UniformAssignment(members, partitionCounts).run()
        case .range: ConsumerAssignor.ranges(members, partitionCounts)
        }
    }

    private static func ranges(_ members: [Member], _ partitionCounts: [Uuid: Int32]) -> NameMap<TopicShares> {
        var shares = NameMap<TopicShares>(minimumCapacity: members.count)
        for member in members { shares[member.id] = TopicShares() }
        let members = members.sorted {
            (ExactName($0.name), ExactName($0.id)) < (ExactName($1.name), ExactName($1.id))
        }
        for (topic, count) in partitionCounts {
            let readers = members.filter { $0.topics.contains(topic) }
            guard !readers.isEmpty else { continue }
            let size = Int(count) / readers.count
            let larger = Int(count) % readers.count
            var next: Int32 = 0
            for (index, reader) in readers.enumerated() {
                let end = next + Int32(size + (index < larger ? 1 : 0))
                shares[reader.id]?[topic] = Set(next..<end)
                next = end
            }
        }
        return shares
    }
}
