/// What a heartbeat needs to know of the world outside of the group.
struct ConsumerSurroundings: Sendable {
    var image: ClusterImage
    var client = GroupClient()
    var version: Int16 = 1
}

extension GroupCoordinator {
    /// A consumer's heartbeat in the new protocol (KIP-848): it joins, stays, leaves, and hears what it may read.
    mutating func heartbeat(
        _ request: ConsumerGroupHeartbeatRequest, _ surroundings: ConsumerSurroundings, _ turn: inout Turn,
        _ reply: CoordinatorReply<ConsumerGroupHeartbeatResponse>
    ) {
        do throws(ApiError) {
            try request.check(version: surroundings.version, assignors: settings.assignors)
            let response: ConsumerGroupHeartbeatResponse
            if request.memberEpoch < 0 {
                response = try leave(request, surroundings, &turn)
            } else {
                response = try stay(request, surroundings, &turn)
            }
            turn.send(response, to: reply)
        } catch {
            turn.send(.refused(error.code, error.message), to: reply)
        }
    }

    // MARK: Staying

    private mutating func stay(
        _ request: ConsumerGroupHeartbeatRequest, _ surroundings: ConsumerSurroundings, _ turn: inout Turn
    ) throws(ApiError) -> ConsumerGroupHeartbeatResponse {
        let id = request.groupId
        let isJoining = request.memberEpoch == 0
        var memberId = request.memberId
        if memberId.isEmpty { memberId = Uuid.random(using: &random).description }
        try prepareConsumerGroup(id, isJoining: isJoining, &turn)
        let group = groups[id]?.consumer ?? ConsumerGroup(id: id)
        var member = try find(request, memberId, group, isJoining: isJoining)
        if let instance = request.instanceId, isJoining, let old = group.staticMembers[instance], old != memberId {
            succeed(old, by: memberId, id, &turn)
            member = groups[id]?.consumer?.members[memberId] ?? member
        }
        let isNew = groups[id]?.consumer?.members[memberId] == nil
        let before = isNew ? nil : member
        member.takeWishes(of: request, from: surroundings.client)
        if before?.metadataValue != member.metadataValue {
            write(.consumerGroupMemberMetadata(.init(groupId: id, memberId: memberId), member.metadataValue), &turn)
        }
        if isNew { keepAssignment(of: member, id, &turn) }
        if isJoining && !isNew && member.epoch != 0 {
            // It begins anew and has nothing any more.
            var reset = member
            (reset.epoch, reset.previousEpoch, reset.state) = (0, 0, .stable)
            (reset.assigned, reset.revoking) = (TopicShares(), TopicShares())
            keepAssignment(of: reset, id, &turn)
        }
        let hasNewWishes =
            isNew || before?.subscribedTopics != member.subscribedTopics
            || before?.subscribedRegex != member.subscribedRegex || before?.serverAssignor != member.serverAssignor
        refresh(id, surroundings.image, mustRaise: hasNewWishes, &turn)
        let assignedBefore = groups[id]?.consumer?.members[memberId]?.assigned
        reconcile(memberId, id, owned: request.owned, &turn)
        extendSession(of: memberId, in: id, &turn)
        var response = ConsumerGroupHeartbeatResponse()
        guard let now = groups[id]?.consumer?.members[memberId] else { return response }
        response.memberId = memberId
        response.memberEpoch = now.epoch
        response.heartbeatIntervalMs = Int32(clamping: settings.consumerHeartbeatIntervalMs)
        if isJoining || request.saysAll || now.assigned != assignedBefore || now.epoch != request.memberEpoch {
            response.assignment = now.assigned.answer
        }
        return response
    }

