/// Asks for the state and the members of groups.
struct DescribeGroupsRequest: ApiRequest {
    typealias Response = DescribeGroupsResponse
    static var api: Api { Api(.describeGroups, versions: 0...5, flexible: 5) }

    var groups: [String] = []
    var includeAuthorizedOperations = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groups)
        try c.field(&includeAuthorizedOperations, in: 3..., else: false)
    }
}

struct DescribeGroupsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var groups: [DescribedGroup] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 1...)
        try c.field(&groups)
    }

    struct DescribedGroup: WireStruct {
        var errorCode = ErrorCode.none
        var groupId = ""
        /// `PreparingRebalance`, `CompletingRebalance`, `Stable`, `Empty` or `Dead`.
        var groupState = ""
        var protocolType = ""
        /// The assignor, in a stable group.
        var protocolData = ""
        var members: [DescribedGroupMember] = []
        /// As bits (KIP-430); `Int32.min` when they were not asked for.
        var authorizedOperations: Int32 = -2147483648
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&groupId)
            try c.field(&groupState)
            try c.field(&protocolType)
            try c.field(&protocolData)
            try c.field(&members)
            try c.field(&authorizedOperations, in: 3...)
        }
    }

    struct DescribedGroupMember: WireStruct {
        var memberId = ""
        var groupInstanceId: String?
        var clientId = ""
        var clientHost = ""
        /// What the member sent with the group's assignor, in a stable group.
        var memberMetadata = Bytes()
        /// In a stable group.
        var memberAssignment = Bytes()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&memberId)
            try c.field(&groupInstanceId, in: 4...)
            try c.field(&clientId)
            try c.field(&clientHost)
            try c.field(&memberMetadata)
            try c.field(&memberAssignment)
        }
    }
}
