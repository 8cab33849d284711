/// Takes members out of a group: the one that asks, or from version 3 on any number, by id or instance (KIP-345).
struct LeaveGroupRequest: ApiRequest {
    typealias Response = LeaveGroupResponse
    static var api: Api { Api(.leaveGroup, versions: 0...5, flexible: 4) }

    var groupId = ""
    var memberId = ""
    var members: [MemberIdentity] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&memberId, in: 0...2, else: "")
        try c.field(&members, in: 3..., else: [])
    }

    struct MemberIdentity: WireStruct {
        /// Empty when the member is named by its instance.
        var memberId = ""
        var groupInstanceId: String?
        /// For the log (KIP-800).
        var reason: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&memberId)
            try c.field(&groupInstanceId)
            try c.field(&reason, in: 5...)
        }
    }
}

struct LeaveGroupResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var members: [MemberResponse] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 1...)
        try c.field(&errorCode)
        try c.field(&members, in: 3...)
    }

    struct MemberResponse: WireStruct {
        var memberId = ""
        var groupInstanceId: String?
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&memberId)
            try c.field(&groupInstanceId)
            try c.field(&errorCode)
        }
    }
}