    /// Sees to it that there is a consumer group; a classic one without members becomes one.
    private mutating func prepareConsumerGroup(_ id: String, isJoining: Bool, _ turn: inout Turn) throws(ApiError) {
        if groups[id]?.consumer != nil { return }
        if let classic = groups[id]?.classic, classic.state != .empty || !classic.pendingMembers.isEmpty {
            throw ApiError(.groupIdNotFound, "Group \(id) is not a consumer group.")
        }
        guard isJoining else { throw ApiError(.unknownMemberId, "Group \(id) does not have that member.") }
        if groups[id]?.kept != nil { write(.groupMetadata(GroupMetadataKey(group: id), nil), &turn) }
        groups[id]?.classic = nil
        write(.consumerGroupMetadata(.init(groupId: id), .init(epoch: 0)), &turn)
    }

    /// The member that a request speaks of.
    private func find(
        _ request: ConsumerGroupHeartbeatRequest, _ memberId: String, _ group: ConsumerGroup, isJoining: Bool
    ) throws(ApiError) -> ConsumerMember {
        if isJoining {
            if let instance = request.instanceId, let old = group.staticMembers[instance], old != memberId,
                group.members[old]?.epoch != ConsumerMember.leftForNow
            {
                throw ApiError(.unreleasedInstanceId, "Instance \(instance) is in use by member \(old).")
            }
            if let known = group.members[memberId] { return known }
            let replaces = request.instanceId.map { group.staticMembers[$0] != nil } ?? false
            guard replaces || group.members.count < settings.consumerMaxSize else {
                throw ApiError(.groupMaxSizeReached, "The consumer group has reached its maximum capacity.")
            }
            return ConsumerMember(id: memberId)
        }
        let member = try known(memberId, request.instanceId, group)
        if request.memberEpoch == member.epoch { return member }
        // The last answer may have been lost; then it has nothing but what it had before.
        let isBehindByOne =
            request.memberEpoch == member.previousEpoch && request.owned?.isSubset(of: member.assigned) ?? false
        guard isBehindByOne else {
            throw ApiError(
                .fencedMemberEpoch,
                "The member is in epoch \(member.epoch), not \(request.memberEpoch); it must join again.")
        }
        return member
    }

    private func known(_ memberId: String, _ instance: String?, _ group: ConsumerGroup) throws(ApiError)
        -> ConsumerMember
    {
        if let instance {
            guard let holder = group.staticMembers[instance] else {
                throw ApiError(.unknownMemberId, "Instance \(instance) is unknown.")
            }
            guard holder == memberId else {
                throw ApiError(.fencedInstanceId, "Instance \(instance) belongs to another member.")
            }
        }
        guard let member = group.members[memberId] else {
            throw ApiError(.unknownMemberId, "Member \(memberId) is not a member of group \(group.id).")
        }
        return member
    }

    // MARK: Leaving

    private mutating func leave(
        _ request: ConsumerGroupHeartbeatRequest, _ surroundings: ConsumerSurroundings, _ turn: inout Turn
    ) throws(ApiError) -> ConsumerGroupHeartbeatResponse {
        let id = request.groupId
        guard let group = groups[id]?.consumer else {
            throw ApiError(.unknownMemberId, "Group \(id) does not have that member.")
        }
        let member = try known(request.memberId, request.instanceId, group)
        if request.memberEpoch == ConsumerMember.leftForNow {
            // Its partitions wait for it as long as its session goes.
            var away = member
            away.epoch = ConsumerMember.leftForNow
            away.revoking = TopicShares()
            keepAssignment(of: away, id, &turn)
        } else {
            removeConsumer(member.id, id, &turn)
            refresh(id, surroundings.image, mustRaise: true, &turn)
        }
        var response = ConsumerGroupHeartbeatResponse()
        response.memberId = member.id
        response.memberEpoch = request.memberEpoch
        return response
    }

