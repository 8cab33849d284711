// What a group of the consumer protocol is made of as a whole (KIP-848).

/// The group exists, in that epoch.
struct ConsumerGroupMetadataKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 3...3

    var groupId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&groupId) }
}

struct ConsumerGroupMetadataValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...0
    static let firstFlexible: Int16? = 0

    /// Raised by every change of members, subscriptions or partitions.
    var epoch: Int32 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&epoch) }
}

/// The topics that the group knew when it computed its last target.
struct ConsumerGroupPartitionMetadataKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 4...4

    var groupId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&groupId) }
}

struct ConsumerGroupPartitionMetadataValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...0
    static let firstFlexible: Int16? = 0

    var topics: [TopicMetadata] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&topics) }

    struct TopicMetadata: WireStruct {
        var topicId = Uuid.zero
        var topicName = ""
        var numPartitions: Int32 = 0
        /// Empty when no rack is known.
        var partitionMetadata: [PartitionMetadata] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicId)
            try c.field(&topicName)
            try c.field(&numPartitions)
            try c.field(&partitionMetadata)
        }
    }

    struct PartitionMetadata: WireStruct {
        var partition: Int32 = 0
        var racks: [String] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partition)
            try c.field(&racks)
        }
    }
}

/// The epoch of the group for which the target was computed.
struct ConsumerGroupTargetAssignmentMetadataKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 6...6

    var groupId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&groupId) }
}

struct ConsumerGroupTargetAssignmentMetadataValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...0
    static let firstFlexible: Int16? = 0

    var assignmentEpoch: Int32 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&assignmentEpoch) }
}
