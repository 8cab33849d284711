/// When a call that is tried again and again is given up: at the end of the time that all of it has, and sooner where nobody
/// can be reached.
struct RetryPatience {
    /// A person who named a wrong server wants to know soon; a broker that is just starting is there within this time.
    static let connectMs: Int64 = 3000

    let startMs: Int64
    /// For all tries together.
    let limitMs: Int64
    /// When the first try ended of those that, up to the last one, found nobody. It may have begun long before with a broker that
    /// was there and went when it was to answer.
    private var unreachableSinceMs: Int64?

    init(startMs: Int64, limitMs: Int64) {
        self.startMs = startMs
        self.limitMs = limitMs
    }

    /// What to do after a try that failed.
    /// - Parameters:
    ///   - delayMs: how long to wait where there is time enough.
    /// - Returns: milliseconds to wait before the next try; nil to give up.
    mutating func pauseMs(after error: ClientError, delayMs: Int64, nowMs: Int64) -> Int64? {
        unreachableSinceMs = error.kind == .connection ? unreachableSinceMs ?? nowMs : nil
        guard error.isRetriable, nowMs - startMs + delayMs < limitMs else { return nil }
        guard let unreachableSinceMs else { return delayMs }
        // A broker that comes back at the last moment is there in time.
        let leftMs = unreachableSinceMs + RetryPatience.connectMs - nowMs
        return leftMs > 0 ? min(delayMs, leftMs) : nil
    }
}
