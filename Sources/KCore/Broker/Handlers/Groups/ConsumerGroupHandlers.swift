/// ConsumerGroupHeartbeat and ConsumerGroupDescribe: groups of the new protocol (KIP-848).
enum ConsumerGroupHandlers {
    static func heartbeat(_ request: ConsumerGroupHeartbeatRequest, _ call: Call) {
        let surroundings = MemberSurroundings(image: call.image, client: call.groupClient, version: call.version)
        let settings = call.broker.coordinators.groupSettings
        call.submit(group: request.groupId) { code in
            request.refused(code, version: surroundings.version, settings)
        } _: { coordinator, turn, reply in
            coordinator.heartbeat(request, surroundings, &turn, reply)
        }
    }

    static func describe(_ request: ConsumerGroupDescribeRequest, _ call: Call) {
        let image = call.image
        let tellsOperations = request.includeAuthorizedOperations
        let isOffered = call.broker.coordinators.groupSettings.hasConsumerProtocol
        call.submit(
            each: request.groupIds, group: { $0 },
            refusal: { group, code in
                var answer = ConsumerGroupDescribeResponse.DescribedGroup()
                answer.groupId = group
                answer.errorCode = !isOffered ? .unsupportedVersion : group.isEmpty ? .invalidGroupId : code
                return answer
            },
            { group, coordinator, _ in
                var answer = coordinator.describeConsumer(group, image)
                if tellsOperations { answer.authorizedOperations = AuthorizedOperations.ofGroup }
                return answer
            },
            completion: { answers in
                var response = ConsumerGroupDescribeResponse()
                response.groups = answers
                call.reply(response)
            })
    }
}
