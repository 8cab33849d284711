internal import Synchronization

/// When patterns are compared with topics: of all partitions that share this, one step every ``pauseMs``. So requests have
/// nine tenths of the loop at least, whatever patterns, topics and partitions there are.
///
/// May be called from any thread. Takes the time from the step that asks, and reads no clock.
final class PatternSlots: Sendable {
    /// Between two steps; a step takes less than a millisecond, see ``ResolvedPattern/looksPerStep``.
    static let pauseMs: Int64 = 10

    private let nextMs = Mutex<Int64>(.min)

    /// - Returns: when the caller's next step is due, in the milliseconds of `nowMs`. Those who ask in turn get one step
    ///   each, however long theirs are.
    func take(nowMs: Int64) -> Int64 {
        nextMs.withLock { nextMs in
            let slot = max(nextMs, nowMs + Self.pauseMs)
            nextMs = slot + Self.pauseMs
            return slot
        }
    }
}
