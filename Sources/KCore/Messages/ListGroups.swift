/// Asks for the groups that a broker coordinates.
struct ListGroupsRequest: ApiRequest {
    typealias Response = ListGroupsResponse
    static var api: Api { Api(.listGroups, versions: 0...5, flexible: 3) }

    /// Empty for all (KIP-518).
    var statesFilter: [String] = []
    /// `classic`, `consumer`; empty for all (KIP-848).
    var typesFilter: [String] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&statesFilter, in: 4..., else: [])
        try c.field(&typesFilter, in: 5..., else: [])
    }
}

struct ListGroupsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var groups: [ListedGroup] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 1...)
        try c.field(&errorCode)
        try c.field(&groups)
    }

    struct ListedGroup: WireStruct {
        var groupId = ""
        var protocolType = ""
        var groupState = ""
        var groupType = ""
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&groupId)
            try c.field(&protocolType)
            try c.field(&groupState, in: 4...)
            try c.field(&groupType, in: 5...)
        }
    }
}
