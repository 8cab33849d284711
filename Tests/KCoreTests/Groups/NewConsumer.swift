@testable import KCore

/// A consumer as the protocol of KIP-848 has it: it gives up what it is no longer given, and then says so.
final class NewConsumer {
    let id: String
    let instance: String?
    var epoch: Int32 = 0
    var owned = TopicShares()
    var error = ErrorCode.none
    var subscription: [String]
    var pattern: String?
    var assignor: String?

    init(_ id: String, instance: String? = nil, topics: [String] = ["t"], pattern: String? = nil) {
        self.id = id
        self.instance = instance
        subscription = topics
        self.pattern = pattern
    }
}

extension GroupBench {
    @discardableResult
    func beat(_ consumer: NewConsumer, epoch: Int32? = nil, group: String = "g") -> ConsumerGroupHeartbeatResponse {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = group
        request.memberId = consumer.id
        request.memberEpoch = epoch ?? consumer.epoch
        request.instanceId = consumer.instance
        if request.memberEpoch == 0 { consumer.owned = TopicShares() }
        request.rebalanceTimeoutMs = request.memberEpoch == 0 ? 30_000 : -1
        request.subscribedTopicNames = consumer.subscription
        request.subscribedTopicRegex = consumer.pattern
        request.serverAssignor = consumer.assignor
        request.topicPartitions = consumer.owned.sorted.map { topic, partitions in
            var entry = ConsumerGroupHeartbeatRequest.TopicPartitions()
            entry.topicId = topic
            entry.partitions = partitions
            return entry
        }
        let response = send(request)
        consumer.error = response.errorCode
        guard response.errorCode == .none else { return response }
        consumer.epoch = response.memberEpoch
        if let assignment = response.assignment {
            consumer.owned = TopicShares(assignment.topicPartitions.map { ($0.topicId, $0.partitions) })
        }
        return response
    }

    func send(_ request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
        let surroundings = MemberSurroundings(image: image ?? topics.image, client: GroupClient(id: "c", host: "/h"))
        return ask({ .refused($0, nil) }) { machine, turn, reply in
            machine.heartbeat(request, surroundings, &turn, reply)
        }.response ?? .refused(.unknownServerError, nil)
    }

    var consumerGroup: ConsumerGroup? { machine.groups["g"]?.consumer }
}
