/// Asks to become or stay a member of a group that balances itself: the first half of a rebalance. It is answered when all
/// members have asked, or the time for that is up.
struct JoinGroupRequest: ApiRequest {
    typealias Response = JoinGroupResponse
    static var api: Api { Api(.joinGroup, versions: 0...9, flexible: 6) }

    var groupId = ""
    /// A member that is silent for so long is taken out of the group.
    var sessionTimeoutMs: Int32 = 0
    /// How long the group waits for this member in a rebalance; -1 in version 0, where it is the session timeout.
    var rebalanceTimeoutMs: Int32 = -1
    /// Empty for a new member. From version 4 on it is then told an id and asks again with that (KIP-394).
    var memberId = ""
    /// Makes the member a static one, which keeps its place over a restart (KIP-345).
    var groupInstanceId: String?
    /// `consumer` for consumers; others have their own. One group has one.
    var protocolType = ""
    /// The assignors that the member knows, the best first. The coordinator does not look into their metadata.
    var protocols: [JoinGroupRequestProtocol] = []
    /// For the log (KIP-800).
    var reason: String?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&sessionTimeoutMs)
        try c.field(&rebalanceTimeoutMs, in: 1...)
        try c.field(&memberId)
        try c.field(&groupInstanceId, in: 5..., else: nil)
        try c.field(&protocolType)
        try c.field(&protocols)
        try c.field(&reason, in: 8...)
    }

    struct JoinGroupRequestProtocol: WireStruct {
        var name = ""
        var metadata = Bytes()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&metadata)
        }
    }
}

/// The member's place in the new generation. Only the leader is told the members, for it assigns partitions to them.
struct JoinGroupResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var generationId: Int32 = -1
    var protocolType: String?
    var protocolName: String?
    var leader = ""
    /// The leader shall not assign anything: a static leader is back and the old assignments stand (KIP-814).
    var skipAssignment = false
    var memberId = ""
    var members: [JoinGroupResponseMember] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 2...)
        try c.field(&errorCode)
        try c.field(&generationId)
        try c.field(&protocolType, in: 7...)
        try c.field(&protocolName, in: 0..., nullable: 7...)
        try c.field(&leader)
        try c.field(&skipAssignment, in: 9...)
        try c.field(&memberId)
        try c.field(&members)
    }

    struct JoinGroupResponseMember: WireStruct {
        var memberId = ""
        var groupInstanceId: String?
        var metadata = Bytes()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&memberId)
            try c.field(&groupInstanceId, in: 5...)
            try c.field(&metadata)
        }
    }
}
