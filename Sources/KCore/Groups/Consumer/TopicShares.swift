/// Partitions by the id of their topic: what a member of a consumer group has, or shall have.
struct TopicShares: Equatable, Sendable {
    private(set) var topics: [Uuid: Set<Int32>] = [:]

    var isEmpty: Bool { topics.isEmpty }
    var count: Int { topics.values.reduce(0) { $0 + $1.count } }

    subscript(topic: Uuid) -> Set<Int32> {
        get { topics[topic] ?? [] }
        set { topics[topic] = newValue.isEmpty ? nil : newValue }
    }

    init() {}

    init(_ pairs: some Sequence<(Uuid, [Int32])>) {
        // In place: through the subscript every step would copy what is there.
        for (topic, partitions) in pairs where !partitions.isEmpty {
            topics[topic, default: []].formUnion(partitions)
        }
    }

    mutating func insert(_ topic: Uuid, _ partition: Int32) { topics[topic, default: []].insert(partition) }

    mutating func remove(_ topic: Uuid, _ partition: Int32) {
        guard let index = topics.index(forKey: topic) else { return }
        topics.values[index].remove(partition)
        if topics.values[index].isEmpty { topics.remove(at: index) }
    }

    /// In order, for records and answers.
    var sorted: [(topic: Uuid, partitions: [Int32])] {
        topics.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted()) }
    }

    func contains(_ topic: Uuid, _ partition: Int32) -> Bool { topics[topic]?.contains(partition) ?? false }

    func isSubset(of other: TopicShares) -> Bool {
        topics.allSatisfy { topic, partitions in partitions.isSubset(of: other[topic]) }
    }

    func isDisjoint(with other: TopicShares) -> Bool {
        topics.allSatisfy { topic, partitions in partitions.isDisjoint(with: other[topic]) }
    }

    func union(_ other: TopicShares) -> TopicShares {
        var result = self
        for (topic, partitions) in other.topics { result[topic].formUnion(partitions) }
        return result
    }

    func intersection(_ other: TopicShares) -> TopicShares {
        var result = TopicShares()
        for (topic, partitions) in topics { result[topic] = partitions.intersection(other[topic]) }
        return result
    }

    func subtracting(_ other: TopicShares) -> TopicShares {
        var result = TopicShares()
        for (topic, partitions) in topics { result[topic] = partitions.subtracting(other[topic]) }
        return result
    }

    func filter(_ isIncluded: (Uuid, Int32) -> Bool) -> TopicShares {
        var result = TopicShares()
        for (topic, partitions) in topics { result[topic] = partitions.filter { isIncluded(topic, $0) } }
        return result
    }
}
