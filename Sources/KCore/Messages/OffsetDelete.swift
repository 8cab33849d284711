/// Forgets committed offsets of a group that does not use them (KIP-496).
struct OffsetDeleteRequest: ApiRequest {
    typealias Response = OffsetDeleteResponse
    static var api: Api { Api(.offsetDelete, versions: 0...0, flexible: nil) }

    var groupId = ""
    var topics: [OffsetDeleteRequestTopic] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&topics)
    }

    struct OffsetDeleteRequestTopic: WireStruct {
        var name = ""
        var partitions: [OffsetDeleteRequestPartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct OffsetDeleteRequestPartition: WireStruct {
        var partitionIndex: Int32 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
        }
    }
}

struct OffsetDeleteResponse: WireStruct {
    var errorCode = ErrorCode.none
    var throttleTimeMs: Int32 = 0
    var topics: [OffsetDeleteResponseTopic] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&errorCode)
        try c.field(&throttleTimeMs)
        try c.field(&topics)
    }

    struct OffsetDeleteResponseTopic: WireStruct {
        var name = ""
        var partitions: [OffsetDeleteResponsePartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct OffsetDeleteResponsePartition: WireStruct {
        var partitionIndex: Int32 = 0
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&errorCode)
        }
    }
}
