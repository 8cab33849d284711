/// Appends record batches to partitions. From version 3 on only batches of format v2 may be sent, from version 7 on
/// also such as are compressed with zstd (KIP-110). Version 12, of Kafka 4.0, has the bytes of version 11.
struct ProduceRequest: ApiRequest {
    typealias Response = ProduceResponse
    static var api: Api { Api(.produce, versions: 0...12, flexible: 9) }

    /// From this version on the batches make their partitions part of their transaction; before, the client has to say so
    /// first (KIP-890).
    static let addsPartitionsFrom: Int16 = 12

    /// Null unless the batches are part of a transaction.
    var transactionalId: String?
    /// Who must have the batches before the answer comes: -1 every in-sync replica, 1 the leader, 0 nobody (then there
    /// is no answer at all).
    var acks: Int16 = 0
    /// How long the in-sync replicas may take.
    var timeoutMs: Int32 = 0
    var topicData: [TopicProduceData] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&transactionalId, in: 3..., else: nil)
        try c.field(&acks)
        try c.field(&timeoutMs)
        try c.field(&topicData)
    }

    struct TopicProduceData: WireStruct {
        var name = ""
        var partitionData: [PartitionProduceData] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitionData)
        }
    }

    struct PartitionProduceData: WireStruct {
        var index: Int32 = 0
        var records: WireRecords?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&index)
            try c.field(&records)
        }
    }
}

/// Where the batches went, or why not.
struct ProduceResponse: WireStruct {
    var responses: [TopicProduceResponse] = []
    var throttleTimeMs: Int32 = 0
    /// Where the leaders named in `currentLeader` are (KIP-951).
    var nodeEndpoints: [NodeEndpoint] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&responses)
        try c.field(&throttleTimeMs, in: 1...)
        try c.tagged(0, &nodeEndpoints, in: 10..., default: [])
    }

    struct TopicProduceResponse: WireStruct {
        var name = ""
        var partitionResponses: [PartitionProduceResponse] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitionResponses)
        }
    }

    struct PartitionProduceResponse: WireStruct {
        var index: Int32 = 0
        var errorCode = ErrorCode.none
        /// The offset that the first record got; -1 when nothing was appended.
        var baseOffset: Int64 = 0
        /// The broker's time at the append when the topic has LogAppendTime, otherwise -1.
        var logAppendTimeMs: Int64 = -1
        /// Lets a producer tell lost state from records that retention deleted (KIP-360).
        var logStartOffset: Int64 = -1
        /// The records that made the broker refuse their batch (KIP-467).
        var recordErrors: [BatchIndexAndErrorMessage] = []
        /// What those records have in common.
        var errorMessage: String?
        /// Sent with NOT_LEADER_OR_FOLLOWER, which saves the client a metadata request (KIP-951).
        var currentLeader = LeaderIdAndEpoch()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&index)
            try c.field(&errorCode)
            try c.field(&baseOffset)
            try c.field(&logAppendTimeMs, in: 2...)
            try c.field(&logStartOffset, in: 5...)
            try c.field(&recordErrors, in: 8...)
            try c.field(&errorMessage, in: 8...)
            try c.tagged(0, &currentLeader, in: 10..., default: LeaderIdAndEpoch())
        }
    }

    struct BatchIndexAndErrorMessage: WireStruct {
        /// Counted from the first record of the batch.
        var batchIndex: Int32 = 0
        var batchIndexErrorMessage: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&batchIndex)
            try c.field(&batchIndexErrorMessage)
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
