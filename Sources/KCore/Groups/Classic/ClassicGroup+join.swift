/// A JoinGroup as a group sees it.
struct ClassicJoin: Sendable {
    var memberId: String
    var instanceId: String?
    var client: GroupClient
    var sessionTimeoutMs: Int64
    var rebalanceTimeoutMs: Int64
    var protocolType: String
    var protocols: [ClassicMember.Candidate]
    /// The id of a member that has none yet.
    var newMemberId: String
    /// Whether a new member must come again with its id before it is one (KIP-394).
    var requiresKnownId: Bool
    /// Whether a leader can be told to leave the assignment as it is (KIP-814).
    var canSkipAssignment: Bool
    var reply: CoordinatorReply<JoinGroupResponse>
}

extension ClassicGroup {
    /// Takes a member in, or again. It is answered now or when the rebalance is over.
    mutating func join(_ join: ClassicJoin, _ step: inout ClassicStep) {
        guard hasRoom(for: join.memberId, step) else {
            if let member = remove(join.memberId) { dismiss(member, .unknownMemberId, &step) }
            replaceLeader(join.memberId)
            return refuse(join, .groupMaxSizeReached, memberId: "", &step)
        }
        guard supports(join.protocolType, join.protocols) else {
            return refuse(join, .inconsistentGroupProtocol, memberId: join.memberId, &step)
        }
        if join.memberId.isEmpty {
            joinNew(join, &step)
        } else {
            joinKnown(join, &step)
        }
        completeJoinIfAllAreThere(&step)
    }

    private func hasRoom(for memberId: String, _ step: ClassicStep) -> Bool {
        let known = members[memberId]
        switch state {
        case .empty: return true
        case .preparingRebalance: return known?.join != nil || awaitingJoin < step.settings.maxSize
        case .completingRebalance, .stable: return known != nil || members.count < step.settings.maxSize
        }
    }

    private mutating func joinNew(_ join: ClassicJoin, _ step: inout ClassicStep) {
        if let instance = join.instanceId {
            if let old = staticMembers[instance] { return succeed(old, join, &step) }
            return addAndRebalance(join.newMemberId, join, &step)
        }
        guard join.requiresKnownId else { return addAndRebalance(join.newMemberId, join, &step) }
        let deadline = step.nowMs + join.sessionTimeoutMs
        pendingMembers[join.newMemberId] = deadline
        step.setTimer(id, member: join.newMemberId, atMs: deadline)
        refuse(join, .memberIdRequired, memberId: join.newMemberId, &step)
    }

    private mutating func joinKnown(_ join: ClassicJoin, _ step: inout ClassicStep) {
        if pendingMembers[join.memberId] != nil {
            // Ids of pending members were given to members without an instance.
            guard join.instanceId == nil else { return refuse(join, .unknownMemberId, memberId: join.memberId, &step) }
            pendingMembers[join.memberId] = nil
            return addAndRebalance(join.memberId, join, &step)
        }
        let problem = check(member: join.memberId, instance: join.instanceId)
        guard problem == .none, let member = members[join.memberId] else {
            return refuse(join, problem == .none ? .unknownMemberId : problem, memberId: join.memberId, &step)
        }
        switch state {
        case .preparingRebalance:
            updateAndRebalance(join, &step)
        case .completingRebalance:
            // One that did not get its answer is told again. Who comes with something else makes it all begin again.
            guard member.matches(join.protocols) else { return updateAndRebalance(join, &step) }
            step.send(answer(to: member), to: join.reply)
        case .stable:
            // The leader may know of something that concerns the assignment: new partitions.
            guard leader != member.id, member.matches(join.protocols) else { return updateAndRebalance(join, &step) }
            step.send(answer(to: member), to: join.reply)
        case .empty:
            refuse(join, .unknownMemberId, memberId: join.memberId, &step)
        }
    }

    private mutating func addAndRebalance(_ memberId: String, _ join: ClassicJoin, _ step: inout ClassicStep) {
        var member = ClassicMember(
            id: memberId, instanceId: join.instanceId, client: join.client, sessionTimeoutMs: join.sessionTimeoutMs,
            rebalanceTimeoutMs: join.rebalanceTimeoutMs, protocols: join.protocols, number: 0)
        member.isNew = true
        member.join = join.reply
        if members.isEmpty { protocolType = join.protocolType }
        if state == .preparingRebalance && previousState == .empty { hasNewMember = true }
        add(member)
        // It waits for us and cannot say that it lives. If its connection breaks, it comes again as another one.
        endSession(of: memberId, atMs: step.nowMs + step.settings.newMemberJoinTimeoutMs, &step)
        rebalance(&step)
    }

    private mutating func updateAndRebalance(_ join: ClassicJoin, _ step: inout ClassicStep) {
        take(join, as: join.memberId, &step)
        rebalance(&step)
    }

    /// Takes over what a known member says now. Whoever waits for it already is told that it joins anew.
    private mutating func take(_ join: ClassicJoin, as memberId: String, _ step: inout ClassicStep) {
        if let earlier = members[memberId]?.join {
            var response = JoinGroupResponse()
            response.errorCode = .rebalanceInProgress
            response.memberId = memberId
            step.send(response, to: earlier)
        }
        update(memberId) { member in
            member.protocols = join.protocols
            member.sessionTimeoutMs = join.sessionTimeoutMs
            member.rebalanceTimeoutMs = join.rebalanceTimeoutMs
            member.client = join.client
            member.join = join.reply
        }
    }

    /// A static member is back with a new id: it takes the place of the old one, who is fenced (KIP-345).
    private mutating func succeed(_ old: String, _ join: ClassicJoin, _ step: inout ClassicStep) {
        let oldLeader = leader
        guard var member = remove(old) else { return }
        dismiss(member, .fencedInstanceId, &step)
        member.id = join.newMemberId
        member.join = nil
        member.sync = nil
        // Its timer is set for the old id.
        member.timerMs = .max
        insert(member)
        if oldLeader == old { leader = member.id }
        extendSession(of: member.id, &step)
        take(join, as: member.id, &step)
        switch state {
        case .stable:
            guard chooseProtocol() == protocolName, let member = members[member.id] else { return rebalance(&step) }
            // Nothing that the leader assigned by has changed but the id, which the log must know.
            setJoin(nil, of: member.id)
            step.mustKeep = true
            var response = answer(to: member)
            if join.canSkipAssignment {
                response.skipAssignment = leader == member.id
            } else {
                response.leader = oldLeader ?? ""
                response.members = []
            }
            step.send(response, to: join.reply)
        case .completingRebalance:
            // The leader may have the old id already, and would leave the new one without an assignment.
            rebalance(&step)
        case .preparingRebalance, .empty:
            break
        }
    }

    // MARK: Answers

    /// What a member of this generation is told.
    func answer(to member: ClassicMember) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.generationId = generation
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.leader = leader ?? ""
        response.memberId = member.id
        guard member.id == leader else { return response }
        response.members = orderedMembers.map { member in
            var entry = JoinGroupResponse.JoinGroupResponseMember()
            entry.memberId = member.id
            entry.groupInstanceId = member.instanceId
            entry.metadata = member.metadata(for: protocolName)
            return entry
        }
        return response
    }

    private func refuse(_ join: ClassicJoin, _ code: ErrorCode, memberId: String, _ step: inout ClassicStep) {
        step.send(JoinGroupResponse.refused(code, memberId: memberId), to: join.reply)
    }
}

extension JoinGroupResponse {
    static func refused(_ code: ErrorCode, memberId: String) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.errorCode = code
        response.memberId = memberId
        return response
    }
}
