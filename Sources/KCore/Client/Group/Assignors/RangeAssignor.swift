/// Of each topic, as many neighbouring partitions to each member as go round, and one more to each of the first ones.
enum RangeAssignor {
    static func assign(_ partitionCounts: [String: Int32], to members: [AssignorMember]) -> [String: [TopicPartition]] {
        var result = Dictionary(members.map { ($0.id, [TopicPartition]()) }, uniquingKeysWith: { first, _ in first })
        let sorted = members.sorted(by: AssignorMember.comesBefore)
        for (topic, count) in partitionCounts.sorted(by: { $0.key.isLess(than: $1.key) }) {
            let takers = sorted.filter { $0.topics.contains(topic) }
            guard !takers.isEmpty else { continue }
            let each = Int(count) / takers.count
            let extra = Int(count) % takers.count
            var next = 0
            for (index, member) in takers.enumerated() {
                let share = next..<(next + each + (index < extra ? 1 : 0))
                result[member.id]?.append(
                    contentsOf: share.map { TopicPartition(topic: topic, partition: Int32($0)) })
                next = share.upperBound
            }
        }
        return result
    }
}
