/// Commits or aborts a transaction (KIP-98). From version 5 on every transaction has an epoch of its own: the answer says
/// the next one (KIP-890).
struct EndTxnRequest: ApiRequest {
    typealias Response = EndTxnResponse
    static var api: Api { Api(.endTxn, versions: 0...5, flexible: 3) }

    var transactionalId = ""
    var producerId: Int64 = 0
    var producerEpoch: Int16 = 0
    var committed = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&transactionalId)
        try c.field(&producerId)
        try c.field(&producerEpoch)
        try c.field(&committed)
    }
}

struct EndTxnResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    /// For the next transaction; -1 when there was an error.
    var producerId: Int64 = -1
    var producerEpoch: Int16 = -1
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&errorCode)
        try c.field(&producerId, in: 5...)
        try c.field(&producerEpoch, in: 5...)
    }
}
