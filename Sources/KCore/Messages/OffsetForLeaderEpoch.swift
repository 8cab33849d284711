/// Asks where an epoch of a partition ends: how followers and consumers find the point of divergence (KIP-101).
struct OffsetForLeaderEpochRequest: ApiRequest {
    typealias Response = OffsetForLeaderEpochResponse
    static var api: Api { Api(.offsetForLeaderEpoch, versions: 0...4, flexible: 4) }

    /// The follower's broker id, -1 for a consumer; -2 may see beyond the high watermark.
    var replicaId: Int32 = -2
    var topics: [OffsetForLeaderTopic] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&replicaId, in: 3...)
        try c.field(&topics)
    }

    struct OffsetForLeaderTopic: WireStruct {
        var topic = ""
        var partitions: [OffsetForLeaderPartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic)
            try c.field(&partitions)
        }
    }

    struct OffsetForLeaderPartition: WireStruct {
        var partition: Int32 = 0
        /// The leader epoch that the client knows, which fences whoever is behind; -1: unchecked (KIP-320).
        var currentLeaderEpoch: Int32 = -1
        /// The epoch whose end is wanted.
        var leaderEpoch: Int32 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partition)
            try c.field(&currentLeaderEpoch, in: 2...)
            try c.field(&leaderEpoch)
        }
    }
}

struct OffsetForLeaderEpochResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [OffsetForLeaderTopicResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 2...)
        try c.field(&topics)
    }

    struct OffsetForLeaderTopicResult: WireStruct {
        var topic = ""
        var partitions: [EpochEndOffset] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic)
            try c.field(&partitions)
        }
    }

    struct EpochEndOffset: WireStruct {
        var errorCode = ErrorCode.none
        var partition: Int32 = 0
        /// The largest epoch not above the one asked for; -1 when there is none.
        var leaderEpoch: Int32 = -1
        /// Where that epoch ends, exclusively; -1 when not known.
        var endOffset: Int64 = -1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&partition)
            try c.field(&leaderEpoch, in: 1...)
            try c.field(&endOffset)
        }
    }
}
