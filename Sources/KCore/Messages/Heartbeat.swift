/// Says that a member lives, and asks whether the group rebalances.
struct HeartbeatRequest: ApiRequest {
    typealias Response = HeartbeatResponse
    static var api: Api { Api(.heartbeat, versions: 0...4, flexible: 4) }

    var groupId = ""
    var generationId: Int32 = 0
    var memberId = ""
    var groupInstanceId: String?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&generationId)
        try c.field(&memberId)
        try c.field(&groupInstanceId, in: 3..., else: nil)
    }
}

struct HeartbeatResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    /// REBALANCE_IN_PROGRESS tells the member to join again.
    var errorCode = ErrorCode.none
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 1...)
        try c.field(&errorCode)
    }
}
