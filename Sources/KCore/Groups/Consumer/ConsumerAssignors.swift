/// Who assigns partitions to the members of a consumer group.
enum ConsumerAssignor: String, Sendable, CaseIterable {
    /// As equal shares as can be, moving as little as can be.
    case uniform
    /// Of each topic a range in the order of the members, so that those who read several topics have the same numbers.
    case range

    /// The last part of the name of Kafka's class.
    var className: String { self == .uniform ? "UniformAssignor" : "RangeAssignor" }

    struct Member: Sendable {
        var id: String
        /// Decides the order of ranges: that of static members outlives their ids.
        var name: String
        var topics: Set<Uuid>
        var current: TopicShares
    }

    /// - Parameter partitionCounts: of the topics that members subscribe to.
    /// - Returns: a share for each member.
    func assign(_ members: [Member], partitionCounts: [Uuid: Int32]) -> [String: TopicShares] {
        switch self {
        case .uniform: UniformAssignment(members, partitionCounts).run()
        case .range: ConsumerAssignor.ranges(members, partitionCounts)
        }
    }

    private static func ranges(_ members: [Member], _ partitionCounts: [Uuid: Int32]) -> [String: TopicShares] {
        var shares = Dictionary(members.map { ($0.id, TopicShares()) }) { first, _ in first }
        for (topic, count) in partitionCounts {
            let readers = members.filter { $0.topics.contains(topic) }.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
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

/// Equal shares: what a member has stays with it as far as its share allows; the rest goes to whoever has least.
private struct UniformAssignment {
    private struct Partition: Hashable, Comparable {
        var topic: Uuid
        var index: Int32

        static func < (a: Partition, b: Partition) -> Bool { (a.topic, a.index) < (b.topic, b.index) }
    }

    private let members: [ConsumerAssignor.Member]
    private let partitionCounts: [Uuid: Int32]
    private var shares: [[Partition]]
    private var unassigned: [Partition] = []

    init(_ members: [ConsumerAssignor.Member], _ partitionCounts: [Uuid: Int32]) {
        self.members = members.sorted { $0.id < $1.id }
        self.partitionCounts = partitionCounts
        shares = Array(repeating: [], count: members.count)
    }

    consuming func run() -> [String: TopicShares] {
        keepWhatIsThere()
        spread()
        level()
        var result: [String: TopicShares] = [:]
        for (index, member) in members.enumerated() {
            result[member.id] = TopicShares(shares[index].map { ($0.topic, [$0.index]) })
        }
        return result
    }

    private mutating func keepWhatIsThere() {
        var taken: Set<Partition> = []
        for (index, member) in members.enumerated() {
            for (topic, partitions) in member.current.sorted where member.topics.contains(topic) {
                for partition in partitions where partition < partitionCounts[topic] ?? 0 {
                    let entry = Partition(topic: topic, index: partition)
                    if taken.insert(entry).inserted { shares[index].append(entry) }
                }
            }
        }
        for (topic, count) in partitionCounts.sorted(by: { $0.key < $1.key }) {
            for index in 0..<max(count, 0) {
                let entry = Partition(topic: topic, index: index)
                if !taken.contains(entry) { unassigned.append(entry) }
            }
        }
    }

    /// Topics that few can read first, each partition to whoever has least.
    private mutating func spread() {
        var readers: [Uuid: [Int]] = [:]
        for topic in partitionCounts.keys {
            readers[topic] = members.indices.filter { members[$0].topics.contains(topic) }
        }
        unassigned.sort { a, b in
            let (x, y) = (readers[a.topic]?.count ?? 0, readers[b.topic]?.count ?? 0)
            return x == y ? a < b : x < y
        }
        for partition in unassigned {
            let candidates = readers[partition.topic] ?? []
            guard let least = candidates.min(by: { shares[$0].count < shares[$1].count }) else { continue }
            shares[least].append(partition)
        }
    }

    /// Moves partitions from who has two more than another that can read them. Each move makes the shares more equal, so
    /// it ends.
    private mutating func level() {
        while true {
            let order = members.indices.sorted { (shares[$0].count, $0) < (shares[$1].count, $1) }
            guard let move = firstMove(order) else { return }
            let partition = shares[move.from].remove(at: move.position)
            shares[move.to].append(partition)
        }
    }

    private func firstMove(_ order: [Int]) -> (from: Int, position: Int, to: Int)? {
        guard let least = order.first, let most = order.last else { return nil }
        if shares[most].count - shares[least].count < 2 { return nil }
        for from in order.reversed() {
            for to in order {
                guard shares[from].count - shares[to].count >= 2 else { break }
                // The last that it got: what it had before stays.
                let position = shares[from].lastIndex { members[to].topics.contains($0.topic) }
                if let position { return (from, position, to) }
            }
        }
        return nil
    }
}
