// What consumers of the classic protocol tell each other through the group's coordinator, which does not look into it.

/// What a member wants, and what it has.
struct ConsumerProtocolSubscription: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...3
    static let readsNewer = true

    var topics: [String] = []
    var userData: Bytes?
    /// What it had when it joined again (KIP-429).
    var ownedPartitions: [TopicPartition] = []
    /// In which generation it had that; -1 when it does not say (KIP-792).
    var generationId: Int32 = -1
    var rackId: String?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&topics)
        try c.field(&userData)
        try c.field(&ownedPartitions, in: 1...)
        try c.field(&generationId, in: 2...)
        try c.field(&rackId, in: 3...)
    }

    struct TopicPartition: WireStruct {
        var topic = ""
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic)
            try c.field(&partitions)
        }
    }
}

/// What the leader of the group gave to a member.
struct ConsumerProtocolAssignment: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...3
    static let readsNewer = true

    var assignedPartitions: [TopicPartition] = []
    var userData: Bytes?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&assignedPartitions)
        try c.field(&userData)
    }

    struct TopicPartition: WireStruct {
        var topic = ""
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic)
            try c.field(&partitions)
        }
    }
}
