internal import Glibc

/// Time, handed in, so that a whole cluster can run in a test at a speed and in an order that the test decides.
public protocol Clock: Sendable {
    /// Milliseconds since 1970, as records and metadata carry them. May jump.
    var wallMs: Int64 { get }
    /// Nanoseconds from an arbitrary start. Never goes back; for deadlines and durations.
    var monotonicNs: Int64 { get }
}

extension Clock {
    /// Milliseconds from an arbitrary start. Never goes back.
    public var monotonicMs: Int64 { monotonicNs / 1_000_000 }
}

/// The machine's clock.
public struct SystemClock: Clock {
    public init() {}

    public var wallMs: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    public var monotonicNs: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
