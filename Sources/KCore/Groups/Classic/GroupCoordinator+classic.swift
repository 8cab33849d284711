extension GroupCoordinator {
    mutating func join(
        _ request: JoinGroupRequest, _ surroundings: MemberSurroundings, _ turn: inout Turn,
        _ reply: CoordinatorReply<JoinGroupResponse>
    ) {
        func refuse(_ code: ErrorCode) { turn.send(.refused(code, memberId: request.memberId), to: reply) }
        let sessionTimeoutMs = Int64(request.sessionTimeoutMs)
        guard !request.groupId.isEmpty else { return refuse(.invalidGroupId) }
        guard sessionTimeoutMs >= settings.minSessionTimeoutMs, sessionTimeoutMs <= settings.maxSessionTimeoutMs else {
            return refuse(.invalidSessionTimeout)
        }
        // One member alone that the log has no room for.
        let saidBytes = request.protocols.reduce(0) { $0 + $1.name.utf8.count + $1.metadata.count }
        guard saidBytes <= settings.maxRecordBytes else { return refuse(.unknownServerError) }
        makeWay(for: request, &turn)
        if let consumer = groups[request.groupId]?.consumer {
            guard consumer.members.isEmpty else {
                do throws(ApiError) {
                    turn.send(try joinConsumerGroup(request, surroundings, &turn), to: reply)
                } catch {
                    refuse(error.code)
                }
                return
            }
            guard request.memberId.isEmpty else { return refuse(.unknownMemberId) }
            forgetGroup(request.groupId, &turn)
        }
        if groups[request.groupId]?.classic == nil {
            // An id that this coordinator has not given belongs to no group that it knows.
            guard request.memberId.isEmpty else { return refuse(.unknownMemberId) }
            guard !request.protocolType.isEmpty, !request.protocols.isEmpty else {
                return refuse(.inconsistentGroupProtocol)
            }
            makeClassic(request.groupId)
        }
        let join = ClassicJoin(
            memberId: request.memberId, instanceId: request.groupInstanceId, client: surroundings.client,
            sessionTimeoutMs: sessionTimeoutMs,
            rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? sessionTimeoutMs : Int64(request.rebalanceTimeoutMs),
            protocolType: request.protocolType,
            protocols: request.protocols.map { .init(name: $0.name, metadata: $0.metadata.detached) },
            newMemberId: request.memberId.isEmpty
                ? makeMemberId(request.groupInstanceId ?? surroundings.client.id) : "",
            requiresKnownId: surroundings.version >= 4, canSkipAssignment: surroundings.version >= 9, reply: reply)
        classicStep(request.groupId, &turn) { $0.join(join, &$1) }
        forgetIfNothingIsLeft(request.groupId)
    }

    mutating func sync(
        _ request: SyncGroupRequest, _ turn: inout Turn, _ reply: CoordinatorReply<SyncGroupResponse>
    ) {
        if groups[request.groupId]?.consumer != nil {
            var response = SyncGroupResponse()
            do throws(ApiError) {
                response = try syncConsumerGroup(request, &turn)
            } catch {
                response.errorCode = error.code
            }
            return turn.send(response, to: reply)
        }
        let problem = problem(withGroup: request.groupId)
        guard problem == .none else {
            var response = SyncGroupResponse()
            response.errorCode = problem
            return turn.send(response, to: reply)
        }
        classicStep(request.groupId, &turn) { $0.sync(request, reply, &$1) }
    }

    mutating func heartbeat(
        _ request: HeartbeatRequest, _ turn: inout Turn, _ reply: CoordinatorReply<HeartbeatResponse>
    ) {
        var response = HeartbeatResponse()
        if groups[request.groupId]?.consumer != nil {
            do throws(ApiError) {
                response.errorCode = try heartbeatConsumerGroup(request, &turn)
            } catch {
                response.errorCode = error.code
            }
            return turn.send(response, to: reply)
        }
        response.errorCode = problem(withGroup: request.groupId)
        if response.errorCode == .none {
            classicStep(request.groupId, &turn) { response.errorCode = $0.heartbeat(request, &$1) }
        }
        turn.send(response, to: reply)
    }

    /// - Parameter version: up to version 2 one member leaves, and its error is the request's.
    mutating func leave(
        _ request: LeaveGroupRequest, version: Int16, _ turn: inout Turn,
        _ reply: CoordinatorReply<LeaveGroupResponse>
    ) {
        var response = LeaveGroupResponse()
        let isConsumerGroup = groups[request.groupId]?.consumer != nil
        guard !request.groupId.isEmpty else {
            response.errorCode = .invalidGroupId
            return turn.send(response, to: reply)
        }
        var identities = request.members
        if version < 3 {
            var member = LeaveGroupRequest.MemberIdentity()
            member.memberId = request.memberId
            identities = [member]
        }
        if isConsumerGroup {
            response.members = leaveConsumerGroup(identities, request.groupId, &turn)
        } else if groups[request.groupId]?.classic != nil {
            classicStep(request.groupId, &turn) { response.members = $0.leave(identities, &$1) }
        } else {
            // Nobody is a member of a group that there is not.
            response.members = identities.map { $0.answer(.unknownMemberId) }
        }
        if version < 3 {
            response.errorCode = response.members.first?.errorCode ?? .none
            response.members = []
        }
        turn.send(response, to: reply)
        forgetIfNothingIsLeft(request.groupId)
    }

    private func problem(withGroup id: String) -> ErrorCode {
        if id.isEmpty { return .invalidGroupId }
        return groups[id]?.classic == nil ? .unknownMemberId : .none
    }
}
