extension CreatePartitionsRequest: ControllerRequest {
    func decide(_ controller: inout Controller, _ image: ClusterImage) -> ControllerResult<CreatePartitionsResponse> {
        var result = ControllerResult(response: CreatePartitionsResponse())
        let occurrences = Dictionary(topics.map { ($0.name, 1) }, uniquingKeysWith: +)
        var answered: Set<String> = []
        for topic in topics where answered.insert(topic.name).inserted {
            do throws(ApiError) {
                if occurrences[topic.name, default: 1] > 1 { throw ApiError(.invalidRequest, "Duplicate topic name.") }
                let records = try controller.addPartitions(topic, already: result.records.count, image)
                if !validateOnly { result.records += records }
                result.response.results.append(.of(topic.name, nil))
            } catch {
                result.response.results.append(.of(topic.name, error))
            }
        }
        return result
    }

    func refused(_ error: ApiError) -> CreatePartitionsResponse {
        var response = CreatePartitionsResponse()
        response.results = topics.map { .of($0.name, error) }
        return response
    }
}

extension CreatePartitionsResponse.CreatePartitionsTopicResult {
    fileprivate static func of(_ name: String, _ error: ApiError?) -> Self {
        var result = Self()
        result.name = name
        result.errorCode = error?.code ?? .none
        result.errorMessage = error?.message
        return result
    }
}

extension Controller {
    fileprivate mutating func addPartitions(
        _ request: CreatePartitionsRequest.CreatePartitionsTopic, already: Int, _ image: ClusterImage
    ) throws(ApiError) -> [MetadataLogRecord] {
        guard let topic = image.topic(request.name) else {
            throw ApiError(.unknownTopicOrPartition, ErrorCode.unknownTopicOrPartition.meaning)
        }
        if topic.isInternal {
            // Kafka takes it, and looks for groups and transactions where they were until its next start.
            throw ApiError(
                .policyViolation,
                "What is in the internal topic \(topic.name) is found by its number of partitions: it must stay.")
        }
        let present = topic.partitions.count
        let additional = Int(request.count) - present
        if additional == 0 { throw ApiError(.invalidPartitions, "Topic already has \(present) partition(s).") }
        if additional < 0 {
            throw ApiError(
                .invalidPartitions,
                "The topic \(topic.name) currently has \(present) partition(s); \(request.count) would not be an "
                    + "increase.")
        }
        if already + additional > Controller.maxPartitionsPerRequest {
            throw ApiError(.policyViolation, "Excessively large number of partitions per request.")
        }
        let factor = topic.replicationFactor
        var replicas: [[Int32]] = []
        if let assignments = request.assignments, !assignments.isEmpty {
            guard assignments.count == additional else {
                throw ApiError(
                    .invalidReplicaAssignment,
                    "Attempted to add \(additional) additional partition(s), but only \(assignments.count) "
                        + "assignment(s) were specified.")
            }
            for assignment in assignments {
                try checkAssignment(assignment.brokerIds, replicationFactor: factor, image)
                replicas.append(assignment.brokerIds)
            }
        } else {
            replicas = try place(count: additional, from: present, replicationFactor: factor, image)
        }
        var records: [MetadataLogRecord] = []
        for (index, replicas) in replicas.enumerated() {
            let record = try newPartition(
                topicId: topic.id, partition: Int32(present + index), replicas: replicas, image)
            records.append(.partition(record))
        }
        return records
    }
}
