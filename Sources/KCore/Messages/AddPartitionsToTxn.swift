/// Tells the transaction coordinator which partitions a transaction is going to write to (KIP-98). From version 4 on it is
/// for brokers: many transactions at once, and the question alone whether partitions belong to one (KIP-890).
struct AddPartitionsToTxnRequest: ApiRequest {
    typealias Response = AddPartitionsToTxnResponse
    static var api: Api { Api(.addPartitionsToTxn, versions: 0...5, flexible: 3) }

    var transactions: [AddPartitionsToTxnTransaction] = []
    var v3AndBelowTransactionalId = ""
    var v3AndBelowProducerId: Int64 = 0
    var v3AndBelowProducerEpoch: Int16 = 0
    var v3AndBelowTopics: [AddPartitionsToTxnTopic] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&transactions, in: 4..., else: [])
        try c.field(&v3AndBelowTransactionalId, in: 0...3, else: "")
        try c.field(&v3AndBelowProducerId, in: 0...3, else: 0)
        try c.field(&v3AndBelowProducerEpoch, in: 0...3, else: 0)
        try c.field(&v3AndBelowTopics, in: 0...3, else: [])
    }

    struct AddPartitionsToTxnTransaction: WireStruct {
        var transactionalId = ""
        var producerId: Int64 = 0
        var producerEpoch: Int16 = 0
        /// Whether to ask only if the partitions belong to the transaction.
        var verifyOnly = false
        var topics: [AddPartitionsToTxnTopic] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&transactionalId)
            try c.field(&producerId)
            try c.field(&producerEpoch)
            try c.field(&verifyOnly)
            try c.field(&topics)
        }
    }

    struct AddPartitionsToTxnTopic: WireStruct {
        var name = ""
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }
}

struct AddPartitionsToTxnResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var resultsByTransaction: [AddPartitionsToTxnResult] = []
    var resultsByTopicV3AndBelow: [AddPartitionsToTxnTopicResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&errorCode, in: 4...)
        try c.field(&resultsByTransaction, in: 4...)
        try c.field(&resultsByTopicV3AndBelow, in: 0...3)
    }

    struct AddPartitionsToTxnResult: WireStruct {
        var transactionalId = ""
        var topicResults: [AddPartitionsToTxnTopicResult] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&transactionalId)
            try c.field(&topicResults)
        }
    }

    struct AddPartitionsToTxnTopicResult: WireStruct {
        var name = ""
        var resultsByPartition: [AddPartitionsToTxnPartitionResult] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&resultsByPartition)
        }
    }

    struct AddPartitionsToTxnPartitionResult: WireStruct {
        var partitionIndex: Int32 = 0
        var partitionErrorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&partitionErrorCode)
        }
    }
}
