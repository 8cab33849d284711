extension GroupRunner {
    /// Tells the reader what it waits for, when that takes long; who reads to the end is not kept waiting for ever. A member
    /// that has something to read reads it, whatever its coordinator says meanwhile.
    func tellObstacles() {
        guard !isEnded else { return }
        let patience = min(FetchRefusal.boundedPatienceMs, Int64(runtime.config.defaultApiTimeoutMs))
        let bounded = stopsAtEnd ? patience : .max
        var steps = [offsetsObstacle.step(nowMs: runtime.nowMs, boundedPatienceMs: bounded)]
        if member.owned.isEmpty {
            steps.append(member.obstacle.step(nowMs: runtime.nowMs, boundedPatienceMs: bounded))
        }
        for step in steps {
            switch step {
            case .wait: break
            case .tell(let error): queue.update { $0.events.append(.blocked(error)) }
            case .giveUp(let error): queue.update { if $0.error == nil { $0.error = error } }
            }
        }
    }
}
