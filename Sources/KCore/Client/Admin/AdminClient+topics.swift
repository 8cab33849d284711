/// A topic to be created.
public struct NewTopic: Sendable {
    public var name: String
    /// Nil for the broker's default.
    public var partitions: Int32?
    /// Nil for the broker's default.
    public var replicas: Int16?
    /// The brokers of each partition, the preferred leader first. When there are any, `partitions` and `replicas` must
    /// be nil.
    public var assignments: [Int32: [Int32]]
    public var configs: [(name: String, value: String?)]

    public init(
        _ name: String, partitions: Int32? = nil, replicas: Int16? = nil, assignments: [Int32: [Int32]] = [:],
        configs: [(name: String, value: String?)] = []
    ) {
        self.name = name
        self.partitions = partitions
        self.replicas = replicas
        self.assignments = assignments
        self.configs = configs
    }
}

/// A topic that was created.
public struct CreatedTopic: Sendable {
    /// Zero from brokers that do not say it.
    public var topicId: Uuid
    /// -1 from brokers that do not say it.
    public var partitions: Int32
    public var replicas: Int16
}

extension AdminClient {
    /// - Parameter validateOnly: only tell what would happen.
    public func createTopics(
        _ topics: [NewTopic], validateOnly: Bool = false
    ) throws(ClientError) -> [ItemResult<CreatedTopic>] {
        var request = CreateTopicsRequest()
        request.timeoutMs = timeoutMs
        request.validateOnly = validateOnly
        request.topics = topics.map { topic in
            var creatable = CreateTopicsRequest.CreatableTopic()
            creatable.name = topic.name
            creatable.numPartitions = topic.partitions ?? -1
            creatable.replicationFactor = topic.replicas ?? -1
            creatable.assignments = topic.assignments.sorted { $0.key < $1.key }.map { index, brokers in
                var assignment = CreateTopicsRequest.CreatableReplicaAssignment()
                assignment.partitionIndex = index
                assignment.brokerIds = brokers
                return assignment
            }
            creatable.configs = topic.configs.map { name, value in
                var config = CreateTopicsRequest.CreatableTopicConfig()
                config.name = name
                config.value = value
                return config
            }
            return creatable
        }
        let response = try callController(request) { $0.topics.map(\.errorCode) }
        return topics.map { topic in
            guard let answer = response.topics.first(where: { $0.name == topic.name }) else {
                return ItemResult(name: topic.name, result: .failure(.leftOut(topic.name)))
            }
            guard answer.errorCode == .none else {
                let error = ClientError.refused(
                    "create topic \(topic.name)", answer.errorCode, detail: answer.errorMessage)
                return ItemResult(name: topic.name, result: .failure(error))
            }
            return ItemResult(
                name: topic.name,
                result: .success(
                    CreatedTopic(
                        topicId: answer.topicId, partitions: answer.numPartitions, replicas: answer.replicationFactor)))
        }
    }

    /// Deletes topics; each result is the id of the topic that was deleted, zero from brokers that do not say it.
    public func deleteTopics(_ names: [String]) throws(ClientError) -> [ItemResult<Uuid>] {
        var request = DeleteTopicsRequest()
        request.timeoutMs = timeoutMs
        request.topicNames = names
        let adapt: @Sendable (inout DeleteTopicsRequest, Int16) -> Void = { request, version in
            guard version >= 6 else { return }
            request.topics = request.topicNames.map { name in
                var state = DeleteTopicsRequest.DeleteTopicState()
                state.name = name
                return state
            }
        }
        let response = try callController(request, adapt: adapt) { $0.responses.map(\.errorCode) }
        return names.map { name in
            guard let answer = response.responses.first(where: { $0.name == name }) else {
                return ItemResult(name: name, result: .failure(.leftOut(name)))
            }
            guard answer.errorCode == .none else {
                let error = ClientError.refused(
                    "delete topic \(name)", answer.errorCode, detail: answer.errorMessage)
                return ItemResult(name: name, result: .failure(error))
            }
            return ItemResult(name: name, result: .success(answer.topicId))
        }
    }

    /// Gives topics more partitions; each result is the number they have then.
    /// - Parameter counts: how many partitions there are to be in all.
    public func createPartitions(
        _ counts: [(topic: String, count: Int32)], validateOnly: Bool = false
    ) throws(ClientError) -> [ItemResult<Int32>] {
        var request = CreatePartitionsRequest()
        request.timeoutMs = timeoutMs
        request.validateOnly = validateOnly
        request.topics = counts.map { topic, count in
            var change = CreatePartitionsRequest.CreatePartitionsTopic()
            change.name = topic
            change.count = count
            change.assignments = nil
            return change
        }
        let response = try callController(request) { $0.results.map(\.errorCode) }
        return counts.map { topic, count in
            guard let answer = response.results.first(where: { $0.name == topic }) else {
                return ItemResult(name: topic, result: .failure(.leftOut(topic)))
            }
            guard answer.errorCode == .none else {
                let error = ClientError.refused(
                    "give topic \(topic) \(count) partitions", answer.errorCode, detail: answer.errorMessage)
                return ItemResult(name: topic, result: .failure(error))
            }
            return ItemResult(name: topic, result: .success(count))
        }
    }

    /// All topics.
    /// - Parameter includeInternal: also those that the cluster uses itself.
    public func listTopics(includeInternal: Bool = false) throws(ClientError) -> [ClusterMetadata.Topic] {
        try client.metadata(topics: nil).topics.filter { includeInternal || !$0.isInternal }
    }

    public func describeTopics(_ names: [String]) throws(ClientError) -> [ItemResult<ClusterMetadata.Topic>] {
        let metadata = try client.metadata(topics: names)
        return names.map { name in
            guard let topic = metadata.topics.first(where: { $0.name == name }) else {
                return ItemResult(name: name, result: .failure(.leftOut(name)))
            }
            guard topic.error == .none else {
                return ItemResult(name: name, result: .failure(.refused("describe topic \(name)", topic.error)))
            }
            return ItemResult(name: name, result: .success(topic))
        }
    }
}

extension ClientError {
    static func leftOut(_ name: String) -> ClientError {
        ClientError(.badData, "the broker left \(name) out of its answer")
    }
}
