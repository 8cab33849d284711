/// What a request of a member brings beside itself.
struct MemberSurroundings: Sendable {
    var image: ClusterImage
    var client = GroupClient()
    /// Of the request.
    var version: Int16 = 1
}

extension GroupCoordinator {
    /// A consumer's heartbeat in the new protocol (KIP-848): it joins, stays, leaves, and hears what it may read.
    mutating func heartbeat(
        _ request: ConsumerGroupHeartbeatRequest, _ surroundings: MemberSurroundings, _ turn: inout Turn,
        _ reply: CoordinatorReply<ConsumerGroupHeartbeatResponse>
    ) {
        do throws(ApiError) {
            try request.check(version: surroundings.version, settings)
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
        _ request: ConsumerGroupHeartbeatRequest, _ surroundings: MemberSurroundings, _ turn: inout Turn
    ) throws(ApiError) -> ConsumerGroupHeartbeatResponse {
        let id = request.groupId
        let isJoining = request.memberEpoch == 0
        var memberId = request.memberId
        if memberId.isEmpty { memberId = Uuid.random(using: &random).description }
        var (member, replaced) = try accept(request, memberId, isJoining: isJoining, surroundings, &turn)
        if let replaced {
            succeed(replaced, by: memberId, id, &turn)
            member = groups[id]?.consumer?.members[memberId] ?? member
        }
        let isNew = groups[id]?.consumer?.members[memberId] == nil
        let before = isNew ? nil : member
        member.takeWishes(of: request, from: surroundings.client)
        keepWishes(of: member, before: before, id, &turn)
        if isJoining && !isNew && member.epoch != 0 {
            // It begins anew and has nothing any more.
            var reset = member
            reset.take(ConsumerMember(id: memberId).assignmentValue)
            keepAssignment(of: reset, id, &turn)
        }
        refresh(id, surroundings.image, mustRaise: member.wantsOtherThan(before), &turn)
        let assignedBefore = groups[id]?.consumer?.members[memberId]?.assigned
        reconcile(memberId, id, owned: request.owned, &turn)
        extendSession(of: memberId, in: id, &turn)
        if before?.classic != nil {
            setDeadline(of: memberId, in: id) { ($0.joinEndsMs, $0.syncEndsMs) = (.max, .max) }
        }
        var response = ConsumerGroupHeartbeatResponse()
        guard let now = groups[id]?.consumer?.members[memberId] else { return response }
        response.memberId = memberId
        response.memberEpoch = now.epoch
        response.heartbeatIntervalMs = Int32(clamping: consumerTimes(of: id).heartbeatIntervalMs)
        if isJoining || request.saysAll || now.assigned != assignedBefore || now.epoch != request.memberEpoch {
            response.assignment = now.assigned.answer
        }
        return response
    }

    /// Checks a heartbeat, and sees to it that its group is there. No copy of the group outlives this: with one, whatever changes
    /// in the group afterwards would copy all members.
    /// - Returns: the member as it was, and the id of the static member whose place it takes.
    private mutating func accept(
        _ request: ConsumerGroupHeartbeatRequest, _ memberId: String, isJoining: Bool,
        _ surroundings: MemberSurroundings, _ turn: inout Turn
    ) throws(ApiError) -> (member: ConsumerMember, replaced: String?) {
        let origin = try origin(of: request.groupId, isJoining: isJoining, surroundings.image)
        let member = try find(request, memberId, origin.group, isJoining: isJoining)
        try request.checkPattern(of: member, in: origin.group)
        makeConsumerGroup(request.groupId, origin, &turn)
        let holder = isJoining ? request.instanceId.flatMap { origin.group.staticMembers[$0] } : nil
        return (member, holder.flatMap { $0.isExactly(memberId) ? nil : $0 })
    }

    /// The member that a request speaks of.
    private func find(
        _ request: ConsumerGroupHeartbeatRequest, _ memberId: String, _ group: ConsumerGroup, isJoining: Bool
    ) throws(ApiError) -> ConsumerMember {
        // A static member that is back takes the place of the old one. Everybody else who is new needs room.
        let replaces = isJoining && request.instanceId.map { group.staticMembers[$0] != nil } ?? false
        guard group.members[memberId] != nil || replaces || group.members.count < settings.consumerMaxSize else {
            throw ApiError(.groupMaxSizeReached, "The consumer group has reached its maximum capacity.")
        }
        if isJoining {
            if let instance = request.instanceId, let old = group.staticMembers[instance], !old.isExactly(memberId),
                let holder = group.members[old], holder.epoch != ConsumerMember.leftForNow, holder.classic == nil
            {
                throw ApiError(.unreleasedInstanceId, "Instance \(instance) is in use by member \(old).")
            }
            return group.members[memberId] ?? ConsumerMember(id: memberId)
        }
        let member = try group.known(memberId, request.instanceId)
        if request.memberEpoch == member.epoch { return member }
        // The last answer may have been lost; then it has nothing but what it had before. Who has left for now is behind
        // every epoch, also the one that it left in: what it sent before is late.
        let isBehindByOne =
            request.memberEpoch < member.epoch && request.memberEpoch == member.previousEpoch
            && request.owned?.isSubset(of: member.assigned) ?? false
        guard isBehindByOne else {
            throw ApiError(
                .fencedMemberEpoch,
                "The member is in epoch \(member.epoch), not \(request.memberEpoch); it must join again.")
        }
        return member
    }
}
