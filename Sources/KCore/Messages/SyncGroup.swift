/// Fetches the member's part of the assignment: the second half of a rebalance. The leader brings the whole of it.
struct SyncGroupRequest: ApiRequest {
    typealias Response = SyncGroupResponse
    static var api: Api { Api(.syncGroup, versions: 0...5, flexible: 4) }

    var groupId = ""
    var generationId: Int32 = 0
    var memberId = ""
    var groupInstanceId: String?
    /// Must be the group's when it is there (KIP-559).
    var protocolType: String?
    var protocolName: String?
    /// From the leader only.
    var assignments: [SyncGroupRequestAssignment] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&generationId)
        try c.field(&memberId)
        try c.field(&groupInstanceId, in: 3..., else: nil)
        try c.field(&protocolType, in: 5...)
        try c.field(&protocolName, in: 5...)
        try c.field(&assignments)
    }

    struct SyncGroupRequestAssignment: WireStruct {
        var memberId = ""
        var assignment = Bytes()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&memberId)
            try c.field(&assignment)
        }
    }
}

struct SyncGroupResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var protocolType: String?
    var protocolName: String?
    /// Empty when there is an error.
    var assignment = Bytes()
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 1...)
        try c.field(&errorCode)
        try c.field(&protocolType, in: 5...)
        try c.field(&protocolName, in: 5...)
        try c.field(&assignment)
    }
}
