/// Asks which brokers, topics and partitions there are, and who leads them.
struct MetadataRequest: ApiRequest {
    typealias Response = MetadataResponse
    static var api: Api { Api(.metadata, versions: 0...12, flexible: 9) }

    /// Null for all topics; in version 0 it is the empty array that means all.
    var topics: [MetadataRequestTopic]? = []
    var allowAutoTopicCreation = true
    /// Moved to DescribeCluster (KIP-700).
    var includeClusterAuthorizedOperations = false
    var includeTopicAuthorizedOperations = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&topics, in: 0..., nullable: 1...)
        try c.field(&allowAutoTopicCreation, in: 4..., else: true)
        try c.field(&includeClusterAuthorizedOperations, in: 8...10, else: false)
        try c.field(&includeTopicAuthorizedOperations, in: 8..., else: false)
    }

    struct MetadataRequestTopic: WireStruct {
        /// Asked for by id from version 12 on; the name is then null (KIP-516).
        var topicId = Uuid.zero
        var name: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicId, in: 10...)
            try c.field(&name, in: 0..., nullable: 10...)
        }
    }
}

struct MetadataResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var brokers: [MetadataResponseBroker] = []
    var clusterId: String?
    /// A broker that controller requests may go to; -1 for none.
    var controllerId: Int32 = -1
    var topics: [MetadataResponseTopic] = []
    /// A bit for each operation that the client may do (KIP-430); the default says that nobody asked.
    var clusterAuthorizedOperations: Int32 = .min
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 3...)
        try c.field(&brokers)
        try c.field(&clusterId, in: 2...)
        try c.field(&controllerId, in: 1...)
        try c.field(&topics)
        try c.field(&clusterAuthorizedOperations, in: 8...10)
    }

    struct MetadataResponseBroker: WireStruct {
        var nodeId: Int32 = 0
        var host = ""
        var port: Int32 = 0
        var rack: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&nodeId)
            try c.field(&host)
            try c.field(&port)
            try c.field(&rack, in: 1...)
        }
    }

    struct MetadataResponseTopic: WireStruct {
        var errorCode = ErrorCode.none
        /// Null for an id that is not known.
        var name: String?
        /// Zero for a name that is not known.
        var topicId = Uuid.zero
        var isInternal = false
        var partitions: [MetadataResponsePartition] = []
        /// A bit for each operation that the client may do (KIP-430); the default says that nobody asked.
        var topicAuthorizedOperations: Int32 = .min
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&name, in: 0..., nullable: 12...)
            try c.field(&topicId, in: 10...)
            try c.field(&isInternal, in: 1...)
            try c.field(&partitions)
            try c.field(&topicAuthorizedOperations, in: 8...)
        }
    }

    struct MetadataResponsePartition: WireStruct {
        var errorCode = ErrorCode.none
        var partitionIndex: Int32 = 0
        /// -1 while there is none.
        var leaderId: Int32 = 0
        var leaderEpoch: Int32 = -1
        var replicaNodes: [Int32] = []
        var isrNodes: [Int32] = []
        /// Replicas whose broker or log directory is out of service (KIP-112).
        var offlineReplicas: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&partitionIndex)
            try c.field(&leaderId)
            try c.field(&leaderEpoch, in: 7...)
            try c.field(&replicaNodes)
            try c.field(&isrNodes)
            try c.field(&offlineReplicas, in: 5...)
        }
    }
}
