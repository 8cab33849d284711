/// FindCoordinator: the broker that leads the partition of a group or transactional id. The first one to ask has the
/// coordinators' topic made.
enum FindCoordinatorHandler {
    static func handle(_ request: FindCoordinatorRequest, _ call: Call) {
        let broker = call.broker
        let image = call.image
        guard let topic = broker.coordinators.topic(request.keyType, image), image.topic(topic.name) == nil else {
            return call.reply(answer(request, call))
        }
        broker.controller.submit(topic.creation) { response in
            // Somebody else may have been faster.
            if let result = response.topics.first, result.errorCode != .none, result.errorCode != .topicAlreadyExists {
                broker.logger.warning(
                    "the coordinators' topic cannot be made: \(result.errorMessage ?? result.errorCode.meaning)",
                    ["topic": topic.name])
            }
            call.loop.execute { call.reply(answer(request, call)) }
        }
    }

    private static func answer(_ request: FindCoordinatorRequest, _ call: Call) -> FindCoordinatorResponse {
        var response = FindCoordinatorResponse()
        if call.version >= 4 {
            response.coordinators = request.coordinatorKeys.map { find($0, request.keyType, call) }
            return response
        }
        let found = find(request.key, request.keyType, call)
        response.errorCode = found.errorCode
        response.errorMessage = found.errorMessage
        response.nodeId = found.nodeId
        response.host = found.host
        response.port = found.port
        return response
    }

    private static func find(
        _ key: String, _ type: CoordinatorType, _ call: Call
    ) -> FindCoordinatorResponse.Coordinator {
        var answer = FindCoordinatorResponse.Coordinator()
        answer.key = key
        answer.nodeId = -1
        answer.port = -1
        let image = call.image
        guard type == .group || type == .transaction else {
            // Share groups are not known.
            answer.errorCode = .invalidRequest
            answer.errorMessage = "this broker coordinates groups and transactions only"
            return answer
        }
        let name = type == .group ? CoordinatorTopic.groupsName : CoordinatorTopic.transactionsName
        guard let topic = image.topic(name),
            let partition = topic.partition(CoordinatorTopic.partition(of: key, count: Int32(topic.partitions.count))),
            let endpoint = image.brokers[partition.leader]?.endpoint(listener: call.listenerName)
        else {
            answer.errorCode = .coordinatorNotAvailable
            answer.errorMessage = answer.errorCode.meaning
            return answer
        }
        answer.nodeId = partition.leader
        answer.host = endpoint.host
        answer.port = Int32(endpoint.port)
        return answer
    }
}
