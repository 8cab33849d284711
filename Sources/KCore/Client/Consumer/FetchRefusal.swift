/// What a broker has answered instead of records since the last time that it gave some, and what is to be done about it.
struct FetchRefusal: Sendable {
    enum Step: Equatable {
        /// Ask again.
        case wait
        /// Ask again, and say what is waited for.
        case tell
        case giveUp
    }

    /// After this long somebody is told.
    static let patienceMs: Int64 = 3000
    /// Who reads up to an end wants to get there: after this long it is clear that it will not be soon.
    static let boundedPatienceMs: Int64 = 30_000
    /// Answers that records are damaged until that is believed: another replica may lead meanwhile.
    static let damageLimit = 5

    private(set) var code: ErrorCode
    private var sinceMs: Int64
    private var count = 0
    private var isTold = false

    init(code: ErrorCode, sinceMs: Int64) {
        self.code = code
        self.sinceMs = sinceMs
    }

    /// Takes the next answer.
    /// - Parameter boundedPatienceMs: ``boundedPatienceMs`` or less where reading has an end, else without bound.
    mutating func next(_ code: ErrorCode, nowMs: Int64, boundedPatienceMs: Int64) -> Step {
        if code != self.code { self = FetchRefusal(code: code, sinceMs: sinceMs) }
        count += 1
        if code == .corruptMessage && count >= FetchRefusal.damageLimit { return .giveUp }
        let waitedMs = nowMs - sinceMs
        if waitedMs >= boundedPatienceMs { return .giveUp }
        guard waitedMs >= FetchRefusal.patienceMs, !isTold else { return .wait }
        isTold = true
        return .tell
    }
}
