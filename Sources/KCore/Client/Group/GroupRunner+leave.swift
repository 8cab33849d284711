extension GroupRunner {
    /// How long a coordinator may take to store the last commits and to hear of a member that leaves; without that the session
    /// ends by itself.
    static let goodbyeMs: Int64 = 3000
    /// So long it may take to hear of it in any case.
    static let lastWordMs: Int64 = 500

    /// Leaves the group, once nobody waits for a commit any more. The completion runs when the coordinator knows it, or does
    /// not need to.
    func leave(patienceMs: Int64 = GroupRunner.goodbyeMs, _ completion: @escaping () -> Void) {
        guard !isEnded, goodbye == nil else { return completion() }
        goodbye = (runtime.nowMs + patienceMs, completion)
        fetcher.end()
        // A commit on the other connection may be read behind the goodbye, and be refused: the member is gone.
        let waitMs = min(patienceMs, commits.deadlineMs.map { $0 - runtime.nowMs } ?? 0)
        if waitMs <= 0 { return sayGoodbye() }
        runtime.schedule(afterMs: waitMs) { self.sayGoodbye() }
    }

    /// To be called after each change of the commits.
    func leaveWhenStored() {
        if goodbye != nil && commits.deadlineMs == nil { sayGoodbye() }
    }

    private func sayGoodbye() {
        guard let (untilMs, completion) = goodbye else { return }
        goodbye = nil
        member.leave(nowMs: runtime.nowMs)
        let goodbyes = member.effects
        member.effects = []
        stop()
        sendCommits()
        let close = { [self] in
            closeConnections()
            completion()
        }
        let timeoutMs = max(untilMs - runtime.nowMs, GroupRunner.lastWordMs)
        for case .send(let goodbye, _, _) in goodbyes {
            guard let coordinator = member.coordinator else { break }
            switch goodbye {
            case .leave(let request):
                return ask(request, at: coordinator, timeoutMs: timeoutMs, adapt: LeaveGroupRequest.adapt) { _ in
                    close()
                }
            case .consumerHeartbeat(let request):
                return ask(request, at: coordinator, timeoutMs: timeoutMs) { _ in close() }
            case .findCoordinator, .join, .sync, .heartbeat: continue
            }
        }
        close()
    }
}
