/// Asks the coordinators of transactional ids how far their transactions are (KIP-664).
struct DescribeTransactionsRequest: ApiRequest {
    typealias Response = DescribeTransactionsResponse
    static var api: Api { Api(.describeTransactions, versions: 0...0, flexible: 0) }

    var transactionalIds: [String] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&transactionalIds) }
}

struct DescribeTransactionsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var transactionStates: [TransactionState] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&transactionStates)
    }

    struct TransactionState: WireStruct {
        var errorCode = ErrorCode.none
        var transactionalId = ""
        /// By its name: `Empty`, `Ongoing`, `PrepareCommit`, and so on.
        var transactionState = ""
        var transactionTimeoutMs: Int32 = 0
        /// Milliseconds since 1970; -1 when none is open.
        var transactionStartTimeMs: Int64 = 0
        var producerId: Int64 = 0
        var producerEpoch: Int16 = 0
        var topics: [TopicData] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&transactionalId)
            try c.field(&transactionState)
            try c.field(&transactionTimeoutMs)
            try c.field(&transactionStartTimeMs)
            try c.field(&producerId)
            try c.field(&producerEpoch)
            try c.field(&topics)
        }
    }

    struct TopicData: WireStruct {
        var topic = ""
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic)
            try c.field(&partitions)
        }
    }
}
