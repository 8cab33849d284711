/// KIP-429: a partition that moves is given to nobody in the round in which its owner learns that it loses it. The owner
/// joins again when it has let go, and then the new owner gets it.
enum CooperativeRounds {
    static func withoutTransfers(
        _ assignment: [String: [TopicPartition]], _ members: [AssignorMember]
    ) -> [String: [TopicPartition]] {
        var lost: Set<TopicPartition> = []
        var owned: [String: Set<TopicPartition>] = [:]
        for member in members {
            owned[member.id] = Set(member.owned)
            lost.formUnion(Set(member.owned).subtracting(assignment[member.id] ?? []))
        }
        var result = assignment
        for (member, partitions) in assignment {
            let had = owned[member] ?? []
            result[member] = partitions.filter { had.contains($0) || !lost.contains($0) }
        }
        return result
    }
}
