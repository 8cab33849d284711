/// Creates topics.
struct CreateTopicsRequest: ApiRequest {
    typealias Response = CreateTopicsResponse
    static var api: Api { Api(.createTopics, versions: 0...7, flexible: 5) }

    var topics: [CreatableTopic] = []
    var timeoutMs: Int32 = 60000
    /// Only tell what would happen.
    var validateOnly = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&topics)
        try c.field(&timeoutMs)
        try c.field(&validateOnly, in: 1..., else: false)
    }

    struct CreatableTopic: WireStruct {
        var name = ""
        /// -1 for the broker's default (KIP-464), and with `assignments`.
        var numPartitions: Int32 = 0
        /// -1 for the broker's default (KIP-464), and with `assignments`.
        var replicationFactor: Int16 = 0
        /// The brokers of each partition, when the client wants to say it itself.
        var assignments: [CreatableReplicaAssignment] = []
        var configs: [CreatableTopicConfig] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&numPartitions)
            try c.field(&replicationFactor)
            try c.field(&assignments)
            try c.field(&configs)
        }
    }

    struct CreatableReplicaAssignment: WireStruct {
        var partitionIndex: Int32 = 0
        /// The first is the preferred leader.
        var brokerIds: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&brokerIds)
        }
    }

    struct CreatableTopicConfig: WireStruct {
        var name = ""
        var value: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&value)
        }
    }
}

struct CreateTopicsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [CreatableTopicResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 2...)
        try c.field(&topics)
    }

    struct CreatableTopicResult: WireStruct {
        var name = ""
        var topicId = Uuid.zero
        var errorCode = ErrorCode.none
        var errorMessage: String?
        /// Why `configs` is null, for instance TOPIC_AUTHORIZATION_FAILED.
        var topicConfigErrorCode = ErrorCode.none
        /// -1 when the client may not see it, like the next.
        var numPartitions: Int32 = -1
        var replicationFactor: Int16 = -1
        /// How the topic is configured now (KIP-525).
        var configs: [CreatableTopicConfigs]? = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&topicId, in: 7...)
            try c.field(&errorCode)
            try c.field(&errorMessage, in: 1...)
            try c.field(&numPartitions, in: 5...)
            try c.field(&replicationFactor, in: 5...)
            try c.field(&configs, in: 5...)
            try c.tagged(0, &topicConfigErrorCode, in: 5..., default: .none)
        }
    }

    struct CreatableTopicConfigs: WireStruct {
        var name = ""
        var value: String?
        var readOnly = false
        var configSource = ConfigSource.notSent
        var isSensitive = false
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&value)
            try c.field(&readOnly)
            try c.field(&configSource)
            try c.field(&isSensitive)
        }
    }
}
