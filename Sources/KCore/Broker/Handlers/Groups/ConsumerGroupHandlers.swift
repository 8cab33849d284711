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
        let isOffered = call.broker.coordinators.groupSettings.hasConsumerProtocol
        call.describe(request.groupIds, tellsOperations: request.includeAuthorizedOperations) { group, code in
            !isOffered ? .unsupportedVersion : group.isEmpty ? .invalidGroupId : code
        } _: { group, coordinator in
            coordinator.describeConsumer(group, image)
        } completion: { answers in
            var response = ConsumerGroupDescribeResponse()
            response.groups = answers
            call.reply(response)
        }
    }
}
