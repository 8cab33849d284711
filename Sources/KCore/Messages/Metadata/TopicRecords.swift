/// A topic was created; its partitions follow as records of their own.
struct TopicRecord: MetadataRecord {
    static let apiKey: Int16 = 2
    static let versions: ClosedRange<Int16> = 0...0

    var name = ""
    var topicId = Uuid.zero
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&name)
        try c.field(&topicId)
    }
}

/// A partition was created; in a snapshot, its whole state.
struct PartitionRecord: MetadataRecord {
    static let apiKey: Int16 = 3
    static let versions: ClosedRange<Int16> = 0...2

    var partitionId: Int32 = -1
    var topicId = Uuid.zero
    /// The preferred leader first.
    var replicas: [Int32] = []
    var isr: [Int32] = []
    var removingReplicas: [Int32] = []
    var addingReplicas: [Int32] = []
    /// -1 for none.
    var leader: Int32 = -1
    /// Whether the leader still recovers from an unclean election (KIP-704).
    var leaderRecoveryState = LeaderRecoveryState.recovered
    var leaderEpoch: Int32 = -1
    /// Counts the changes of the partition.
    var partitionEpoch: Int32 = -1
    /// A log directory for each of `replicas`, in the same order (KIP-858).
    var directories: [Uuid] = []
    /// Replicas outside of the ISR that nevertheless have all below the high watermark (KIP-966).
    var eligibleLeaderReplicas: [Int32]?
    /// Those that were eligible before an unclean stop.
    var lastKnownElr: [Int32]?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&partitionId)
        try c.field(&topicId)
        try c.field(&replicas)
        try c.field(&isr)
        try c.field(&removingReplicas)
        try c.field(&addingReplicas)
        try c.field(&leader)
        try c.field(&leaderEpoch)
        try c.field(&partitionEpoch)
        try c.field(&directories, in: 1...)
        try c.tagged(0, &leaderRecoveryState, in: 0..., default: .recovered)
        try c.tagged(1, &eligibleLeaderReplicas, in: 2..., default: nil)
        try c.tagged(2, &lastKnownElr, in: 2..., default: nil)
    }

    var oldestVersion: Int16 {
        if eligibleLeaderReplicas != nil || lastKnownElr != nil { return 2 }
        return directories.isEmpty ? 0 : 1
    }
}

/// A partition changed: what is null, or has its default, stayed as it was. A leader that is given, be it the same
/// one, raises the leader epoch; every record raises the partition epoch.
struct PartitionChangeRecord: MetadataRecord {
    static let apiKey: Int16 = 5
    static let versions: ClosedRange<Int16> = 0...2

    var partitionId: Int32 = -1
    var topicId = Uuid.zero
    var isr: [Int32]?
    /// -1: there is none now, -2: as before.
    var leader: Int32 = -2
    var replicas: [Int32]?
    var removingReplicas: [Int32]?
    var addingReplicas: [Int32]?
    /// -1: as before.
    var leaderRecoveryState = LeaderRecoveryState.unchanged
    /// A log directory for each replica, in the same order (KIP-858).
    var directories: [Uuid]?
    var eligibleLeaderReplicas: [Int32]?
    var lastKnownElr: [Int32]?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&partitionId)
        try c.field(&topicId)
        try c.tagged(0, &isr, in: 0..., default: nil)
        try c.tagged(1, &leader, in: 0..., default: -2)
        try c.tagged(2, &replicas, in: 0..., default: nil)
        try c.tagged(3, &removingReplicas, in: 0..., default: nil)
        try c.tagged(4, &addingReplicas, in: 0..., default: nil)
        try c.tagged(5, &leaderRecoveryState, in: 0..., default: .unchanged)
        try c.tagged(6, &eligibleLeaderReplicas, in: 2..., default: nil)
        try c.tagged(7, &lastKnownElr, in: 2..., default: nil)
        try c.tagged(8, &directories, in: 1..., default: nil)
    }

    var oldestVersion: Int16 {
        if eligibleLeaderReplicas != nil || lastKnownElr != nil { return 2 }
        return directories == nil ? 0 : 1
    }
}

/// A topic was deleted, with all of its partitions.
struct RemoveTopicRecord: MetadataRecord {
    static let apiKey: Int16 = 9
    static let versions: ClosedRange<Int16> = 0...0

    var topicId = Uuid.zero
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&topicId)
    }
}
