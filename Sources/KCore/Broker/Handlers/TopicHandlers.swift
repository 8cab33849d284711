/// CreateTopics, DeleteTopics and CreatePartitions: the controller decides; by the time it answers, this broker serves
/// what was created and no longer serves what was deleted.
enum TopicHandlers {
    static func create(_ request: CreateTopicsRequest, _ call: Call) {
        call.broker.controller.submit(request) { call.reply($0) }
    }

    static func delete(_ request: DeleteTopicsRequest, _ call: Call) {
        guard call.broker.settings.deleteTopics else {
            var response = DeleteTopicsResponse()
            response.responses = request.named.map { topic in
                var result = DeleteTopicsResponse.DeletableTopicResult()
                result.name = topic.name
                result.topicId = topic.topicId
                // The code is as old as version 3.
                result.errorCode = call.version < 3 ? .invalidRequest : .topicDeletionDisabled
                return result
            }
            return call.reply(response)
        }
        call.broker.controller.submit(request) { call.reply($0) }
    }

    static func createPartitions(_ request: CreatePartitionsRequest, _ call: Call) {
        call.broker.controller.submit(request) { call.reply($0) }
    }
}

extension DeleteTopicsRequest {
    /// The topics asked for, whichever field of the request's version they came in.
    fileprivate var named: [(name: String?, topicId: Uuid)] {
        topics.map { ($0.name, $0.topicId) } + topicNames.map { ($0, .zero) }
    }
}
