extension ClassicGroup {
    // MARK: Sessions

    /// The member was heard of: it has its session timeout from now on.
    mutating func extendSession(of memberId: String, _ step: inout ClassicStep) {
        guard let member = members[memberId] else { return }
        endSession(of: memberId, atMs: step.nowMs + member.sessionTimeoutMs, &step)
    }

    mutating func endSession(of memberId: String, atMs: Int64, _ step: inout ClassicStep) {
        guard let timerMs = members[memberId]?.timerMs else { return }
        members[memberId]?.sessionEndsMs = atMs
        // A timer that comes too early finds out, and is set again.
        guard atMs < timerMs else { return }
        members[memberId]?.timerMs = atMs
        step.setTimer(id, member: memberId, atMs: atMs)
    }

    /// A timer of a member is due.
    mutating func memberTimerEnded(_ memberId: String, deadlineMs: Int64, _ step: inout ClassicStep) {
        if let deadline = pendingMembers[memberId] {
            guard deadline == deadlineMs else { return }
            pendingMembers[memberId] = nil
            return completeJoinIfAllAreThere(&step)
        }
        guard let member = members[memberId], member.timerMs == deadlineMs else { return }
        members[memberId]?.timerMs = .max
        if member.sessionEndsMs > step.nowMs {
            return endSession(of: memberId, atMs: member.sessionEndsMs, &step)
        }
        // Who waits for us cannot send heartbeats; its session begins again with our answer.
        guard member.isNew || (member.join == nil && member.sync == nil) else { return }
        expel(memberId, &step)
    }

    private mutating func expel(_ memberId: String, _ step: inout ClassicStep) {
        guard let member = remove(memberId) else { return }
        replaceLeader(memberId)
        dismiss(member, .unknownMemberId, &step)
        afterLoss(&step)
    }

    private mutating func afterLoss(_ step: inout ClassicStep) {
        switch state {
        case .stable, .completingRebalance: rebalance(&step)
        case .preparingRebalance: completeJoinIfAllAreThere(&step)
        case .empty: break
        }
    }

    /// Answers what waits in a member that is no longer one.
    func dismiss(_ member: ClassicMember, _ code: ErrorCode, _ step: inout ClassicStep) {
        if let reply = member.join { step.send(.refused(code, memberId: member.id), to: reply) }
        if let reply = member.sync {
            var response = SyncGroupResponse()
            response.errorCode = code
            step.send(response, to: reply)
        }
    }

    // MARK: Leaving

    /// Takes members out that want to go, or that somebody sends away by their instance.
    mutating func leave(
        _ identities: [LeaveGroupRequest.MemberIdentity], _ step: inout ClassicStep
    ) -> [LeaveGroupResponse.MemberResponse] {
        var hasLost = false
        let answers = identities.map { identity in
            let answer = identity.answer(leave(identity, &step))
            hasLost = hasLost || answer.errorCode == .none
            return answer
        }
        if hasLost { afterLoss(&step) }
        return answers
    }

    private mutating func leave(
        _ identity: LeaveGroupRequest.MemberIdentity, _ step: inout ClassicStep
    ) -> ErrorCode {
        var memberId = identity.memberId
        if memberId.isEmpty {
            guard let known = identity.groupInstanceId.flatMap({ staticMembers[$0] }) else { return .unknownMemberId }
            memberId = known
        } else if pendingMembers.removeValue(forKey: memberId) != nil {
            return .none
        } else {
            let problem = check(member: memberId, instance: identity.groupInstanceId)
            guard problem == .none else { return problem }
        }
        guard let member = remove(memberId) else { return .unknownMemberId }
        replaceLeader(memberId)
        dismiss(member, .unknownMemberId, &step)
        return .none
    }

    /// Refuses everybody who waits in this group.
    mutating func abandon() -> (
        joins: [CoordinatorReply<JoinGroupResponse>], syncs: [CoordinatorReply<SyncGroupResponse>]
    ) {
        let waiting = orderedMembers
        for id in members.keys {
            setJoin(nil, of: id)
            members[id]?.sync = nil
        }
        return (waiting.compactMap(\.join), waiting.compactMap(\.sync))
    }
}

extension LeaveGroupRequest.MemberIdentity {
    func answer(_ code: ErrorCode) -> LeaveGroupResponse.MemberResponse {
        var answer = LeaveGroupResponse.MemberResponse()
        answer.memberId = memberId
        answer.groupInstanceId = groupInstanceId
        answer.errorCode = code
        return answer
    }
}