    /// A static member is back with another id: it takes over what the old one had.
    private mutating func succeed(_ old: String, by memberId: String, _ id: String, _ turn: inout Turn) {
        guard let group = groups[id]?.consumer, var member = group.members[old] else { return }
        let target = group.target[old]
        removeConsumer(old, id, &turn)
        member.id = memberId
        (member.epoch, member.previousEpoch, member.state) = (0, 0, .stable)
        (member.assigned, member.revoking) = (TopicShares(), TopicShares())
        write(.consumerGroupMemberMetadata(.init(groupId: id, memberId: memberId), member.metadataValue), &turn)
        if let target {
            write(.consumerGroupTargetAssignmentMember(.init(groupId: id, memberId: memberId), target.target), &turn)
        }
        keepAssignment(of: member, id, &turn)
    }

    /// Takes a member out; what it had can be given to others.
    mutating func removeConsumer(_ memberId: String, _ id: String, _ turn: inout Turn) {
        write(.consumerGroupCurrentMemberAssignment(.init(groupId: id, memberId: memberId), nil), &turn)
        write(.consumerGroupTargetAssignmentMember(.init(groupId: id, memberId: memberId), nil), &turn)
        write(.consumerGroupMemberMetadata(.init(groupId: id, memberId: memberId), nil), &turn)
    }

    // MARK: Steps of a member

    private mutating func keepAssignment(of member: ConsumerMember, _ id: String, _ turn: inout Turn) {
        write(
            .consumerGroupCurrentMemberAssignment(.init(groupId: id, memberId: member.id), member.assignmentValue),
            &turn)
    }

    private mutating func reconcile(_ memberId: String, _ id: String, owned: TopicShares?, _ turn: inout Turn) {
        guard let group = groups[id]?.consumer, let member = group.members[memberId] else { return }
        let step = ConsumerReconciliation(
            targetEpoch: group.targetEpoch, target: group.target[memberId] ?? TopicShares(), owned: owned
        ) { topic, partition in
            group.owner(topic, partition).map { $0 != memberId } ?? false
        }
        let next = step.advance(member)
        guard next != member else { return }
        keepAssignment(of: next, id, &turn)
        let mustRevoke = next.state == .unrevokedPartitions
        setDeadline(of: memberId, in: id) { deadlines in
            let isNewTask = member.state != .unrevokedPartitions || next.revoking != member.revoking
            if !mustRevoke {
                deadlines.revocationEndsMs = .max
            } else if isNewTask {
                deadlines.revocationEndsMs = turn.nowMs + member.rebalanceTimeoutMs
            }
        }
    }

    // MARK: Deadlines

    mutating func extendSession(of memberId: String, in id: String, _ turn: inout Turn) {
        let end = turn.nowMs + settings.consumerSessionTimeoutMs
        setDeadline(of: memberId, in: id) { $0.sessionEndsMs = end }
    }

    private mutating func setDeadline(
        of memberId: String, in id: String, _ change: (inout ConsumerDeadlines) -> Void
    ) {
        var deadlines = groups[id]?.consumer?.deadlines[memberId] ?? ConsumerDeadlines()
        change(&deadlines)
        if deadlines.nextMs < deadlines.timerMs {
            deadlines.timerMs = deadlines.nextMs
            timers.add(GroupTimer(deadlineMs: deadlines.nextMs, groupId: id, memberId: memberId))
        }
        groups[id]?.consumer?.deadlines[memberId] = deadlines
    }

    /// A timer of a member is due: it is out when it was not heard of, or did not give up what it had to.
    mutating func consumerTimerEnded(_ timer: GroupTimer, _ turn: inout Turn) {
        guard let memberId = timer.memberId, let deadlines = groups[timer.groupId]?.consumer?.deadlines[memberId],
            deadlines.timerMs == timer.deadlineMs
        else { return }
        guard deadlines.nextMs <= turn.nowMs else {
            return setDeadline(of: memberId, in: timer.groupId) { $0.timerMs = .max }
        }
        removeConsumer(memberId, timer.groupId, &turn)
        raise(timer.groupId, &turn)
    }
}
