// What a group of the consumer protocol keeps of each member (KIP-848).

/// Who the member is and what it subscribed to.
struct ConsumerGroupMemberMetadataKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 5...5

    var groupId = ""
    var memberId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&memberId)
    }
}

struct ConsumerGroupMemberMetadataValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...0
    static let firstFlexible: Int16? = 0

    /// A static member's name (KIP-345).
    var instanceId: String?
    var rackId: String?
    var clientId = ""
    var clientHost = ""
    var subscribedTopicNames: [String] = []
    var subscribedTopicRegex: String?
    var rebalanceTimeoutMs: Int32 = -1
    var serverAssignor: String?
    /// Of a member that speaks the classic protocol.
    var classicMemberMetadata: ClassicMemberMetadata?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&instanceId)
        try c.field(&rackId)
        try c.field(&clientId)
        try c.field(&clientHost)
        try c.field(&subscribedTopicNames)
        try c.field(&subscribedTopicRegex)
        try c.field(&rebalanceTimeoutMs)
        try c.field(&serverAssignor)
        try c.tagged(0, &classicMemberMetadata, in: 0..., default: nil)
    }

    struct ClassicMemberMetadata: WireStruct {
        var sessionTimeoutMs: Int32 = 0
        var supportedProtocols: [ClassicProtocol] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&sessionTimeoutMs)
            try c.field(&supportedProtocols)
        }
    }

    struct ClassicProtocol: WireStruct {
        var name = ""
        var metadata = Bytes()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&metadata)
        }
    }
}

/// What the member is to have.
struct ConsumerGroupTargetAssignmentMemberKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 7...7

    var groupId = ""
    var memberId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&memberId)
    }
}

struct ConsumerGroupTargetAssignmentMemberValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...0
    static let firstFlexible: Int16? = 0

    var topicPartitions: [TopicPartition] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&topicPartitions) }

    struct TopicPartition: WireStruct {
        var topicId = Uuid.zero
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicId)
            try c.field(&partitions)
        }
    }
}

/// What the member has, and what it is asked to give back.
struct ConsumerGroupCurrentMemberAssignmentKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 8...8

    var groupId = ""
    var memberId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&memberId)
    }
}

struct ConsumerGroupCurrentMemberAssignmentValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...0
    static let firstFlexible: Int16? = 0

    var memberEpoch: Int32 = 0
    var previousMemberEpoch: Int32 = 0
    var state = ConsumerGroupMemberState.stable
    var assignedPartitions: [TopicPartitions] = []
    var partitionsPendingRevocation: [TopicPartitions] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&memberEpoch)
        try c.field(&previousMemberEpoch)
        try c.field(&state)
        try c.field(&assignedPartitions)
        try c.field(&partitionsPendingRevocation)
    }

    struct TopicPartitions: WireStruct {
        var topicId = Uuid.zero
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicId)
            try c.field(&partitions)
        }
    }
}

/// How far a member of the consumer protocol is on the way to its target.
struct ConsumerGroupMemberState: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    static let stable = ConsumerGroupMemberState(rawValue: 0)
    /// It has yet to give up partitions.
    static let unrevokedPartitions = ConsumerGroupMemberState(rawValue: 1)
    /// Others have yet to give up what it waits for.
    static let unreleasedPartitions = ConsumerGroupMemberState(rawValue: 2)
    static let unknown = ConsumerGroupMemberState(rawValue: 127)
}
