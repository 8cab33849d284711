/// Asks which broker coordinates a group or a transactional id; from version 4 on, many at once (KIP-699).
struct FindCoordinatorRequest: ApiRequest {
    typealias Response = FindCoordinatorResponse
    static var api: Api { Api(.findCoordinator, versions: 0...6, flexible: 3) }

    /// A group id, or a transactional id.
    var key = ""
    var keyType = CoordinatorType.group
    var coordinatorKeys: [String] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&key, in: 0...3, else: "")
        try c.field(&keyType, in: 1..., else: .group)
        try c.field(&coordinatorKeys, in: 4..., else: [])
    }
}

struct FindCoordinatorResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var errorMessage: String?
    var nodeId: Int32 = 0
    var host = ""
    var port: Int32 = 0
    var coordinators: [Coordinator] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 1...)
        try c.field(&errorCode, in: 0...3)
        try c.field(&errorMessage, in: 1...3)
        try c.field(&nodeId, in: 0...3)
        try c.field(&host, in: 0...3)
        try c.field(&port, in: 0...3)
        try c.field(&coordinators, in: 4...)
    }

    struct Coordinator: WireStruct {
        var key = ""
        var nodeId: Int32 = 0
        var host = ""
        var port: Int32 = 0
        var errorCode = ErrorCode.none
        var errorMessage: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&key)
            try c.field(&nodeId)
            try c.field(&host)
            try c.field(&port)
            try c.field(&errorCode)
            try c.field(&errorMessage)
        }
    }
}
