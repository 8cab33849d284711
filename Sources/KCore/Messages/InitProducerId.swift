/// Asks for a producer id, for idempotence and transactions (KIP-98).
struct InitProducerIdRequest: ApiRequest {
    typealias Response = InitProducerIdResponse
    static var api: Api { Api(.initProducerId, versions: 0...5, flexible: 2) }

    /// Null for a producer that is only idempotent.
    var transactionalId: String?
    /// After it the coordinator aborts an open transaction.
    var transactionTimeoutMs: Int32 = 0
    /// The id that the producer has and wants to keep with the next epoch; -1 for none (KIP-360).
    var producerId: Int64 = -1
    /// The epoch that goes with `producerId`.
    var producerEpoch: Int16 = -1
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&transactionalId)
        try c.field(&transactionTimeoutMs)
        try c.field(&producerId, in: 3..., else: -1)
        try c.field(&producerEpoch, in: 3..., else: -1)
    }
}

struct InitProducerIdResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var producerId: Int64 = -1
    var producerEpoch: Int16 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&errorCode)
        try c.field(&producerId)
        try c.field(&producerEpoch)
    }
}
