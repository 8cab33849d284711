/// All of a member's membership in the new protocol (KIP-848): joining, staying, leaving, and what it has and wants. What
/// is null did not change since the last one.
struct ConsumerGroupHeartbeatRequest: ApiRequest {
    typealias Response = ConsumerGroupHeartbeatResponse
    static var api: Api { Api(.consumerGroupHeartbeat, versions: 0...1, flexible: 0) }

    var groupId = ""
    /// Made by the coordinator in version 0, by the member in version 1 (KIP-1082).
    var memberId = ""
    /// 0 to join, -1 to leave, -2 for a static member that will be back.
    var memberEpoch: Int32 = 0
    var instanceId: String?
    var rackId: String?
    /// How long the member may take to give up partitions; -1 when it did not change.
    var rebalanceTimeoutMs: Int32 = -1
    var subscribedTopicNames: [String]?
    /// In the syntax of RE2.
    var subscribedTopicRegex: String?
    /// Who assigns; null leaves it to the coordinator.
    var serverAssignor: String?
    /// What the member has.
    var topicPartitions: [TopicPartitions]?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&groupId)
        try c.field(&memberId)
        try c.field(&memberEpoch)
        try c.field(&instanceId)
        try c.field(&rackId)
        try c.field(&rebalanceTimeoutMs)
        try c.field(&subscribedTopicNames)
        try c.field(&subscribedTopicRegex, in: 1..., else: nil)
        try c.field(&serverAssignor)
        try c.field(&topicPartitions)
    }

    struct TopicPartitions: WireStruct {
        var topicId = Uuid.zero
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicId)
            try c.field(&partitions)
        }
    }
}

struct ConsumerGroupHeartbeatResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var errorMessage: String?
    var memberId: String?
    var memberEpoch: Int32 = 0
    var heartbeatIntervalMs: Int32 = 0
    /// Null when it did not change.
    var assignment: Assignment?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&errorCode)
        try c.field(&errorMessage)
        try c.field(&memberId)
        try c.field(&memberEpoch)
        try c.field(&heartbeatIntervalMs)
        try c.field(&assignment)
    }

    struct Assignment: WireStruct {
        /// What the member may use now.
        var topicPartitions: [TopicPartitions] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicPartitions)
        }
    }

    struct TopicPartitions: WireStruct {
        var topicId = Uuid.zero
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topicId)
            try c.field(&partitions)
        }
    }
}
