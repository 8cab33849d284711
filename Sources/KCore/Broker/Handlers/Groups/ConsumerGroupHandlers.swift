/// ConsumerGroupHeartbeat and ConsumerGroupDescribe: groups of the new protocol (KIP-848).
enum ConsumerGroupHandlers {
    static func heartbeat(_ request: ConsumerGroupHeartbeatRequest, _ call: Call) {
        let surroundings = MemberSurroundings(image: call.image, client: call.groupClient, version: call.version)
        call.submit(group: request.groupId) { code in
            .refused(code, nil)
        } _: { coordinator, turn, reply in
            coordinator.heartbeat(request, surroundings, &turn, reply)
        }
    }

    static func describe(_ request: ConsumerGroupDescribeRequest, _ call: Call) {
        let image = call.image
        let tellsOperations = request.includeAuthorizedOperations
        call.submit(
            each: request.groupIds, group: { $0 },
            refusal: { group, code in
                var answer = ConsumerGroupDescribeResponse.DescribedGroup()
                answer.groupId = group
                answer.errorCode = code
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
