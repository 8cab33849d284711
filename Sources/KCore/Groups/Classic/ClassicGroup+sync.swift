extension ClassicGroup {
    /// Hands a member its assignment, now or when the leader has brought it.
    mutating func sync(
        _ request: SyncGroupRequest, _ reply: CoordinatorReply<SyncGroupResponse>, _ step: inout ClassicStep
    ) {
        func refuse(_ code: ErrorCode) {
            var response = SyncGroupResponse()
            response.errorCode = code
            step.send(response, to: reply)
        }
        let problem = check(member: request.memberId, instance: request.groupInstanceId)
        guard problem == .none else { return refuse(problem) }
        guard request.generationId == generation else { return refuse(.illegalGeneration) }
        if let type = request.protocolType, type != protocolType { return refuse(.inconsistentGroupProtocol) }
        if let name = request.protocolName, name != protocolName { return refuse(.inconsistentGroupProtocol) }
        let id = request.memberId
        switch state {
        case .empty:
            refuse(.unknownMemberId)
        case .preparingRebalance:
            refuse(.rebalanceInProgress)
        case .completingRebalance:
            pendingSync.remove(id)
            if let member = members[id] { answerSync(member, .rebalanceInProgress, &step) }
            members[id]?.sync = reply
            if id == leader { assign(request.assignments, &step) }
        case .stable:
            pendingSync.remove(id)
            if let member = members[id] { step.send(assignment(of: member), to: reply) }
            extendSession(of: id, &step)
        }
    }

    /// The leader's word: whom it does not name has nothing.
    private mutating func assign(
        _ assignments: [SyncGroupRequest.SyncGroupRequestAssignment], _ step: inout ClassicStep
    ) {
        for id in members.keys { members[id]?.assignment = Bytes() }
        for entry in assignments { members[entry.memberId]?.assignment = entry.assignment.detached }
        guard keptBytes <= step.settings.maxRecordBytes else {
            // Nobody could be told of it after a restart.
            takeBackAssignments(.unknownServerError, &step)
            return rebalance(&step)
        }
        move(to: .stable, step)
        step.mustKeep = true
        for member in orderedMembers where member.sync != nil {
            answerSync(member, .none, &step)
            // A session that ended while it waited here counted for nothing.
            extendSession(of: member.id, &step)
        }
    }

    private func assignment(of member: ClassicMember) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.assignment = member.assignment
        return response
    }

    /// Answers a SyncGroup that waits, if there is one.
    mutating func answerSync(_ member: ClassicMember, _ code: ErrorCode, _ step: inout ClassicStep) {
        guard let reply = member.sync else { return }
        var response = code == .none ? assignment(of: member) : SyncGroupResponse()
        response.errorCode = code
        step.send(response, to: reply)
        members[member.id]?.sync = nil
    }

    // MARK: Heartbeats

    /// - Returns: what the member is told.
    mutating func heartbeat(_ request: HeartbeatRequest, _ step: inout ClassicStep) -> ErrorCode {
        let problem = check(member: request.memberId, instance: request.groupInstanceId)
        guard problem == .none else { return problem }
        guard isCurrent(request.generationId, of: request.memberId) else { return .illegalGeneration }
        if state == .empty { return .unknownMemberId }
        extendSession(of: request.memberId, &step)
        return state == .preparingRebalance ? .rebalanceInProgress : .none
    }
}

extension SyncGroupResponse {
    /// The answer of a coordinator that cannot do it.
    ///
    /// Clients do not expect to be told of loading here, and end: what was being shared is lost, and they have to join again.
    static func refused(_ code: ErrorCode) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.errorCode = code == .coordinatorLoadInProgress ? .rebalanceInProgress : code
        return response
    }
}
