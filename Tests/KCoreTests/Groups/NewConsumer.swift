import Testing

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

/// Topics as a coordinator sees them, which come and go.
final class TopicsForGroups {
    private(set) var image: ClusterImage
    private var next: UInt64 = 1

    init(_ counts: [String: Int]) {
        image = ClusterImage(clusterId: "c")
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) { add(name, count) }
    }

    func id(_ name: String) -> Uuid { image.topic(name)?.id ?? .zero }

    /// Makes a topic, or gives it more partitions.
    func add(_ name: String, _ count: Int) {
        var records: [MetadataLogRecord] = []
        var id = image.topic(name)?.id ?? .zero
        if id.isZero {
            id = Uuid(high: 7, low: next)
            next += 1
            var record = TopicRecord()
            record.name = name
            record.topicId = id
            records.append(.topic(record))
        }
        for index in (image.topic(name)?.partitions.count ?? 0)..<count {
            var record = PartitionRecord()
            record.topicId = id
            record.partitionId = Int32(index)
            record.replicas = [1]
            record.isr = [1]
            record.leader = 1
            records.append(.partition(record))
        }
        apply(records)
    }

    func remove(_ name: String) {
        var record = RemoveTopicRecord()
        record.topicId = id(name)
        apply([.removeTopic(record)])
    }

    private func apply(_ records: [MetadataLogRecord]) {
        do { image = try image.applying(records).image } catch { Issue.record("\(error)") }
    }
}
