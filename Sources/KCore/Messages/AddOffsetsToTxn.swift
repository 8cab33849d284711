/// Tells the transaction coordinator that a transaction is going to store the offsets of a group (KIP-98).
struct AddOffsetsToTxnRequest: ApiRequest {
    typealias Response = AddOffsetsToTxnResponse
    static var api: Api { Api(.addOffsetsToTxn, versions: 0...4, flexible: 3) }

    var transactionalId = ""
    var producerId: Int64 = 0
    var producerEpoch: Int16 = 0
    var groupId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&transactionalId)
        try c.field(&producerId)
        try c.field(&producerEpoch)
        try c.field(&groupId)
    }
}

struct AddOffsetsToTxnResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&errorCode)
    }
}
