internal import Synchronization

/// The threads that clean the logs of one directory, from start to stop. Each directory has its own: a disk that does not
/// answer holds up no cleaning on another one.
final class CleanerThreads: Sendable {
    private struct Signal {
        var isStopping = false
        /// How often the settings have changed.
        var changes = 0
    }

    private let cleaner: LogCleaner
    private let number: Int
    private let logs: @Sendable () -> [Log]
    private let signal = Monitor(Signal())
    private let threads = Mutex<[Thread]>([])

    /// - Parameters:
    ///   - number: tells those of several directories apart.
    ///   - start: starts a thread, if it can.
    ///   - logs: all that there are in the directory, asked anew each time.
    /// - Returns: nil when the system lets the process have no other thread.
    init?(
        _ cleaner: LogCleaner, number: Int, start: Thread.Starter = Thread.ifPossible,
        logs: @escaping @Sendable () -> [Log]
    ) {
        self.cleaner = cleaner
        self.number = number
        self.logs = logs
        begin(start)
        if threads.withLock({ $0.isEmpty }) { return nil }
    }

    /// Starts those that the settings want and that are not there.
    private func begin(_ start: Thread.Starter) {
        threads.withLock { threads in
            while threads.count < cleaner.options.threads, !signal.withLock({ $0.isStopping }) {
                let place = threads.count
                let body = { @Sendable [cleaner, logs, signal] in Self.run(place, cleaner, logs, signal) }
                guard let thread = start("cleaner-\(number)-\(place)", body) else { return }
                threads.append(thread)
            }
        }
    }

    /// Has the cleaner's new settings in force: who pauses goes on with them, and a map of another size is made for the next
    /// cleaning. Threads that are too many have nothing to do.
    func settingsHaveChanged() {
        begin(Thread.ifPossible)
        signal.update { $0.changes += 1 }
    }

    /// - Parameter place: among the directory's threads, from 0 on.
    private static func run(
        _ place: Int, _ cleaner: LogCleaner, _ logs: () -> [Log], _ signal: Monitor<Signal>
    ) {
        // Waits unless the broker stops or the settings change, and says whether it goes on.
        let pause: (Int64) -> Bool = { ms in
            let before = signal.withLock { $0 }
            if ms > 0 && !before.isStopping {
                _ = signal.wait(timeoutMs: ms) { $0.isStopping || $0.changes != before.changes ? true : nil }
            }
            return !signal.withLock { $0.isStopping }
        }
        var map: OffsetMap?
        var made = CleanerOptions()
        while true {
            let seen = signal.withLock { $0 }
            let options = cleaner.options
            if seen.isStopping { return }
            if place < options.threads {
                if made.mapBytes != options.mapBytes || made.loadFactor != options.loadFactor { map = nil }
                made = options
                let current = map ?? OffsetMap(maxBytes: options.mapBytes, loadFactor: options.loadFactor)
                map = current
                if place == 0 { cleaner.deleteOldSegments(of: logs()) }
                while signal.withLock({ $0.changes }) == seen.changes
                    && cleaner.cleanNext(among: logs(), map: current, pause: pause) != nil
                {}
            } else {
                map = nil
            }
            // What changed while it was busy is looked at without a pause.
            _ = signal.wait(timeoutMs: max(options.backoffMs, 1)) {
                $0.isStopping || $0.changes != seen.changes ? true : nil
            }
        }
    }

    /// Ends what is being cleaned at the next batch, and waits for the threads.
    func stop() {
        signal.update { $0.isStopping = true }
        for thread in threads.withLock({ $0 }) { thread.join() }
    }
}
