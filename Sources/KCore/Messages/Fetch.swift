/// Reads record batches from partitions: consumers do, and followers, who replicate by it.
///
/// Version 7 adds sessions, in which only what changes is sent (KIP-227); 13 names topics by id (KIP-516).
struct FetchRequest: ApiRequest {
    typealias Response = FetchResponse
    static var api: Api { Api(.fetch, versions: 0...17, flexible: 12) }

    /// Set by followers that are not registered yet: a check that both are of the same cluster.
    var clusterId: String?
    /// The follower's broker id, -1 for a consumer. From version 15 on `replicaState` says it.
    var replicaId: Int32 = -1
    /// Who the follower is, in which life of it (KIP-903).
    var replicaState = ReplicaState()
    /// How long the broker may wait until `minBytes` are there.
    var maxWaitMs: Int32 = 0
    var minBytes: Int32 = 0
    /// A limit for the whole answer, which the first batch may exceed so that the reader always gets on (KIP-74).
    var maxBytes: Int32 = .max
    var isolationLevel = IsolationLevel.readUncommitted
    /// The session that the request belongs to; 0 to begin one, or to do without.
    var sessionId: Int32 = 0
    /// The number of the request in its session; 0 begins one anew, -1 does without.
    var sessionEpoch: Int32 = -1
    /// In a session: the partitions that are new or changed. They are served in this order.
    var topics: [FetchTopic] = []
    /// In a session: the partitions that are no longer wanted.
    var forgottenTopicsData: [ForgottenTopic] = []
    /// Where the consumer is, for reading from the nearest replica (KIP-392).
    var rackId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&replicaId, in: 0...14, else: -1)
        try c.field(&maxWaitMs)
        try c.field(&minBytes)
        try c.field(&maxBytes, in: 3...)
        try c.field(&isolationLevel, in: 4...)
        try c.field(&sessionId, in: 7...)
        try c.field(&sessionEpoch, in: 7...)
        try c.field(&topics)
        try c.field(&forgottenTopicsData, in: 7..., else: [])
        try c.field(&rackId, in: 11...)
        try c.tagged(0, &clusterId, in: 12..., default: nil)
        try c.tagged(1, &replicaState, in: 15..., default: ReplicaState())
    }

    struct ReplicaState: WireStruct {
        var replicaId: Int32 = -1
        var replicaEpoch: Int64 = -1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&replicaId)
            try c.field(&replicaEpoch)
        }
    }

    struct FetchTopic: WireStruct {
        var topic = ""
        var topicId = Uuid.zero
        var partitions: [FetchPartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic, in: 0...12)
            try c.field(&topicId, in: 13...)
            try c.field(&partitions)
        }
    }

    struct FetchPartition: WireStruct {
        var partition: Int32 = 0
        /// The leader epoch that the client knows, which fences whoever is behind; -1: unchecked (KIP-320).
        var currentLeaderEpoch: Int32 = -1
        var fetchOffset: Int64 = 0
        /// The epoch of the last batch the reader has, which shows whether logs diverge (KIP-595); -1 for none.
        var lastFetchedEpoch: Int32 = -1
        /// The follower's own log start offset; -1 from consumers.
        var logStartOffset: Int64 = -1
        /// A limit for this partition, with the same exception as `maxBytes`.
        var partitionMaxBytes: Int32 = 0
        /// The log directory of the follower (KIP-853).
        var replicaDirectoryId = Uuid.zero
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partition)
            try c.field(&currentLeaderEpoch, in: 9...)
            try c.field(&fetchOffset)
            try c.field(&lastFetchedEpoch, in: 12..., else: -1)
            try c.field(&logStartOffset, in: 5...)
            try c.field(&partitionMaxBytes)
            try c.tagged(0, &replicaDirectoryId, in: 17..., default: .zero)
        }
    }

    struct ForgottenTopic: WireStruct {
        var topic = ""
        var topicId = Uuid.zero
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic, in: 7...12)
            try c.field(&topicId, in: 13...)
            try c.field(&partitions)
        }
    }
}

/// The batches that were read. Compressed ones arrive as they are stored; the last may be cut off in old formats.
struct FetchResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    /// An error of the session, not of a partition.
    var errorCode = ErrorCode.none
    /// 0 when there is no session.
    var sessionId: Int32 = 0
    /// In a session: only the partitions that have news.
    var responses: [FetchableTopicResponse] = []
    /// Where the leaders named in `currentLeader` are (KIP-951).
    var nodeEndpoints: [NodeEndpoint] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 1...)
        try c.field(&errorCode, in: 7...)
        try c.field(&sessionId, in: 7...)
        try c.field(&responses)
        try c.tagged(0, &nodeEndpoints, in: 16..., default: [])
    }

    struct FetchableTopicResponse: WireStruct {
        var topic = ""
        var topicId = Uuid.zero
        var partitions: [PartitionData] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic, in: 0...12)
            try c.field(&topicId, in: 13...)
            try c.field(&partitions)
        }
    }

    struct PartitionData: WireStruct {
        var partitionIndex: Int32 = 0
        var errorCode = ErrorCode.none
        var highWatermark: Int64 = 0
        /// All transactions below it are decided; readers of committed records stop there. -1 when not known.
        var lastStableOffset: Int64 = -1
        var logStartOffset: Int64 = -1
        /// Set when the reader's log diverges: it must cut back to this epoch and its end (KIP-595).
        var divergingEpoch = EpochEndOffset()
        /// Sent with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH.
        var currentLeader = LeaderIdAndEpoch()
        /// Set when the reader must begin with a snapshot, since the log no longer reaches back so far (KIP-630).
        var snapshotId = SnapshotId()
        /// The aborted transactions in the range that was read; null for readers of uncommitted records.
        var abortedTransactions: [AbortedTransaction]? = []
        /// A replica nearer to the consumer, which should read there; -1 for none (KIP-392).
        var preferredReadReplica: Int32 = -1
        var records: WireRecords?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&errorCode)
            try c.field(&highWatermark)
            try c.field(&lastStableOffset, in: 4...)
            try c.field(&logStartOffset, in: 5...)
            try c.field(&abortedTransactions, in: 4...)
            try c.field(&preferredReadReplica, in: 11...)
            try c.field(&records)
            try c.tagged(0, &divergingEpoch, in: 12..., default: EpochEndOffset())
            try c.tagged(1, &currentLeader, in: 12..., default: LeaderIdAndEpoch())
            try c.tagged(2, &snapshotId, in: 12..., default: SnapshotId())
        }
    }

    struct EpochEndOffset: WireStruct {
        var epoch: Int32 = -1
        var endOffset: Int64 = -1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&epoch)
            try c.field(&endOffset)
        }
    }

    /// -1 for what is not known.
    struct LeaderIdAndEpoch: WireStruct {
        var leaderId: Int32 = -1
        var leaderEpoch: Int32 = -1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&leaderId)
            try c.field(&leaderEpoch)
        }
    }

    struct SnapshotId: WireStruct {
        var endOffset: Int64 = -1
        var epoch: Int32 = -1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&endOffset)
            try c.field(&epoch)
        }
    }

    struct AbortedTransaction: WireStruct {
        var producerId: Int64 = 0
        /// From here on the producer's records are void, up to its abort marker.
        var firstOffset: Int64 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&producerId)
            try c.field(&firstOffset)
        }
    }

    struct NodeEndpoint: WireStruct {
        var nodeId: Int32 = 0
        var host = ""
        var port: Int32 = 0
        var rack: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&nodeId)
            try c.field(&host)
            try c.field(&port)
            try c.field(&rack)
        }
    }
}
