extension GroupCoordinator {
    /// Sets a timer, after what waits for it has been written down.
    ///
    /// Members that rejoin or leave before their sessions end leave timers behind that nobody waits for. When as many have come
    /// as there were after the last look, those are let go, so that timers are never more than twice what is waited for, and some.
    mutating func addTimer(_ timer: GroupTimer) {
        timers.add(timer)
        guard timers.isFull else { return }
        let groups = groups
        timers.keep { Self.isWaitedFor($0, groups) }
    }

    private static func isWaitedFor(_ timer: GroupTimer, _ groups: NameMap<Group>) -> Bool {
        guard let group = groups[timer.groupId] else { return false }
        if let consumer = group.consumer {
            return timer.memberId.map { consumer.deadlines[$0]?.timerMs == timer.deadlineMs } ?? false
        }
        return group.classic?.waits(for: timer) ?? false
    }
}

extension ClassicGroup {
    func waits(for timer: GroupTimer) -> Bool {
        guard let memberId = timer.memberId else { return phaseTimerMs == timer.deadlineMs }
        return (pendingMembers[memberId] ?? members[memberId]?.timerMs) == timer.deadlineMs
    }
}
