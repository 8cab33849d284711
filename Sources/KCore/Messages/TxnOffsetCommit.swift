/// Stores how far a group has come as part of a transaction: it counts when that commits (KIP-98). Version 5, of Kafka 4.0, has
/// the bytes of version 4.
struct TxnOffsetCommitRequest: ApiRequest {
    typealias Response = TxnOffsetCommitResponse
    static var api: Api { Api(.txnOffsetCommit, versions: 0...5, flexible: 3) }

    /// From this version on the offsets make their group part of the transaction; before, the client has to say so first
    /// (KIP-890).
    static let addsGroupFrom: Int16 = 5

    var transactionalId = ""
    var groupId = ""
    var producerId: Int64 = 0
    var producerEpoch: Int16 = 0
    /// With member and instance, lets the coordinator fence who is no member any more (KIP-447); -1 unchecked.
    var generationId: Int32 = -1
    var memberId = ""
    var groupInstanceId: String?
    var topics: [TxnOffsetCommitRequestTopic] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&transactionalId)
        try c.field(&groupId)
        try c.field(&producerId)
        try c.field(&producerEpoch)
        try c.field(&generationId, in: 3..., else: -1)
        try c.field(&memberId, in: 3..., else: "")
        try c.field(&groupInstanceId, in: 3..., else: nil)
        try c.field(&topics)
    }

    struct TxnOffsetCommitRequestTopic: WireStruct {
        var name = ""
        var partitions: [TxnOffsetCommitRequestPartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct TxnOffsetCommitRequestPartition: WireStruct {
        var partitionIndex: Int32 = 0
        /// The offset of the first record that is not handled yet.
        var committedOffset: Int64 = 0
        /// The epoch of the last record that was handled; -1 when unknown.
        var committedLeaderEpoch: Int32 = -1
        var committedMetadata: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&committedOffset)
            try c.field(&committedLeaderEpoch, in: 2...)
            try c.field(&committedMetadata)
        }
    }
}

struct TxnOffsetCommitResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [TxnOffsetCommitResponseTopic] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&topics)
    }

    struct TxnOffsetCommitResponseTopic: WireStruct {
        var name = ""
        var partitions: [TxnOffsetCommitResponsePartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct TxnOffsetCommitResponsePartition: WireStruct {
        var partitionIndex: Int32 = 0
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&errorCode)
        }
    }
}
