/// A member of a consumer group (KIP-848), as records say it.
struct ConsumerMember: Equatable, Sendable {
    /// The epoch of a static member that has left and will be back.
    static let leftForNow: Int32 = -2

    var id: String
    var instanceId: String?
    var rackId: String?
    var client = GroupClient()
    /// How long it may take to give up partitions.
    var rebalanceTimeoutMs: Int64 = 0
    var subscribedTopics: [String] = []
    var subscribedRegex: String?
    var serverAssignor: String?
    /// What it speaks, if that is the classic protocol.
    var classic: ConsumerGroupMemberMetadataValue.ClassicMemberMetadata?
    /// The assignment epoch that it has reached.
    var epoch: Int32 = 0
    /// The one before: what it says when the last answer was lost.
    var previousEpoch: Int32 = 0
    var state = ConsumerGroupMemberState.stable
    var assigned = TopicShares()
    /// What it has been asked to give up, and has not yet said that it did.
    var revoking = TopicShares()

    /// Everything that nobody else may have.
    var held: TopicShares { assigned.union(revoking) }

    /// Whether its group must be assigned anew because of what the member wants now.
    func wantsOtherThan(_ before: ConsumerMember?) -> Bool {
        guard let before else { return true }
        return before.subscribedTopics != subscribedTopics || before.subscribedRegex != subscribedRegex
            || before.serverAssignor != serverAssignor
    }
}

/// When a member must have been heard of. Not kept: after a crash everybody has the whole time again.
struct ConsumerDeadlines: Sendable {
    var sessionEndsMs: Int64 = .max
    /// When it must have given up what it was asked for.
    var revocationEndsMs: Int64 = .max
    /// When a classic member must have joined again, which it was told to do.
    var joinEndsMs: Int64 = .max
    /// When a classic member that has joined must have asked for its assignment.
    var syncEndsMs: Int64 = .max
    /// For when a timer is set, which may be earlier.
    var timerMs: Int64 = .max

    var nextMs: Int64 { min(sessionEndsMs, revocationEndsMs, joinEndsMs, syncEndsMs) }
}

extension ConsumerMember {
    init(id: String) { self.id = id }

    // MARK: Records

    var metadataValue: ConsumerGroupMemberMetadataValue {
        var value = ConsumerGroupMemberMetadataValue()
        value.instanceId = instanceId
        value.rackId = rackId
        value.clientId = client.id
        value.clientHost = client.host
        value.subscribedTopicNames = subscribedTopics
        value.subscribedTopicRegex = subscribedRegex
        value.rebalanceTimeoutMs = Int32(clamping: rebalanceTimeoutMs)
        value.serverAssignor = serverAssignor
        value.classicMemberMetadata = classic
        return value
    }

    mutating func take(_ value: ConsumerGroupMemberMetadataValue) {
        instanceId = value.instanceId
        rackId = value.rackId
        client = GroupClient(id: value.clientId, host: value.clientHost)
        subscribedTopics = value.subscribedTopicNames
        subscribedRegex = value.subscribedTopicRegex
        rebalanceTimeoutMs = Int64(value.rebalanceTimeoutMs)
        serverAssignor = value.serverAssignor
        classic = value.classicMemberMetadata?.detached
    }

    var assignmentValue: ConsumerGroupCurrentMemberAssignmentValue {
        var value = ConsumerGroupCurrentMemberAssignmentValue()
        value.memberEpoch = epoch
        value.previousMemberEpoch = previousEpoch
        value.state = state
        value.assignedPartitions = assigned.recorded
        value.partitionsPendingRevocation = revoking.recorded
        return value
    }

    mutating func take(_ value: ConsumerGroupCurrentMemberAssignmentValue) {
        epoch = value.memberEpoch
        previousEpoch = value.previousMemberEpoch
        state = value.state
        assigned = TopicShares(value.assignedPartitions.map { ($0.topicId, $0.partitions) })
        revoking = TopicShares(value.partitionsPendingRevocation.map { ($0.topicId, $0.partitions) })
    }
}

extension TopicShares {
    fileprivate var recorded: [ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions] {
        sorted.map { topic, partitions in
            var entry = ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions()
            entry.topicId = topic
            entry.partitions = partitions
            return entry
        }
    }

    /// As a target's record has it.
    var target: ConsumerGroupTargetAssignmentMemberValue {
        var value = ConsumerGroupTargetAssignmentMemberValue()
        value.topicPartitions = sorted.map { topic, partitions in
            var entry = ConsumerGroupTargetAssignmentMemberValue.TopicPartition()
            entry.topicId = topic
            entry.partitions = partitions
            return entry
        }
        return value
    }
}
