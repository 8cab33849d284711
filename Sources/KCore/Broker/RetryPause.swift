/// When something that failed for want of room is tried again: a second later, and each time that this does not help twice
/// as long, up to a minute. A full disk stays full for a while, and a try can be a look at thousands of logs.
struct RetryPause: Sendable {
    static let firstMs: Int64 = 1000
    static let longestMs: Int64 = 60_000

    private var pauseMs: Int64 = 0
    private var atMs = Int64.min

    /// Whether the next try is due.
    /// - Parameter nowMs: of a clock that does not go back.
    func isDue(nowMs: Int64) -> Bool { nowMs >= atMs }

    mutating func failed(nowMs: Int64) {
        pauseMs = pauseMs == 0 ? RetryPause.firstMs : min(pauseMs * 2, RetryPause.longestMs)
        atMs = nowMs + pauseMs
    }

    mutating func succeeded() { self = RetryPause() }
}
