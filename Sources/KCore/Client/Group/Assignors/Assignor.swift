/// How partitions are shared among the members of a group of the classic protocol. The leader of the group decides, by an
/// assignor that all members know. Each gives the same result for the same input as Kafka's of the same name.
public enum Assignor: String, Sendable, CaseIterable {
    /// Of each topic, neighbouring partitions to each member.
    case range
    /// Partitions of all topics in turn.
    case roundRobin = "roundrobin"
    /// As even as can be, and each member keeps what it had where that is possible (KIP-54).
    case sticky
    /// As ``sticky``, but members go on with what they keep while others move (KIP-429).
    case cooperativeSticky = "cooperative-sticky"

    /// Whether members give up only what they lose, in a rebalance of its own, and go on with the rest meanwhile.
    public var isCooperative: Bool { self == .cooperativeSticky }

    /// Shares all partitions of the topics that members want.
    /// - Parameters:
    ///   - partitionCounts: topics that do not exist are not in it.
    ///   - members: in any order.
    func assign(_ partitionCounts: [String: Int32], to members: [AssignorMember]) -> [String: [TopicPartition]] {
        switch self {
        case .range: RangeAssignor.assign(partitionCounts, to: members)
        case .roundRobin: RoundRobinAssignor.assign(partitionCounts, to: members)
        case .sticky: StickyAssignor.assign(partitionCounts, to: members)
        case .cooperativeSticky:
            CooperativeRounds.withoutTransfers(StickyAssignor.assign(partitionCounts, to: members), members)
        }
    }
}

/// What an assignor knows of a member.
struct AssignorMember: Sendable {
    var id: String
    var instanceId: String?
    var topics: Set<String>
    /// What it says that it had.
    var owned: [TopicPartition] = []
    /// In which generation; -1 when it does not say.
    var generation: Int32 = -1

    /// Static members come first, so that their share survives a restart, which gives them a new id.
    static func comesBefore(_ a: AssignorMember, _ b: AssignorMember) -> Bool {
        switch (a.instanceId, b.instanceId) {
        case (let a?, let b?): a.isLess(than: b)
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): a.id.isLess(than: b.id)
        }
    }
}

extension String {
    /// The order of Java's strings, by UTF-16 units: members of other clients must come to the same result.
    func isLess(than other: String) -> Bool { utf16.lexicographicallyPrecedes(other.utf16) }
}
