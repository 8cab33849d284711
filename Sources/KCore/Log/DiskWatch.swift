internal import Synchronization

/// How long what a log directory's disk was asked for has been on its way.
///
/// Only time counts in which somebody looks: what a process that was stopped, or a machine that was asleep, finds afterwards
/// says nothing of the disk.
final class DiskWatch: Sendable {
    private struct State: Sendable {
        var agesMs: [Int: Int64] = [:]
        /// Those of the questions that a slow disk, too, takes long for.
        var long: Set<Int> = []
        var next = 0
        var lastLookMs: Int64?
        var givenUp = 0
    }

    private let state = Mutex(State())
    /// What can have passed from one look to the next when all is well.
    private static let mostBetweenLooksMs: Int64 = 2000

    /// Does something that takes one answer of the disk, or a few. It must not wait for anything else.
    /// - Parameter mayTakeLong: as an fsync of much that was written does on a busy disk.
    func during<R, E: Error>(mayTakeLong: Bool = false, _ body: () throws(E) -> R) throws(E) -> R {
        let number = state.withLock { state in
            state.next += 1
            state.agesMs[state.next] = 0
            if mayTakeLong { state.long.insert(state.next) }
            return state.next
        }
        defer {
            state.withLock { state in
                state.agesMs[number] = nil
                state.long.remove(number)
            }
        }
        return try body()
    }

    /// Called every now and then, about once a second.
    /// - Parameter nowMs: on the clock's `monotonicMs`.
    /// - Returns: for how long the oldest question has not been answered; 0 when there is none.
    func look(nowMs: Int64) -> Int64 {
        state.withLock { state in
            let passedMs = min(max(0, nowMs - (state.lastLookMs ?? nowMs)), DiskWatch.mostBetweenLooksMs)
            state.lastLookMs = nowMs
            for number in state.agesMs.keys { state.agesMs[number]? += passedMs }
            return state.agesMs.values.max() ?? 0
        }
    }

    /// For how long the oldest question that takes no time on a disk that does anything had not been answered when somebody
    /// looked.
    var oldestMs: Int64 {
        state.withLock { state in
            state.agesMs.reduce(0) { state.long.contains($1.key) ? $0 : max($0, $1.value) }
        }
    }

    /// Whether nothing is asked.
    var isIdle: Bool { state.withLock { $0.agesMs.isEmpty } }

    /// Whether somebody has stopped waiting for what is not done yet.
    var isGivenUp: Bool { state.withLock { $0.givenUp > 0 } }
    func giveUp() { state.withLock { $0.givenUp += 1 } }
    func comeBack() { state.withLock { $0.givenUp -= 1 } }
}
