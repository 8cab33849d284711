/// Forgets groups that have no members, with their offsets (KIP-229).
struct DeleteGroupsRequest: ApiRequest {
    typealias Response = DeleteGroupsResponse
    static var api: Api { Api(.deleteGroups, versions: 0...2, flexible: 2) }

    var groupsNames: [String] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupsNames)
    }
}

struct DeleteGroupsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var results: [DeletableGroupResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&results)
    }

    struct DeletableGroupResult: WireStruct {
        var groupId = ""
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&groupId)
            try c.field(&errorCode)
        }
    }
}
