/// The threads that clean, from start to stop.
final class CleanerThreads: Sendable {
    private let stopping = Monitor(false)
    private let threads: [Thread]

    /// - Parameter logs: all logs there are, asked anew each time.
    init(_ cleaner: LogCleaner, logs: @escaping @Sendable () -> [Log]) {
        let options = cleaner.options
        let stopping = stopping
        // Waits unless the broker stops, and says whether it goes on.
        let pause: @Sendable (Int64) -> Bool = { ms in
            if ms <= 0 { return !stopping.withLock { $0 } }
            return stopping.wait(timeoutMs: ms) { $0 ? false : nil } ?? true
        }
        threads = (0..<options.threads).map { number in
            Thread(name: "cleaner-\(number)") {
                let map = OffsetMap(maxBytes: options.mapBytes, loadFactor: options.loadFactor)
                repeat {
                    while cleaner.cleanNext(among: logs(), map: map, pause: pause) != nil {}
                    cleaner.forgetOthers(than: logs())
                } while pause(max(options.backoffMs, 1))
            }
        }
    }

    /// Ends what is being cleaned at the next batch, and waits for the threads.
    func stop() {
        stopping.update { $0 = true }
        for thread in threads { thread.join() }
    }
}
