/// Asks the leaders of partitions which idempotent and transactional producers they know (KIP-664).
struct DescribeProducersRequest: ApiRequest {
    typealias Response = DescribeProducersResponse
    static var api: Api { Api(.describeProducers, versions: 0...0, flexible: 0) }

    var topics: [TopicRequest] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&topics) }

    struct TopicRequest: WireStruct {
        var name = ""
        var partitionIndexes: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitionIndexes)
        }
    }
}

struct DescribeProducersResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [TopicResponse] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&topics)
    }

    struct TopicResponse: WireStruct {
        var name = ""
        var partitions: [PartitionResponse] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct PartitionResponse: WireStruct {
        var partitionIndex: Int32 = 0
        var errorCode = ErrorCode.none
        var errorMessage: String?
        var activeProducers: [ProducerState] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&errorCode)
            try c.field(&errorMessage)
            try c.field(&activeProducers)
        }
    }

    struct ProducerState: WireStruct {
        var producerId: Int64 = 0
        var producerEpoch: Int32 = 0
        /// -1 when none is known.
        var lastSequence: Int32 = -1
        /// Milliseconds since 1970.
        var lastTimestamp: Int64 = -1
        /// Of the coordinator that wrote the last marker; -1 when there was none.
        var coordinatorEpoch: Int32 = 0
        /// -1 when no transaction is open.
        var currentTxnStartOffset: Int64 = -1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&producerId)
            try c.field(&producerEpoch)
            try c.field(&lastSequence)
            try c.field(&lastTimestamp)
            try c.field(&coordinatorEpoch)
            try c.field(&currentTxnStartOffset)
        }
    }
}
