extension ConsumerGroupHeartbeatRequest {
    /// What the member says that it has; nil when it does not say.
    var owned: TopicShares? {
        topicPartitions.map { TopicShares($0.map { ($0.topicId, $0.partitions) }) }
    }

    /// Whether it is a heartbeat with everything in it, which is answered with everything.
    var saysAll: Bool {
        rebalanceTimeoutMs != -1 && (subscribedTopicNames != nil || subscribedTopicRegex != nil)
            && topicPartitions != nil
    }

    /// Refuses what no client may say, whatever group it is about.
    func check(version: Int16, _ settings: GroupSettings) throws(ApiError) {
        guard settings.hasConsumerProtocol else {
            throw ApiError(.unsupportedVersion, "group.coordinator.rebalance.protocols is without consumer.")
        }
        let assignors = settings.assignors
        func invalid(_ message: String) -> ApiError { ApiError(.invalidRequest, message) }
        if groupId.isEmpty { throw invalid("GroupId can't be empty.") }
        if instanceId?.isEmpty == true { throw invalid("InstanceId can't be empty.") }
        if rackId?.isEmpty == true { throw invalid("RackId can't be empty.") }
        if memberEpoch < ConsumerMember.leftForNow { throw invalid("MemberEpoch is invalid.") }
        if memberId.isEmpty && (memberEpoch != 0 || version >= 1) { throw invalid("MemberId can't be empty.") }
        if memberEpoch == ConsumerMember.leftForNow && instanceId == nil {
            throw invalid("InstanceId can't be null.")
        }
        let wishedBytes = (subscribedTopicNames ?? []).reduce(0) { $0 + $1.utf8.count }
        if wishedBytes > settings.maxRecordBytes { throw invalid("SubscribedTopicNames are too large to be kept.") }
        if memberEpoch == 0 {
            if rebalanceTimeoutMs == -1 { throw invalid("RebalanceTimeoutMs must be provided in first request.") }
            guard let topicPartitions, topicPartitions.isEmpty else {
                throw invalid("TopicPartitions must be empty when (re-)joining.")
            }
            // An empty list is a subscription to nothing, which a member may have.
            if subscribedTopicNames == nil && subscribedTopicRegex == nil {
                throw invalid("SubscribedTopicNames or SubscribedTopicRegex must be set in first request.")
            }
        }
        if let name = serverAssignor, ConsumerAssignor(rawValue: name).map({ !assignors.contains($0) }) ?? true {
            let names = assignors.map(\.rawValue).joined(separator: ", ")
            throw ApiError(
                .unsupportedAssignor, "ServerAssignor \(name) is not supported. Supported assignors: \(names).")
        }
    }

    /// Refuses a pattern that is none. One that the group has already was looked at when it came.
    func checkPattern(of member: ConsumerMember, in group: ConsumerGroup) throws(ApiError) {
        guard let text = subscribedTopicRegex, !text.isEmpty, text != member.subscribedRegex,
            group.patterns[text] == nil
        else { return }
        do throws(TopicPatternError) {
            _ = try TopicPattern(text)
        } catch {
            throw ApiError(.invalidRegularExpression, "SubscribedTopicRegex `\(text)` is not valid: \(error.reason)")
        }
    }

    /// The answer when no coordinator can be asked: what is wrong with the request itself comes first.
    func refused(_ code: ErrorCode, version: Int16, _ settings: GroupSettings) -> ConsumerGroupHeartbeatResponse {
        do throws(ApiError) {
            try check(version: version, settings)
            return .refused(code, nil)
        } catch {
            return .refused(error.code, error.message)
        }
    }
}

extension ConsumerGroupHeartbeatResponse {
    static func refused(_ code: ErrorCode, _ message: String?) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        response.errorCode = code
        response.errorMessage = message
        return response
    }
}

extension ConsumerMember {
    /// Takes over what a heartbeat says; what is null there stays as it was.
    mutating func takeWishes(of request: ConsumerGroupHeartbeatRequest, from client: GroupClient) {
        self.client = client
        instanceId = request.instanceId ?? instanceId
        rackId = request.rackId ?? rackId
        if request.rebalanceTimeoutMs >= 0 { rebalanceTimeoutMs = Int64(request.rebalanceTimeoutMs) }
        subscribedTopics = request.subscribedTopicNames.map { Set($0).sorted() } ?? subscribedTopics
        subscribedRegex = request.subscribedTopicRegex ?? subscribedRegex
        serverAssignor = request.serverAssignor ?? serverAssignor
        // Whatever it was before.
        classic = nil
    }
}

extension TopicShares {
    var answer: ConsumerGroupHeartbeatResponse.Assignment {
        var assignment = ConsumerGroupHeartbeatResponse.Assignment()
        assignment.topicPartitions = sorted.map { topic, partitions in
            var entry = ConsumerGroupHeartbeatResponse.TopicPartitions()
            entry.topicId = topic
            entry.partitions = partitions
            return entry
        }
        return assignment
    }
}
