internal import Synchronization

/// Contexts of a codec's library that wait to be used again, because making one costs more than a small batch does.
final class ContextPool: Sendable {
    /// Used by one thread at a time: whoever took it from the pool.
    struct Context: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    // More are made when more threads compress at once, and freed afterwards.
    private static let maxIdle = 8

    private let idle = Mutex<[Context]>([])

    func take() -> Context? { idle.withLock { $0.popLast() } }

    /// Puts a context back, ready to be used.
    /// - Returns: false when there are enough; the caller then frees it.
    func give(_ context: Context) -> Bool {
        idle.withLock {
            guard $0.count < ContextPool.maxIdle else { return false }
            $0.append(context)
            return true
        }
    }
}
