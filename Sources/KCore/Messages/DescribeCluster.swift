/// Asks for the brokers of a cluster, or for its controllers (KIP-700, KIP-919).
struct DescribeClusterRequest: ApiRequest {
    typealias Response = DescribeClusterResponse
    static var api: Api { Api(.describeCluster, versions: 0...1, flexible: 0) }

    var includeClusterAuthorizedOperations = false
    var endpointType = EndpointType.broker
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&includeClusterAuthorizedOperations)
        try c.field(&endpointType, in: 1..., else: .broker)
    }
}

struct DescribeClusterResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var errorMessage: String?
    var endpointType = EndpointType.broker
    var clusterId = ""
    /// -1 for none.
    var controllerId: Int32 = -1
    var brokers: [DescribeClusterBroker] = []
    /// A bit for each operation that the client may do (KIP-430); the default says that nobody asked.
    var clusterAuthorizedOperations: Int32 = .min
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&errorCode)
        try c.field(&errorMessage)
        try c.field(&endpointType, in: 1...)
        try c.field(&clusterId)
        try c.field(&controllerId)
        try c.field(&brokers)
        try c.field(&clusterAuthorizedOperations)
    }

    struct DescribeClusterBroker: WireStruct {
        var brokerId: Int32 = 0
        var host = ""
        var port: Int32 = 0
        var rack: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&brokerId)
            try c.field(&host)
            try c.field(&port)
            try c.field(&rack)
        }
    }
}
