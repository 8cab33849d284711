/// Tells a signal that repeats the first one from a person who does not want to wait for a clean finish any longer.
struct SignalPatience {
    /// How long after the first signal others still mean the same. `timeout` sends two within microseconds, one to the
    /// process and one to its group, as many supervisors do; a person who sees that nothing ends takes longer.
    static let periodNs: Int64 = 1_000_000_000

    private var firstNs: Int64?

    /// Whether the signal that came at `nowNs`, of a clock that never goes back, is to end the process at once. The
    /// first never is.
    mutating func isExhausted(nowNs: Int64) -> Bool {
        guard let firstNs else {
            self.firstNs = nowNs
            return false
        }
        return nowNs - firstNs >= SignalPatience.periodNs
    }
}
