extension GroupCoordinator {
    mutating func leave(
        _ request: ConsumerGroupHeartbeatRequest, _ surroundings: MemberSurroundings, _ turn: inout Turn
    ) throws(ApiError) -> ConsumerGroupHeartbeatResponse {
        let id = request.groupId
        guard let member = try groups[id]?.consumer?.known(request.memberId, request.instanceId) else {
            throw ApiError(.groupIdNotFound, "Group \(id) is not a consumer group.")
        }
        if request.memberEpoch == ConsumerMember.leftForNow {
            // Its partitions wait for it as long as its session goes.
            var away = member
            away.epoch = ConsumerMember.leftForNow
            away.revoking = TopicShares()
            keepAssignment(of: away, id, &turn)
            setDeadline(of: member.id, in: id) { $0.revocationEndsMs = .max }
        } else {
            takeOut([ExactName(member.id)], of: id, surroundings.image, &turn)
        }
        var response = ConsumerGroupHeartbeatResponse()
        response.memberId = member.id
        response.memberEpoch = request.memberEpoch
        return response
    }

    /// A static member is back with another id: it takes over what the old one had.
    mutating func succeed(_ old: String, by memberId: String, _ id: String, _ turn: inout Turn) {
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

    /// Takes members out; what they had can be given to others. A group of which only classic members are left becomes
    /// classic, if it may.
    /// - Parameter image: nil when nobody is at hand who knows it; the topics are looked at with the next heartbeat then.
    mutating func takeOut(_ memberIds: Set<ExactName>, of id: String, _ image: ClusterImage?, _ turn: inout Turn) {
        guard let left = groups[id]?.consumer?.orderedMembers.filter({ !memberIds.contains(ExactName($0.id)) }) else {
            return
        }
        if mayDowngrade(left) { return downgrade(id, to: left, &turn) }
        for memberId in memberIds.sorted() { removeConsumer(memberId.text, id, &turn) }
        if let image { keepTopics(id, image, &turn) } else { groups[id]?.consumer?.knownImageOffset = .min }
        raise(id, &turn)
    }

    private mutating func removeConsumer(_ memberId: String, _ id: String, _ turn: inout Turn) {
        write(.consumerGroupCurrentMemberAssignment(.init(groupId: id, memberId: memberId), nil), &turn)
        write(.consumerGroupTargetAssignmentMember(.init(groupId: id, memberId: memberId), nil), &turn)
        write(.consumerGroupMemberMetadata(.init(groupId: id, memberId: memberId), nil), &turn)
    }
}
