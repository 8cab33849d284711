/// Metadata: brokers and topics of the cluster, creating topics on the way where that is allowed.
enum MetadataHandler {
    static func handle(_ request: MetadataRequest, _ call: Call) {
        let missing = topicsToCreate(request, call)
        guard !missing.isEmpty else { return call.reply(answer(request, call)) }
        var creation = CreateTopicsRequest()
        creation.topics = missing.map { name in
            if let topic = call.broker.coordinators.creation(of: name, call.image) { return topic }
            var topic = CreateTopicsRequest.CreatableTopic()
            topic.name = name
            topic.numPartitions = -1
            topic.replicationFactor = -1
            return topic
        }
        creation.timeoutMs = 30_000
        // Whatever comes of it: the answer is made from the metadata as it is then.
        call.broker.controller.submit(creation) { _ in
            call.loop.execute { call.reply(answer(request, call)) }
        }
    }

    private static func topicsToCreate(_ request: MetadataRequest, _ call: Call) -> [String] {
        guard request.allowAutoTopicCreation, call.broker.settings.autoCreateTopics, let topics = request.topics else {
            return []
        }
        let image = call.image
        // A set, for a request can name a hundred thousand of them.
        var seen: Set<String> = []
        return topics.compactMap(\.name).filter { name in
            image.topic(name) == nil && TopicName.problem(with: name) == nil && seen.insert(name).inserted
        }
    }

    private static func answer(_ request: MetadataRequest, _ call: Call) -> MetadataResponse {
        let image = call.image
        var response = MetadataResponse()
        response.clusterId = image.clusterId
        response.controllerId = image.controllerId
        response.brokers = image.usableBrokers.compactMap { broker in
            guard let endpoint = broker.endpoint(listener: call.listenerName) else { return nil }
            var entry = MetadataResponse.MetadataResponseBroker()
            entry.nodeId = broker.id
            entry.host = endpoint.host
            entry.port = Int32(endpoint.port)
            entry.rack = broker.rack
            return entry
        }
        // Version 0 has no null, so an empty list means all topics there.
        if let topics = request.topics, !(topics.isEmpty && call.version == 0) {
            // Each once, as Kafka does: a small request that repeats a large topic must not make an answer of gigabytes.
            var named: Set<String> = []
            var ids: Set<Uuid> = []
            response.topics = topics.compactMap { wanted in
                if let name = wanted.name { return named.insert(name).inserted ? entry(named: name, image, call) : nil }
                guard ids.insert(wanted.topicId).inserted else { return nil }
                return entry(withId: wanted.topicId, image, call)
            }
        } else {
            response.topics = image.topics.sorted { $0.name < $1.name }.map { entry($0, call) }
        }
        if request.includeTopicAuthorizedOperations {
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                response.topics[index].topicAuthorizedOperations = AuthorizedOperations.ofTopic
            }
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.ofCluster
        }
        return response
    }

    private static func entry(
        named name: String, _ image: ClusterImage, _ call: Call
    ) -> MetadataResponse.MetadataResponseTopic {
        if let topic = image.topic(name) { return entry(topic, call) }
        var entry = MetadataResponse.MetadataResponseTopic()
        entry.name = name
        entry.errorCode = TopicName.problem(with: name) == nil ? .unknownTopicOrPartition : .invalidTopicException
        return entry
    }

    private static func entry(
        withId id: Uuid, _ image: ClusterImage, _ call: Call
    ) -> MetadataResponse.MetadataResponseTopic {
        if call.version < 12 {
            // Versions 10 and 11 have the field, but no broker has ever answered it: an answer must have a name.
            var entry = MetadataResponse.MetadataResponseTopic()
            entry.name = ""
            entry.topicId = id
            entry.errorCode = .invalidRequest
            return entry
        }
        if let topic = image.topic(id: id) { return entry(topic, call) }
        var entry = MetadataResponse.MetadataResponseTopic()
        entry.name = nil
        entry.topicId = id
        entry.errorCode = .unknownTopicId
        return entry
    }

    private static func entry(_ topic: TopicImage, _ call: Call) -> MetadataResponse.MetadataResponseTopic {
        var entry = MetadataResponse.MetadataResponseTopic()
        entry.name = topic.name
        entry.topicId = topic.id
        entry.isInternal = TopicName.isInternal(topic.name)
        let nodeId = call.broker.nodeId
        let served = call.partitions.find(topic: topic.name, id: topic.id)
        entry.partitions = topic.partitions.enumerated().map { index, partition in
            var answer = MetadataResponse.MetadataResponsePartition()
            answer.errorCode = partition.leader < 0 ? .leaderNotAvailable : .none
            answer.partitionIndex = Int32(index)
            answer.leaderId = partition.leader
            answer.leaderEpoch = partition.leaderEpoch
            answer.replicaNodes = partition.replicas
            answer.isrNodes = partition.isr
            // A leader whose log directory has failed is none (KIP-112).
            if partition.leader == nodeId, served?.isOffline(Int32(index)) == true {
                answer.errorCode = .leaderNotAvailable
                answer.leaderId = -1
                answer.offlineReplicas = [nodeId]
            }
            return answer
        }
        return entry
    }
}
