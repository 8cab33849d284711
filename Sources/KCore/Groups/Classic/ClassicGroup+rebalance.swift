extension ClassicGroup {
    /// Begins a rebalance, or goes on with the one that there is.
    mutating func rebalance(_ step: inout ClassicStep) {
        if state == .preparingRebalance { return completeJoinIfAllAreThere(&step) }
        if state == .completingRebalance { takeBackAssignments(.rebalanceInProgress, &step) }
        let isFirst = state == .empty
        move(to: .preparingRebalance, step)
        guard isFirst else { return completeJoinOrWait(&step) }
        // More are probably on their way; one rebalance will do for all.
        let delay = step.settings.initialRebalanceDelayMs
        hasNewMember = false
        setPhase(.initialDelay(remainingMs: max(rebalanceTimeoutMs - delay, 0)), afterMs: delay, &step)
    }

    private mutating func setPhase(_ phase: Phase, afterMs: Int64, _ step: inout ClassicStep) {
        self.phase = phase
        phaseEndsMs = step.nowMs + max(afterMs, 0)
        setPhaseTimer(&step)
    }

    // A timer that comes too early finds out, and is set again.
    private mutating func setPhaseTimer(_ step: inout ClassicStep) {
        guard phaseEndsMs < phaseTimerMs else { return }
        phaseTimerMs = phaseEndsMs
        step.setTimer(id, atMs: phaseTimerMs)
    }

    /// A timer of the group as a whole is due.
    mutating func phaseTimerEnded(deadlineMs: Int64, _ step: inout ClassicStep) {
        guard deadlineMs == phaseTimerMs else { return }
        phaseTimerMs = .max
        if phaseEndsMs <= step.nowMs { phaseEnded(&step) } else { setPhaseTimer(&step) }
    }

    private mutating func endPhase() {
        phase = nil
        phaseEndsMs = .max
    }

    private mutating func completeJoinOrWait(_ step: inout ClassicStep) {
        if hasAllJoined { return completeJoin(&step) }
        setPhase(.join, afterMs: rebalanceTimeoutMs, &step)
    }

    /// The first rebalance of a group ends with its delay only.
    mutating func completeJoinIfAllAreThere(_ step: inout ClassicStep) {
        if state == .preparingRebalance && previousState != .empty && hasAllJoined { completeJoin(&step) }
    }

    /// The time of what the group waits for is up.
    private mutating func phaseEnded(_ step: inout ClassicStep) {
        switch phase {
        case .initialDelay(let remainingMs):
            guard hasNewMember, remainingMs > 0 else { return completeJoin(&step) }
            hasNewMember = false
            let delay = min(step.settings.initialRebalanceDelayMs, remainingMs)
            setPhase(.initialDelay(remainingMs: max(remainingMs - delay, 0)), afterMs: delay, &step)
        case .join:
            completeJoin(&step)
        case .sync:
            expireSync(&step)
        case nil:
            break
        }
    }

    /// All who will come are there: those who did not are out, the others are a new generation.
    private mutating func completeJoin(_ step: inout ClassicStep) {
        endPhase()
        for member in orderedMembers where member.join == nil && member.instanceId == nil { remove(member.id) }
        guard electLeader() || members.isEmpty else {
            // Static members only, of whom none is back yet. Their sessions decide how long they may take.
            return setPhase(.join, afterMs: rebalanceTimeoutMs, &step)
        }
        generation = Group.epoch(after: generation)
        pendingSync = []
        guard !members.isEmpty else {
            protocolName = nil
            leader = nil
            subscribedTopics = []
            move(to: .empty, step)
            step.mustKeep = true
            return
        }
        protocolName = chooseProtocol()
        computeSubscribedTopics()
        move(to: .completingRebalance, step)
        for member in orderedMembers {
            if let reply = member.join { step.send(answer(to: member), to: reply) }
            setJoin(nil, of: member.id)
            members[member.id]?.isNew = false
            members[member.id]?.formerEpoch = nil
            extendSession(of: member.id, &step)
            pendingSync.insert(member.id)
        }
        setPhase(.sync, afterMs: rebalanceTimeoutMs, &step)
    }

    /// Sees to it that a member leads which has joined.
    private mutating func electLeader() -> Bool {
        if let leader, members[leader]?.join != nil { return true }
        guard let next = orderedMembers.first(where: { $0.join != nil }) else { return false }
        leader = next.id
        return true
    }

    /// Members that joined and do not fetch what they got hold up nobody any longer.
    private mutating func expireSync(_ step: inout ClassicStep) {
        endPhase()
        guard state == .completingRebalance || state == .stable, !pendingSync.isEmpty else { return }
        for id in pendingSync.sorted() {
            if let member = remove(id) { dismiss(member, .unknownMemberId, &step) }
            replaceLeader(id)
        }
        rebalance(&step)
    }

    /// Whoever waits for an assignment is told that there will be another one.
    mutating func takeBackAssignments(_ code: ErrorCode, _ step: inout ClassicStep) {
        for member in orderedMembers {
            members[member.id]?.assignment = Bytes()
            answerSync(member, code, &step)
        }
    }
}
