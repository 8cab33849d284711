/// Stores how far a group has come.
struct OffsetCommitRequest: ApiRequest {
    typealias Response = OffsetCommitResponse
    static var api: Api { Api(.offsetCommit, versions: 0...9, flexible: 8) }

    var groupId = ""
    /// The generation in the classic protocol, the member's epoch in the new one (KIP-848), -1 for a commit without
    /// membership.
    var generationIdOrMemberEpoch: Int32 = -1
    var memberId = ""
    var groupInstanceId: String?
    /// How long the offset is kept; -1 for what the broker is set to.
    var retentionTimeMs: Int64 = -1
    var topics: [OffsetCommitRequestTopic] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&generationIdOrMemberEpoch, in: 1...)
        try c.field(&memberId, in: 1...)
        try c.field(&groupInstanceId, in: 7..., else: nil)
        try c.field(&retentionTimeMs, in: 2...4)
        try c.field(&topics)
    }

    struct OffsetCommitRequestTopic: WireStruct {
        var name = ""
        var partitions: [OffsetCommitRequestPartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct OffsetCommitRequestPartition: WireStruct {
        var partitionIndex: Int32 = 0
        /// The offset of the first record that is not handled yet.
        var committedOffset: Int64 = 0
        /// The epoch of the last record that was handled; -1 when unknown.
        var committedLeaderEpoch: Int32 = -1
        /// Milliseconds; -1 for the time of arrival.
        var commitTimestamp: Int64 = -1
        var committedMetadata: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&committedOffset)
            try c.field(&committedLeaderEpoch, in: 6...)
            try c.field(&commitTimestamp, in: 1...1, else: -1)
            try c.field(&committedMetadata)
        }
    }
}

struct OffsetCommitResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [OffsetCommitResponseTopic] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 3...)
        try c.field(&topics)
    }

    struct OffsetCommitResponseTopic: WireStruct {
        var name = ""
        var partitions: [OffsetCommitResponsePartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct OffsetCommitResponsePartition: WireStruct {
        var partitionIndex: Int32 = 0
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&errorCode)
        }
    }
}
