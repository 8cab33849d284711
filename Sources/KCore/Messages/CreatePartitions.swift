/// Adds partitions to topics.
struct CreatePartitionsRequest: ApiRequest {
    typealias Response = CreatePartitionsResponse
    static var api: Api { Api(.createPartitions, versions: 0...3, flexible: 2) }

    var topics: [CreatePartitionsTopic] = []
    var timeoutMs: Int32 = 0
    /// Only tell what would happen.
    var validateOnly = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&topics)
        try c.field(&timeoutMs)
        try c.field(&validateOnly)
    }

    struct CreatePartitionsTopic: WireStruct {
        var name = ""
        /// How many partitions there are to be in the end, the present ones included.
        var count: Int32 = 0
        /// The brokers of each new partition; null to leave it to the cluster.
        var assignments: [CreatePartitionsAssignment]? = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&count)
            try c.field(&assignments)
        }
    }

    struct CreatePartitionsAssignment: WireStruct {
        var brokerIds: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&brokerIds)
        }
    }
}

struct CreatePartitionsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var results: [CreatePartitionsTopicResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&results)
    }

    struct CreatePartitionsTopicResult: WireStruct {
        var name = ""
        var errorCode = ErrorCode.none
        var errorMessage: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&errorCode)
            try c.field(&errorMessage)
        }
    }
}
