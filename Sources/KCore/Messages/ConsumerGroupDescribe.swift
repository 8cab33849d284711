/// Asks for the state and the members of groups of the new protocol (KIP-848).
struct ConsumerGroupDescribeRequest: ApiRequest {
    typealias Response = ConsumerGroupDescribeResponse
    static var api: Api { Api(.consumerGroupDescribe, versions: 0...0, flexible: 0) }

    var groupIds: [String] = []
    var includeAuthorizedOperations = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupIds)
        try c.field(&includeAuthorizedOperations)
    }
}

struct ConsumerGroupDescribeResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var groups: [DescribedGroup] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&groups)
    }

    struct DescribedGroup: WireStruct {
        var errorCode = ErrorCode.none
        var errorMessage: String?
        var groupId = ""
        /// `Empty`, `Assigning`, `Reconciling`, `Stable` or `Dead`.
        var groupState = ""
        var groupEpoch: Int32 = 0
        var assignmentEpoch: Int32 = 0
        var assignorName = ""
        var members: [Member] = []
        /// As bits (KIP-430); `Int32.min` when they were not asked for.
        var authorizedOperations: Int32 = -2147483648
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&errorMessage)
            try c.field(&groupId)
            try c.field(&groupState)
            try c.field(&groupEpoch)
            try c.field(&assignmentEpoch)
            try c.field(&assignorName)
            try c.field(&members)
            try c.field(&authorizedOperations)
        }
    }

    struct Member: WireStruct {
        var memberId = ""
        var instanceId: String?
        var rackId: String?
        var memberEpoch: Int32 = 0
        var clientId = ""
        var clientHost = ""
        var subscribedTopicNames: [String] = []
        var subscribedTopicRegex: String?
        /// What it has.
        var assignment = Assignment()
        /// What it shall have.
        var targetAssignment = Assignment()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&memberId)
            try c.field(&instanceId)
            try c.field(&rackId)
            try c.field(&memberEpoch)
            try c.field(&clientId)
            try c.field(&clientHost)
            try c.field(&subscribedTopicNames)
            try c.field(&subscribedTopicRegex)
            try c.field(&assignment)
            try c.field(&targetAssignment)
        }
    }

    struct Assignment: WireStruct {
        var topicPartitions: [TopicPartitions] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicPartitions)
        }
    }

    struct TopicPartitions: WireStruct {
        var topicId = Uuid.zero
        var topicName = ""
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicId)
            try c.field(&topicName)
            try c.field(&partitions)
        }
    }
}
