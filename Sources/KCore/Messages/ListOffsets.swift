/// Asks for the offset that belongs to a time, or for the ends of partitions.
struct ListOffsetsRequest: ApiRequest {
    typealias Response = ListOffsetsResponse
    static var api: Api { Api(.listOffsets, versions: 0...10, flexible: 6) }

    /// The follower's broker id, -1 for a consumer.
    var replicaId: Int32 = 0
    /// Which end of the partition a reader of committed records sees.
    var isolationLevel = IsolationLevel.readUncommitted
    var topics: [ListOffsetsTopic] = []
    /// How long the broker may take to look into remote storage (KIP-1075).
    var timeoutMs: Int32 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&replicaId)
        try c.field(&isolationLevel, in: 2..., else: .readUncommitted)
        try c.field(&topics)
        try c.field(&timeoutMs, in: 10...)
    }

    struct ListOffsetsTopic: WireStruct {
        var name = ""
        var partitions: [ListOffsetsPartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct ListOffsetsPartition: WireStruct {
        var partitionIndex: Int32 = 0
        /// The leader epoch that the client knows, which fences whoever is behind; -1: unchecked (KIP-320).
        var currentLeaderEpoch: Int32 = -1
        /// Milliseconds since 1970, for the first record that is not older; or one of ``ListOffsetsTimestamp``.
        var timestamp: Int64 = 0
        /// How many segment starts to list, newest first.
        var maxNumOffsets: Int32 = 1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&currentLeaderEpoch, in: 4...)
            try c.field(&timestamp)
            try c.field(&maxNumOffsets, in: 0...0, else: 1)
        }
    }
}

struct ListOffsetsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [ListOffsetsTopicResponse] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 2...)
        try c.field(&topics)
    }

    struct ListOffsetsTopicResponse: WireStruct {
        var name = ""
        var partitions: [ListOffsetsPartitionResponse] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct ListOffsetsPartitionResponse: WireStruct {
        var partitionIndex: Int32 = 0
        var errorCode = ErrorCode.none
        /// Version 0 lists the starts of segments instead of one offset.
        var oldStyleOffsets: [Int64] = []
        /// The time of the record that was found; -1 for none, and for the special timestamps but the maximum.
        var timestamp: Int64 = -1
        /// -1 when no record is new enough.
        var offset: Int64 = -1
        var leaderEpoch: Int32 = -1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&errorCode)
            try c.field(&oldStyleOffsets, in: 0...0)
            try c.field(&timestamp, in: 1...)
            try c.field(&offset, in: 1...)
            try c.field(&leaderEpoch, in: 4...)
        }
    }
}
