extension DeleteTopicsRequest: ControllerRequest {
    func decide(_ controller: inout Controller, _ image: ClusterImage) -> ControllerResult<DeleteTopicsResponse> {
        guard controller.config.bool("delete.topic.enable") else {
            return ControllerResult(
                response: refused(ApiError(.topicDeletionDisabled, ErrorCode.topicDeletionDisabled.meaning)))
        }
        var result = ControllerResult(response: DeleteTopicsResponse())
        let names = Dictionary(states.compactMap { $0.name }.map { ($0, 1) }, uniquingKeysWith: +)
        let ids = Dictionary(states.filter { $0.name == nil }.map { ($0.topicId, 1) }, uniquingKeysWith: +)
        var done: Set<DeleteTopicState> = []
        var deleted: Set<Uuid> = []
        for state in states where done.insert(state).inserted {
            do throws(ApiError) {
                let topic: TopicImage
                if let name = state.name {
                    topic = try image.deletable(name, state.topicId, times: names[name] ?? 1)
                } else {
                    topic = try image.deletable(state.topicId, times: ids[state.topicId] ?? 1)
                }
                guard deleted.insert(topic.id).inserted else {
                    throw ApiError(
                        .invalidRequest, "The provided topic name maps to an ID that was already supplied.")
                }
                var record = RemoveTopicRecord()
                record.topicId = topic.id
                result.records.append(.removeTopic(record))
                result.response.responses.append(.of(name: topic.name, id: topic.id))
            } catch {
                result.response.responses.append(.of(name: state.name, id: state.topicId, error))
            }
        }
        return result
    }

    func refused(_ error: ApiError) -> DeleteTopicsResponse {
        var response = DeleteTopicsResponse()
        response.responses = states.map { .of(name: $0.name, id: $0.topicId, error) }
        return response
    }

    /// What is to be deleted, however the request's version says it.
    private var states: [DeleteTopicState] {
        topics
            + topicNames.map { name in
                var state = DeleteTopicState()
                state.name = name
                return state
            }
    }
}

extension DeleteTopicsRequest.DeleteTopicState: Hashable {
    func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(topicId)
    }
}

extension ClusterImage {
    fileprivate func deletable(_ name: String, _ id: Uuid, times: Int) throws(ApiError) -> TopicImage {
        if !id.isZero { throw ApiError(.invalidRequest, "You may not specify both topic name and topic id.") }
        if times > 1 { throw ApiError(.invalidRequest, "Duplicate topic name.") }
        guard let topic = topic(name) else {
            throw ApiError(.unknownTopicOrPartition, ErrorCode.unknownTopicOrPartition.meaning)
        }
        return topic
    }

    fileprivate func deletable(_ id: Uuid, times: Int) throws(ApiError) -> TopicImage {
        if id.isZero { throw ApiError(.invalidRequest, "Neither topic name nor id were specified.") }
        if times > 1 { throw ApiError(.invalidRequest, "Duplicate topic id.") }
        guard let topic = topic(id: id) else { throw ApiError(.unknownTopicId, ErrorCode.unknownTopicId.meaning) }
        return topic
    }
}

extension DeleteTopicsResponse.DeletableTopicResult {
    fileprivate static func of(name: String?, id: Uuid, _ error: ApiError? = nil) -> Self {
        var result = Self()
        result.name = name
        result.topicId = id
        result.errorCode = error?.code ?? .none
        result.errorMessage = error?.message
        return result
    }
}
