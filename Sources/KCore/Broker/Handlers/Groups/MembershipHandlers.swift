/// JoinGroup, SyncGroup, Heartbeat and LeaveGroup: the membership of classic groups.
enum MembershipHandlers {
    static func join(_ request: JoinGroupRequest, _ call: Call) {
        let surroundings = MemberSurroundings(image: call.image, client: call.groupClient, version: call.version)
        let reply = CoordinatorReply<JoinGroupResponse> { response in
            var response = response
            // There was no null before.
            if surroundings.version < 7 && response.protocolName == nil { response.protocolName = "" }
            call.reply(response)
        } refusal: {
            .refused($0, memberId: request.memberId)
        }
        call.submit(group: request.groupId, reply) { coordinator, turn, reply in
            coordinator.join(request, surroundings, &turn, reply)
        }
    }

    static func sync(_ request: SyncGroupRequest, _ call: Call) {
        // Since they can be said they must be (KIP-559).
        if call.version >= 5 && (request.protocolType == nil || request.protocolName == nil) {
            return call.reply(SyncGroupResponse.refused(.inconsistentGroupProtocol))
        }
        call.submit(group: request.groupId, refusal: SyncGroupResponse.refused) { coordinator, turn, reply in
            coordinator.sync(request, &turn, reply)
        }
    }

    static func heartbeat(_ request: HeartbeatRequest, _ call: Call) {
        call.submit(group: request.groupId) { code in
            var response = HeartbeatResponse()
            // A client that is told so here would join again; it is still a member, as far as anybody knows.
            response.errorCode = code == .coordinatorLoadInProgress ? .none : code
            return response
        } _: { coordinator, turn, reply in
            coordinator.heartbeat(request, &turn, reply)
        }
    }

    static func leave(_ request: LeaveGroupRequest, _ call: Call) {
        let version = call.version
        call.submit(group: request.groupId) { code in
            var response = LeaveGroupResponse()
            response.errorCode = code
            return response
        } _: { coordinator, turn, reply in
            coordinator.leave(request, version: version, &turn, reply)
        }
    }
}
