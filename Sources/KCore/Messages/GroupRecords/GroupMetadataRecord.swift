/// A group of the classic protocol, as it was when its last rebalance was over.
struct GroupMetadataKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 2...2

    var group = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&group) }
}

struct GroupMetadataValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...4
    static let firstFlexible: Int16? = 4

    /// `consumer`, `connect`, or empty for a group that only commits offsets.
    var protocolType = ""
    var generation: Int32 = 0
    /// The name of the assignor.
    var `protocol`: String?
    /// The member id of the leader.
    var leader: String?
    /// When the group came into its state, in milliseconds since 1970; -1 when that is not known.
    var currentStateTimestamp: Int64 = -1
    var members: [MemberMetadata] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&protocolType)
        try c.field(&generation)
        try c.field(&`protocol`)
        try c.field(&leader)
        try c.field(&currentStateTimestamp, in: 2...)
        try c.field(&members)
    }

    var writtenVersion: Int16 { 3 }

    struct MemberMetadata: WireStruct {
        var memberId = ""
        /// A static member's name (KIP-345).
        var groupInstanceId: String?
        var clientId = ""
        var clientHost = ""
        /// Milliseconds; -1 in a version without it: as the session timeout.
        var rebalanceTimeout: Int32 = -1
        /// Milliseconds.
        var sessionTimeout: Int32 = 0
        /// What the member sent for the protocol that was chosen; for consumers a ``ConsumerProtocolSubscription``.
        var subscription = Bytes()
        /// What the leader gave to it; for consumers a ``ConsumerProtocolAssignment``.
        var assignment = Bytes()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&memberId)
            try c.field(&groupInstanceId, in: 3...)
            try c.field(&clientId)
            try c.field(&clientHost)
            try c.field(&rebalanceTimeout, in: 1...)
            try c.field(&sessionTimeout)
            try c.field(&subscription)
            try c.field(&assignment)
        }
    }
}
