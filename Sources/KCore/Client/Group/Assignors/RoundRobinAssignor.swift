/// The partitions of all topics in turn, each to the next member that wants its topic.
enum RoundRobinAssignor {
    static func assign(_ partitionCounts: [String: Int32], to members: [AssignorMember]) -> [String: [TopicPartition]] {
        var result = Dictionary(members.map { ($0.id, [TopicPartition]()) }, uniquingKeysWith: { first, _ in first })
        let sorted = members.sorted(by: AssignorMember.comesBefore)
        var turn = 0
        for (topic, count) in partitionCounts.sorted(by: { $0.key.isLess(than: $1.key) }) {
            guard sorted.contains(where: { $0.topics.contains(topic) }) else { continue }
            for partition in 0..<max(0, count) {
                while !sorted[turn % sorted.count].topics.contains(topic) { turn += 1 }
                result[sorted[turn % sorted.count].id]?.append(TopicPartition(topic: topic, partition: partition))
                turn += 1
            }
        }
        return result
    }
}
