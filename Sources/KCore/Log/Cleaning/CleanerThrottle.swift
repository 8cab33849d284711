internal import Synchronization

/// Holds all cleaners together to a rate of bytes, by telling them how long to pause.
final class CleanerThrottle: Sendable {
    private struct State {
        var maxBytesPerSecond: Double
        var startMs: Int64
        var bytes: Int64 = 0
    }

    private static let windowMs: Int64 = 300
    private let clock: any Clock
    private let state: Mutex<State>

    init(maxBytesPerSecond: Double, clock: any Clock) {
        self.clock = clock
        state = Mutex(State(maxBytesPerSecond: maxBytesPerSecond, startMs: clock.monotonicMs))
    }

    /// Holds to another rate from now on: what was to be paused for the one before is forgotten.
    func change(maxBytesPerSecond: Double) {
        let nowMs = clock.monotonicMs
        state.withLock { state in
            if state.maxBytesPerSecond == maxBytesPerSecond { return }
            state = State(maxBytesPerSecond: maxBytesPerSecond, startMs: nowMs)
        }
    }

    /// Takes note of bytes read or written.
    /// - Returns: milliseconds to pause before there are more, mostly 0.
    func note(_ bytes: Int) -> Int64 {
        let nowMs = clock.monotonicMs
        return state.withLock { state in
            let maxBytesPerSecond = state.maxBytesPerSecond
            guard maxBytesPerSecond < .greatestFiniteMagnitude, maxBytesPerSecond > 0 else { return 0 }
            state.bytes += Int64(bytes)
            let elapsedMs = nowMs - state.startMs
            let neededMs = Int64(min(Double(state.bytes) * 1000 / maxBytesPerSecond, 1e12))
            if neededMs > elapsedMs + CleanerThrottle.windowMs / 10 {
                // The pause belongs to this window: what follows begins a new one behind it.
                state.startMs += neededMs
                state.bytes = 0
                return neededMs - elapsedMs
            }
            if elapsedMs >= CleanerThrottle.windowMs {
                // What was not used is gone, or a quiet hour would be followed by a burst.
                state.startMs = nowMs
                state.bytes = 0
            }
            return 0
        }
    }
}
