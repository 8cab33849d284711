/// Members of the classic protocol in groups to whose members the coordinator assigns: they hear by their heartbeats that
/// they are to join, are answered at once when they do, and fetch their assignment, one step of their reconciliation after
/// the other.
extension GroupCoordinator {
    mutating func joinConsumerGroup(
        _ request: JoinGroupRequest, _ surroundings: MemberSurroundings, _ turn: inout Turn
    ) throws(ApiError) -> JoinGroupResponse {
        let id = request.groupId
        guard let group = groups[id]?.consumer else { throw ApiError(.unknownMemberId, "Group \(id) is not there.") }
        guard group.supports(request.protocolType, request.protocols.map(\.name)), let offer = request.protocols.first,
            let wishes = try? ConsumerProtocolSubscription(versioned: offer.metadata)
        else { throw ApiError(.inconsistentGroupProtocol, "The group's members have no assignor in common with it.") }
        let instance = request.groupInstanceId
        let isNameless = request.memberId.isEmpty
        let memberId = isNameless ? makeMemberId(instance ?? surroundings.client.id) : request.memberId
        let replaced = isNameless ? instance.flatMap { group.staticMembers[$0] } : nil
        if !isNameless, instance != nil { _ = try group.classicMember(memberId, instance) }
        guard group.members[memberId] != nil || replaced != nil || group.members.count < settings.consumerMaxSize else {
            throw ApiError(.groupMaxSizeReached, "The consumer group has reached its maximum capacity.")
        }
        if isNameless && instance == nil && surroundings.version >= 4 {
            return .refused(.memberIdRequired, memberId: memberId)
        }
        if let replaced { succeed(replaced, by: memberId, id, &turn) }
        let before = groups[id]?.consumer?.members[memberId]
        var member = before ?? ConsumerMember(id: memberId)
        member.take(request, wishes, from: surroundings.client)
        keepWishes(of: member, before: before, id, &turn)
        refresh(id, surroundings.image, mustRaise: member.wantsOtherThan(before), &turn)
        reconcile(memberId, id, owned: wishes.owned(in: before?.epoch ?? 0, surroundings.image), &turn)
        extendSession(of: memberId, in: id, &turn)
        let syncEndsMs = turn.nowMs + member.rebalanceTimeoutMs
        setDeadline(of: memberId, in: id) { deadlines in
            (deadlines.joinEndsMs, deadlines.syncEndsMs) = (.max, syncEndsMs)
            deadlines.revocationEndsMs = .max
        }
        var response = JoinGroupResponse()
        response.memberId = memberId
        response.generationId = groups[id]?.consumer?.members[memberId]?.epoch ?? 0
        response.protocolType = MembershipType.consumer
        response.protocolName = offer.name
        return response
    }

    mutating func syncConsumerGroup(
        _ request: SyncGroupRequest, _ turn: inout Turn
    ) throws(ApiError) -> SyncGroupResponse {
        let id = request.groupId
        guard let group = groups[id]?.consumer else { throw ApiError(.unknownMemberId, "Group \(id) is not there.") }
        let member = try group.classicMember(
            request.memberId, request.groupInstanceId, generation: request.generationId)
        let classic = member.classic ?? .init()
        let name = classic.supportedProtocols.first?.name
        guard request.protocolType ?? MembershipType.consumer == MembershipType.consumer,
            request.protocolName == nil || request.protocolName == name
        else { throw ApiError(.inconsistentGroupProtocol, "The group uses \(name ?? "").") }
        if group.epoch > member.epoch && member.state != .unrevokedPartitions {
            awaitJoin(of: member, in: id, &turn)
            throw ApiError(.rebalanceInProgress, "The member is to join again.")
        }
        setDeadline(of: member.id, in: id) { $0.syncEndsMs = .max }
        extendSession(of: member.id, in: id, &turn)
        var response = SyncGroupResponse()
        response.protocolType = MembershipType.consumer
        response.protocolName = name
        response.assignment = group.encoded(member.assigned, for: classic)
        return response
    }

    /// - Returns: whether the member is to join again: its group has moved on, it has yet to give up partitions, or what it
    ///   waited for is there.
    mutating func heartbeatConsumerGroup(
        _ request: HeartbeatRequest, _ turn: inout Turn
    ) throws(ApiError) -> ErrorCode {
        let id = request.groupId
        guard let group = groups[id]?.consumer else { throw ApiError(.unknownMemberId, "Group \(id) is not there.") }
        let member = try group.classicMember(
            request.memberId, request.groupInstanceId, generation: request.generationId)
        extendSession(of: member.id, in: id, &turn)
        let mustJoin =
            member.epoch < group.epoch || member.state == .unrevokedPartitions
            || member.state == .unreleasedPartitions && !group.isWaiting(member)
        if mustJoin { awaitJoin(of: member, in: id, &turn) }
        return mustJoin ? .rebalanceInProgress : .none
    }

    mutating func leaveConsumerGroup(
        _ identities: [LeaveGroupRequest.MemberIdentity], _ id: String, _ turn: inout Turn
    ) -> [LeaveGroupResponse.MemberResponse] {
        var gone: Set<ExactName> = []
        let answers = identities.map { identity in
            do throws(ApiError) {
                guard let group = groups[id]?.consumer else { throw ApiError(.unknownMemberId, "") }
                // Whoever administers the group names an instance and no member, of whichever protocol.
                let named = identity.memberId.isEmpty ? identity.groupInstanceId : nil
                let member =
                    if let named {
                        try group.known(group.staticMembers[named] ?? "", named)
                    } else {
                        try group.classicMember(identity.memberId, identity.groupInstanceId)
                    }
                guard gone.insert(ExactName(member.id)).inserted else { throw ApiError(.unknownMemberId, "") }
                return identity.answer(.none)
            } catch {
                return identity.answer(error.code)
            }
        }
        if !gone.isEmpty { takeOut(gone, of: id, nil, &turn) }
        return answers
    }

    /// A member that was told to join has its rebalance timeout for it.
    private mutating func awaitJoin(of member: ConsumerMember, in id: String, _ turn: inout Turn) {
        let end = turn.nowMs + member.rebalanceTimeoutMs
        setDeadline(of: member.id, in: id) { if $0.joinEndsMs == .max { $0.joinEndsMs = end } }
    }
}

extension ConsumerProtocolSubscription {
    /// What the member has that says this: nothing is known of that where it was in another generation then (KIP-792), as in a
    /// join that comes late. What it was given since is not free because it is not named. Who names no generation is believed.
    ///
    /// Kafka believes whatever generation is named.
    fileprivate func owned(in epoch: Int32, _ image: ClusterImage) -> TopicShares? {
        guard generationId <= 0 || generationId == epoch else { return nil }
        return TopicShares(
            ownedPartitions.compactMap { entry in image.topic(entry.topic).map { ($0.id, entry.partitions) } })
    }
}

extension ConsumerMember {
    /// Takes over what a join of the classic protocol says.
    fileprivate mutating func take(
        _ request: JoinGroupRequest, _ wishes: ConsumerProtocolSubscription, from client: GroupClient
    ) {
        self.client = client
        instanceId = request.groupInstanceId ?? instanceId
        rackId = wishes.rackId ?? rackId
        let timeoutMs = request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
        rebalanceTimeoutMs = Int64(timeoutMs)
        subscribedTopics = Set(wishes.topics).sorted()
        subscribedRegex = nil
        serverAssignor = nil
        classic = .init(
            request.protocols.map { .init(name: $0.name, metadata: $0.metadata.detached) },
            sessionTimeoutMs: Int64(request.sessionTimeoutMs))
    }
}
