extension CreateTopicsRequest: ControllerRequest {
    func decide(_ controller: inout Controller, _ image: ClusterImage) -> ControllerResult<CreateTopicsResponse> {
        var result = ControllerResult(response: CreateTopicsResponse())
        let occurrences = Dictionary(topics.map { ($0.name, 1) }, uniquingKeysWith: +)
        let total = topics.reduce(0) { $0 + controller.partitionCount($1) }
        guard total <= Controller.maxPartitionsPerRequest else {
            result.response = refused(
                ApiError(.policyViolation, "Excessively large number of partitions per request."))
            return result
        }
        // Names of the request by what their metrics would be called.
        var taken: [String: String] = [:]
        var answered: Set<String> = []
        for topic in topics where answered.insert(topic.name).inserted {
            do throws(ApiError) {
                if occurrences[topic.name, default: 1] > 1 { throw ApiError(.invalidRequest, "Duplicate topic name.") }
                try controller.checkName(topic.name, taken: taken, image)
                let created = try controller.create(topic, image)
                if TopicName.canCollide(topic.name) { taken[TopicName.metricName(topic.name)] = topic.name }
                if !validateOnly { result.records += created.records }
                var answer = created.answer
                if validateOnly { answer.topicId = .zero }
                result.response.topics.append(answer)
            } catch {
                result.response.topics.append(.failed(topic.name, error))
            }
        }
        return result
    }

    func refused(_ error: ApiError) -> CreateTopicsResponse {
        var response = CreateTopicsResponse()
        response.topics = topics.map { .failed($0.name, error) }
        return response
    }
}

extension CreateTopicsResponse.CreatableTopicResult {
    static func failed(_ name: String, _ error: ApiError) -> Self {
        var result = Self()
        result.name = name
        result.errorCode = error.code
        result.errorMessage = error.message
        return result
    }
}

extension Controller {
    fileprivate func partitionCount(_ topic: CreateTopicsRequest.CreatableTopic) -> Int {
        if !topic.assignments.isEmpty { return topic.assignments.count }
        return topic.numPartitions > 0 ? Int(topic.numPartitions) : config.int("num.partitions")
    }

    fileprivate func checkName(_ name: String, taken: [String: String], _ image: ClusterImage) throws(ApiError) {
        if let problem = TopicName.problem(with: name) { throw ApiError(.invalidTopicException, problem) }
        if name == LocalMetadataLog.topic {
            throw ApiError(.invalidRequest, "Creation of internal topic \(name) is prohibited.")
        }
        if image.topic(name) != nil { throw ApiError(.topicAlreadyExists, "Topic '\(name)' already exists.") }
        let other =
            image.topicColliding(with: name)
            ?? (TopicName.canCollide(name) ? taken[TopicName.metricName(name)] : nil)
        if let other {
            throw ApiError(.invalidTopicException, "Topic '\(name)' collides with existing topic: \(other)")
        }
    }

    fileprivate mutating func create(
        _ topic: CreateTopicsRequest.CreatableTopic, _ image: ClusterImage
    ) throws(ApiError) -> (records: [MetadataLogRecord], answer: CreateTopicsResponse.CreatableTopicResult) {
        let configs = try checkedConfigs(topic, image)
        let replicas = try topic.assignments.isEmpty ? chosenReplicas(topic, image) : assignedReplicas(topic, image)
        var created = TopicRecord()
        created.name = topic.name
        created.topicId = makeTopicId(image)
        var records: [MetadataLogRecord] = [.topic(created)]
        for (name, value) in configs.sorted(by: { $0.key < $1.key }) {
            var record = ConfigRecord()
            record.resourceType = .topic
            record.resourceName = topic.name
            record.name = name
            record.value = value
            records.append(.config(record))
        }
        for (index, replicas) in replicas.enumerated() {
            let partition = try newPartition(
                topicId: created.topicId, partition: Int32(index), replicas: replicas, image)
            records.append(.partition(partition))
        }
        var answer = CreateTopicsResponse.CreatableTopicResult()
        answer.name = topic.name
        answer.topicId = created.topicId
        answer.numPartitions = Int32(replicas.count)
        answer.replicationFactor = Int16(replicas.first?.count ?? 0)
        answer.configs = describe(configs, image)
        return (records, answer)
    }

    private func checkedConfigs(
        _ topic: CreateTopicsRequest.CreatableTopic, _ image: ClusterImage
    ) throws(ApiError) -> [String: String] {
        var configs: [String: String] = [:]
        for config in topic.configs {
            guard let value = config.value else {
                throw ApiError(.invalidConfig, "Null value not supported for topic configs: \(config.name)")
            }
            configs[config.name] = value
        }
        try checkTopicConfigs(configs, of: topic.name, image)
        return configs
    }

    private mutating func chosenReplicas(
        _ topic: CreateTopicsRequest.CreatableTopic, _ image: ClusterImage
    ) throws(ApiError) -> [[Int32]] {
        if topic.replicationFactor < -1 || topic.replicationFactor == 0 {
            throw ApiError(
                .invalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value.")
        }
        if topic.numPartitions < -1 || topic.numPartitions == 0 {
            throw ApiError(.invalidPartitions, "Number of partitions was set to an invalid non-positive value.")
        }
        let factor =
            topic.replicationFactor > 0 ? Int(topic.replicationFactor) : config.int("default.replication.factor")
        return try place(count: partitionCount(topic), replicationFactor: factor, image)
    }

    private func assignedReplicas(
        _ topic: CreateTopicsRequest.CreatableTopic, _ image: ClusterImage
    ) throws(ApiError) -> [[Int32]] {
        if topic.replicationFactor != -1 {
            throw ApiError(
                .invalidRequest,
                "A manual partition assignment was specified, but replication factor was not set to -1.")
        }
        if topic.numPartitions != -1 {
            throw ApiError(
                .invalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
        }
        var assigned: [Int32: [Int32]] = [:]
        var factor: Int?
        for assignment in topic.assignments {
            let index = assignment.partitionIndex
            guard assigned[index] == nil else {
                throw ApiError(
                    .invalidReplicaAssignment, "Found multiple manual partition assignments for partition \(index)")
            }
            try checkAssignment(assignment.brokerIds, replicationFactor: factor, image)
            factor = assignment.brokerIds.count
            assigned[index] = assignment.brokerIds
        }
        var replicas: [[Int32]] = []
        for index in 0..<Int32(assigned.count) {
            guard let brokers = assigned[index] else {
                throw ApiError(
                    .invalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
            }
            replicas.append(brokers)
        }
        return replicas
    }

    /// How a topic with `configs` of its own is configured, for the answer (KIP-525).
    private func describe(
        _ configs: [String: String], _ image: ClusterImage
    ) -> [CreateTopicsResponse.CreatableTopicConfigs] {
        let resolver = resolver(image)
        return ConfigTable.topics.definitions.map { definition in
            let setting = resolver.topicSettings(definition, topic: configs).first
            var entry = CreateTopicsResponse.CreatableTopicConfigs()
            entry.name = definition.name
            entry.value = setting?.converted ?? definition.defaultValue
            entry.configSource = setting?.source ?? .default
            return entry
        }
    }
}
