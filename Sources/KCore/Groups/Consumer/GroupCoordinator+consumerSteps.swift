extension GroupCoordinator {
    // MARK: Steps of a member

    /// Keeps who a member is and what it wants, if that is new.
    mutating func keepWishes(of member: ConsumerMember, before: ConsumerMember?, _ id: String, _ turn: inout Turn) {
        guard before?.metadataValue != member.metadataValue else { return }
        write(.consumerGroupMemberMetadata(.init(groupId: id, memberId: member.id), member.metadataValue), &turn)
    }

    mutating func keepAssignment(of member: ConsumerMember, _ id: String, _ turn: inout Turn) {
        write(
            .consumerGroupCurrentMemberAssignment(.init(groupId: id, memberId: member.id), member.assignmentValue),
            &turn)
    }

    /// Brings a member as near to its target as it can come now.
    mutating func reconcile(_ memberId: String, _ id: String, owned: TopicShares?, _ turn: inout Turn) {
        guard let (member, next) = groups[id]?.consumer?.step(of: memberId, owned: owned), next != member else {
            return
        }
        keepAssignment(of: next, id, &turn)
        // Those of classic members end otherwise: with their joining again.
        let mustRevoke = next.state == .unrevokedPartitions && next.classic == nil
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

    /// The member was heard of.
    mutating func extendSession(of memberId: String, in id: String, _ turn: inout Turn) {
        let classic = groups[id]?.consumer?.members[memberId]?.classic
        let end = turn.nowMs + (classic.map { Int64($0.sessionTimeoutMs) } ?? consumerTimes(of: id).sessionTimeoutMs)
        setDeadline(of: memberId, in: id) { $0.sessionEndsMs = end }
    }

    mutating func setDeadline(
        of memberId: String, in id: String, _ change: (inout ConsumerDeadlines) -> Void
    ) {
        var deadlines = groups[id]?.consumer?.deadlines[memberId] ?? ConsumerDeadlines()
        change(&deadlines)
        let isSooner = deadlines.nextMs < deadlines.timerMs
        if isSooner { deadlines.timerMs = deadlines.nextMs }
        groups[id]?.consumer?.deadlines[memberId] = deadlines
        if isSooner { addTimer(GroupTimer(deadlineMs: deadlines.nextMs, groupId: id, memberId: memberId)) }
    }

    /// After a crash everybody has the whole time again.
    mutating func beginDeadlines(in id: String, _ turn: inout Turn) {
        for member in groups[id]?.consumer?.orderedMembers ?? [] {
            extendSession(of: member.id, in: id, &turn)
            // Who has left for now has nothing to give up, whatever it was asked for.
            guard member.state == .unrevokedPartitions, member.epoch != ConsumerMember.leftForNow, member.classic == nil
            else { continue }
            let end = turn.nowMs + member.rebalanceTimeoutMs
            setDeadline(of: member.id, in: id) { $0.revocationEndsMs = end }
        }
    }

    /// A timer of a member is due: it is out when it was not heard of, or did not give up what it had to.
    mutating func consumerTimerEnded(_ timer: GroupTimer, _ turn: inout Turn) {
        guard let memberId = timer.memberId, let deadlines = groups[timer.groupId]?.consumer?.deadlines[memberId],
            deadlines.timerMs == timer.deadlineMs
        else { return }
        guard deadlines.nextMs <= turn.nowMs else {
            return setDeadline(of: memberId, in: timer.groupId) { $0.timerMs = .max }
        }
        takeOut([ExactName(memberId)], of: timer.groupId, nil, &turn)
    }
}
