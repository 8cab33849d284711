extension GroupCoordinator {
    func describeConsumer(_ id: String, _ image: ClusterImage) -> ConsumerGroupDescribeResponse.DescribedGroup {
        var answer = ConsumerGroupDescribeResponse.DescribedGroup()
        answer.groupId = id
        guard settings.hasConsumerProtocol else {
            answer.errorCode = .unsupportedVersion
            return answer
        }
        guard !id.isEmpty else {
            answer.errorCode = .invalidGroupId
            return answer
        }
        guard let group = groups[id]?.consumer else {
            answer.errorCode = .groupIdNotFound
            answer.errorMessage = ApiError(.groupIdNotFound, "Group \(id) is not a consumer group.").message
            return answer
        }
        answer.groupState = group.state
        answer.groupEpoch = group.epoch
        answer.assignmentEpoch = group.targetEpoch
        answer.assignorName = assignor(of: group).rawValue
        let names = Dictionary(group.topics.map { ($0.id, $0.name) }) { first, _ in first }
        func told(_ shares: TopicShares) -> ConsumerGroupDescribeResponse.Assignment {
            var assignment = ConsumerGroupDescribeResponse.Assignment()
            assignment.topicPartitions = shares.sorted.compactMap { topic, partitions in
                guard let name = names[topic] ?? image.topic(id: topic)?.name else { return nil }
                var entry = ConsumerGroupDescribeResponse.TopicPartitions()
                entry.topicId = topic
                entry.topicName = name
                entry.partitions = partitions
                return entry
            }
            return assignment
        }
        answer.members = group.orderedMembers.map { member in
            var entry = ConsumerGroupDescribeResponse.Member()
            entry.memberId = member.id
            entry.instanceId = member.instanceId
            entry.rackId = member.rackId
            entry.memberEpoch = member.epoch
            entry.clientId = member.client.id
            entry.clientHost = member.client.host
            entry.subscribedTopicNames = member.subscribedTopics
            entry.subscribedTopicRegex = member.subscribedRegex
            entry.assignment = told(member.assigned)
            entry.targetAssignment = told(group.target[member.id] ?? TopicShares())
            return entry
        }
        return answer
    }
}
