/// What a group's coordinator has answered instead of letting a member begin to read, again and again, and what is to be
/// done about it. Without a clock.
struct GroupObstacle: Sendable {
    enum Step: Equatable {
        /// Nothing is in the way, or not for long, or it was told.
        case wait
        case tell(ClientError)
        case giveUp(ClientError)
    }

    private var error: ClientError?
    private var sinceMs: Int64 = 0
    private var isTold = false
    private var isDoubtful = false

    /// It was met, or is still there.
    mutating func met(_ error: ClientError, nowMs: Int64) {
        if self.error == nil { (sinceMs, isTold) = (nowMs, false) }
        self.error = error
        isDoubtful = false
    }

    /// Whether it is still there the next answer says, which may take long for another reason.
    mutating func mayBeGone() { isDoubtful = true }

    mutating func isGone() { error = nil }

    /// - Parameter boundedPatienceMs: after which it is given up; `Int64.max` for never.
    mutating func step(nowMs: Int64, boundedPatienceMs: Int64) -> Step {
        guard let error, !isDoubtful else { return .wait }
        let waitedMs = nowMs - sinceMs
        if waitedMs >= boundedPatienceMs { return .giveUp(error) }
        guard waitedMs >= FetchRefusal.patienceMs, !isTold else { return .wait }
        isTold = true
        return .tell(error)
    }
}
