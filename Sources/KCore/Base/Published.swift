internal import Synchronization

/// A value that is replaced as a whole now and then, and looked at by many threads all the time.
///
/// A thread that looks often has a ``Reader``, which takes no lock as long as nothing is replaced.
final class Published<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    // Raised while the lock is held, with every replacement. A reader whose number is equal has the newest value.
    private let version = Atomic<Int>(0)

    init(_ value: Value) { state = Mutex(value) }

    /// The present value. Takes a lock for as long as it takes to copy it.
    var value: Value { state.withLock { $0 } }

    /// Replaces the value. Whoever looks after this returns sees the new one.
    func publish(_ value: Value) {
        state.withLock { state in
            state = value
            version.add(1, ordering: .releasing)
        }
    }

    /// One thread's view. What it returns never goes back to an older value.
    struct Reader {
        private let source: Published
        private var version: Int
        private var cached: Value

        init(_ source: Published) {
            self.source = source
            (version, cached) = source.versioned
        }

        /// The present value: a number is compared, and a lock is taken only after a change.
        mutating func value() -> Value {
            if source.version.load(ordering: .acquiring) != version { (version, cached) = source.versioned }
            return cached
        }
    }

    private var versioned: (Int, Value) { state.withLock { (version.load(ordering: .relaxed), $0) } }
}
