/// The threads that clean the logs of one directory, from start to stop. Each directory has its own: a disk that does not
/// answer holds up no cleaning on another one.
final class CleanerThreads: Sendable {
    private let stopping = Monitor(false)
    private let threads: [Thread]

    /// - Parameters:
    ///   - number: tells those of several directories apart.
    ///   - start: starts a thread, if it can.
    ///   - logs: all that there are in the directory, asked anew each time.
    /// - Returns: nil when the system lets the process have no other thread.
    init?(
        _ cleaner: LogCleaner, number: Int, start: Thread.Starter = Thread.ifPossible,
        logs: @escaping @Sendable () -> [Log]
    ) {
        let options = cleaner.options
        let stopping = stopping
        // Waits unless the broker stops, and says whether it goes on.
        let pause: @Sendable (Int64) -> Bool = { ms in
            if ms <= 0 { return !stopping.withLock { $0 } }
            return stopping.wait(timeoutMs: ms) { $0 ? false : nil } ?? true
        }
        threads = (0..<options.threads).compactMap { thread in
            start("cleaner-\(number)-\(thread)") {
                let map = OffsetMap(maxBytes: options.mapBytes, loadFactor: options.loadFactor)
                repeat {
                    if thread == 0 { cleaner.deleteOldSegments(of: logs()) }
                    while cleaner.cleanNext(among: logs(), map: map, pause: pause) != nil {}
                } while pause(max(options.backoffMs, 1))
            }
        }
        if threads.isEmpty { return nil }
    }

    /// Ends what is being cleaned at the next batch, and waits for the threads.
    func stop() {
        stopping.update { $0 = true }
        for thread in threads { thread.join() }
    }
}
