internal import Synchronization

/// The part of a parked fetch that partitions see: how many bytes it still waits for, and how to wake it.
///
/// Any thread may report progress; the fetch is woken once, when enough has arrived or something happened that it must
/// look at (a lost leadership, a deleted topic).
public final class WaitingFetch: Sendable {
    private let missingBytes: Atomic<Int>
    private let isWoken = Atomic(false)
    private let wake: @Sendable () -> Void

    /// - Parameter missingBytes: bytes that must arrive before it is worth an answer.
    /// - Parameter wake: called at most once, on the thread that reports; it must only post to the fetch's own loop.
    public init(missingBytes: Int, wake: @escaping @Sendable () -> Void) {
        self.missingBytes = Atomic(missingBytes)
        self.wake = wake
    }

    /// `byteCount` more bytes can be read from one of the partitions waited on.
    func arrived(byteCount: Int) {
        let left = missingBytes.subtract(byteCount, ordering: .acquiringAndReleasing).newValue
        if left <= 0 { wakeNow() }
    }

    /// Something else than new records needs the fetch's attention.
    func wakeNow() {
        if isWoken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged {
            wake()
        }
    }
}
