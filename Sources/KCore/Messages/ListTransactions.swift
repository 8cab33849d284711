/// Asks for the transactional ids that a broker coordinates (KIP-664).
struct ListTransactionsRequest: ApiRequest {
    typealias Response = ListTransactionsResponse
    static var api: Api { Api(.listTransactions, versions: 0...1, flexible: 0) }

    /// Names of states; empty for all.
    var stateFilters: [String] = []
    /// Empty for all.
    var producerIdFilters: [Int64] = []
    /// Milliseconds that a transaction must have been open at least; -1 for all (KIP-994).
    var durationFilter: Int64 = -1
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&stateFilters)
        try c.field(&producerIdFilters)
        try c.field(&durationFilter, in: 1..., else: -1)
    }
}

struct ListTransactionsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    /// Of the names that were asked for, those that are no states.
    var unknownStateFilters: [String] = []
    var transactionStates: [TransactionState] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&errorCode)
        try c.field(&unknownStateFilters)
        try c.field(&transactionStates)
    }

    struct TransactionState: WireStruct {
        var transactionalId = ""
        var producerId: Int64 = 0
        var transactionState = ""
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&transactionalId)
            try c.field(&producerId)
            try c.field(&transactionState)
        }
    }
}
