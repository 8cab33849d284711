internal import Synchronization

/// Does something for many values, by several threads at once.
enum Parallel {
    /// Calls `body` for each value and returns when all calls have. Where the system lets the process have no other thread,
    /// the calling one does it all.
    /// - Parameters:
    ///   - threads: at most, the calling one included.
    ///   - start: starts one, if it can.
    static func forEach<T: Sendable>(
        _ values: [T], threads: Int, start: Thread.Starter = Thread.ifPossible, _ body: @escaping @Sendable (T) -> Void
    ) {
        let next = Counter()
        let work: @Sendable () -> Void = {
            while true {
                let index = next.take()
                guard index < values.count else { return }
                body(values[index])
            }
        }
        let helpers = (1..<max(1, min(threads, values.count))).compactMap { start("parallel-\($0)", work) }
        work()
        for helper in helpers { helper.join() }
    }

    /// What `transform` makes of each value, in their order.
    static func map<T: Sendable, R: Sendable>(
        _ values: [T], threads: Int, _ transform: @escaping @Sendable (T) -> R
    ) -> [R] {
        let results = Mutex<[R?]>(Array(repeating: nil, count: values.count))
        forEach(Array(values.enumerated()), threads: threads) { index, value in
            let result = transform(value)
            results.withLock { $0[index] = result }
        }
        return results.withLock { $0.compactMap { $0 } }
    }

    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)
        func take() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
    }
}
