import Synchronization

@testable import KCore

/// A clock that stands still until it is told to move.
final class ManualClock: Clock {
    private let now: Mutex<Int64>
    init(ms: Int64 = 1_700_000_000_000) { now = Mutex(ms) }

    var wallMs: Int64 { now.withLock { $0 } }
    var monotonicNs: Int64 { now.withLock { $0 } * 1_000_000 }
    func advance(ms: Int64) { now.withLock { $0 += ms } }
}
