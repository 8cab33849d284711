/// Asks how far groups have come; from version 8 on for several at once (KIP-709).
struct OffsetFetchRequest: ApiRequest {
    typealias Response = OffsetFetchResponse
    static var api: Api { Api(.offsetFetch, versions: 0...9, flexible: 6) }

    var groupId = ""
    /// Null for all that the group has committed.
    var topics: [OffsetFetchRequestTopic]? = []
    var groups: [OffsetFetchRequestGroup] = []
    /// Whether an offset that an open transaction may still change is answered with UNSTABLE_OFFSET_COMMIT (KIP-447).
    var requireStable = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId, in: 0...7, else: "")
        try c.field(&topics, in: 0...7, nullable: 2...7, else: [])
        try c.field(&groups, in: 8..., else: [])
        try c.field(&requireStable, in: 7..., else: false)
    }

    struct OffsetFetchRequestTopic: WireStruct {
        var name = ""
        var partitionIndexes: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitionIndexes)
        }
    }

    struct OffsetFetchRequestGroup: WireStruct {
        var groupId = ""
        /// Of a member in the new protocol, which is then checked (KIP-848).
        var memberId: String?
        var memberEpoch: Int32 = -1
        /// Null for all that the group has committed.
        var topics: [OffsetFetchRequestTopics]? = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&groupId)
            try c.field(&memberId, in: 9...)
            try c.field(&memberEpoch, in: 9...)
            try c.field(&topics)
        }
    }

    struct OffsetFetchRequestTopics: WireStruct {
        var name = ""
        var partitionIndexes: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitionIndexes)
        }
    }
}

struct OffsetFetchResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [OffsetFetchResponseTopic] = []
    var errorCode = ErrorCode.none
    var groups: [OffsetFetchResponseGroup] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 3...)
        try c.field(&topics, in: 0...7)
        try c.field(&errorCode, in: 2...7)
        try c.field(&groups, in: 8...)
    }

    struct OffsetFetchResponseTopic: WireStruct {
        var name = ""
        var partitions: [OffsetFetchResponsePartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct OffsetFetchResponsePartition: WireStruct {
        var partitionIndex: Int32 = 0
        /// -1 when nothing is committed.
        var committedOffset: Int64 = 0
        var committedLeaderEpoch: Int32 = -1
        var metadata: String?
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&committedOffset)
            try c.field(&committedLeaderEpoch, in: 5...7)
            try c.field(&metadata)
            try c.field(&errorCode)
        }
    }

    struct OffsetFetchResponseGroup: WireStruct {
        var groupId = ""
        var topics: [OffsetFetchResponseTopics] = []
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&groupId)
            try c.field(&topics)
            try c.field(&errorCode)
        }
    }

    struct OffsetFetchResponseTopics: WireStruct {
        var name = ""
        var partitions: [OffsetFetchResponsePartitions] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct OffsetFetchResponsePartitions: WireStruct {
        var partitionIndex: Int32 = 0
        /// -1 when nothing is committed.
        var committedOffset: Int64 = 0
        var committedLeaderEpoch: Int32 = -1
        var metadata: String?
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&committedOffset)
            try c.field(&committedLeaderEpoch)
            try c.field(&metadata)
            try c.field(&errorCode)
        }
    }
}
