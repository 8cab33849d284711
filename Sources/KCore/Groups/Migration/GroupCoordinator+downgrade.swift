extension GroupCoordinator {
    /// Whether the group goes on as a classic one when these members are left.
    func mayDowngrade(_ left: [ConsumerMember]) -> Bool {
        settings.migrationPolicy.allowsDowngrade && !left.isEmpty && left.count <= settings.maxSize
            && left.allSatisfy { $0.classic != nil }
    }

    /// Makes a classic group of a consumer group whose last member of the new protocol goes. All others join again, and
    /// one of them assigns.
    mutating func downgrade(_ id: String, to left: [ConsumerMember], _ turn: inout Turn) {
        guard let group = groups[id]?.consumer else { return }
        for member in group.orderedMembers {
            write(.consumerGroupCurrentMemberAssignment(.init(groupId: id, memberId: member.id), nil), &turn)
        }
        for member in group.orderedMembers {
            write(.consumerGroupTargetAssignmentMember(.init(groupId: id, memberId: member.id), nil), &turn)
        }
        write(.consumerGroupTargetAssignmentMetadata(.init(groupId: id), nil), &turn)
        for member in group.orderedMembers {
            write(.consumerGroupMemberMetadata(.init(groupId: id, memberId: member.id), nil), &turn)
        }
        write(.consumerGroupPartitionMetadata(.init(groupId: id), nil), &turn)
        write(.consumerGroupMetadata(.init(groupId: id), nil), &turn)
        let step = ClassicStep(nowMs: turn.nowMs, wallMs: turn.wallMs, settings: settings)
        let classic = ClassicGroup(group, left, step)
        var kept = classic.kept
        // Nobody has assigned in this generation. Who comes to it after a crash has the members join again, too: what the
        // one that goes had is nobody's.
        kept.leader = nil
        write(.groupMetadata(GroupMetadataKey(group: id), kept), &turn)
        groups[id]?.classic = classic
        classicStep(id, &turn) { group, step in
            for member in group.orderedMembers { group.extendSession(of: member.id, &step) }
            if !group.members.isEmpty { group.rebalance(&step) }
        }
    }

    /// A classic static member may take the place of the last member of the new protocol, also when that is alone: then the
    /// group is classic before it joins.
    mutating func makeWay(for request: JoinGroupRequest, _ turn: inout Turn) {
        guard let group = groups[request.groupId]?.consumer, request.memberId.isEmpty,
            let instance = request.groupInstanceId, let old = group.staticMembers[instance],
            group.members[old]?.classic == nil, group.supports(request.protocolType, request.protocols.map(\.name))
        else { return }
        let left = group.orderedMembers.filter { !$0.id.isExactly(old) }
        let isAlone = left.isEmpty && settings.migrationPolicy.allowsDowngrade
        if left.count < settings.maxSize, isAlone || mayDowngrade(left) { downgrade(request.groupId, to: left, &turn) }
    }
}

extension ClassicGroup {
    /// What is left of a consumer group, in the generation that was its epoch, each member with what it has: nobody else may
    /// be given that before it joins again, also if the group changes once more.
    fileprivate init(_ group: ConsumerGroup, _ left: [ConsumerMember], _ step: ClassicStep) {
        self.init(id: group.id)
        generation = group.epoch
        protocolType = MembershipType.consumer
        for member in left {
            let metadata = member.classic ?? .init()
            var classic = ClassicMember(
                id: member.id, instanceId: member.instanceId, client: member.client,
                sessionTimeoutMs: Int64(metadata.sessionTimeoutMs), rebalanceTimeoutMs: member.rebalanceTimeoutMs,
                protocols: metadata.supportedProtocols.map { .init(name: $0.name, metadata: $0.metadata) }, number: 0)
            classic.assignment = group.encoded(member.held, for: metadata)
            classic.formerEpoch = member.epoch
            add(classic)
        }
        protocolName = chooseProtocol()
        computeSubscribedTopics()
        move(to: left.isEmpty ? .empty : .stable, step)
    }
}
