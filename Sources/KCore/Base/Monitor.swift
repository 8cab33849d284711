internal import Glibc

/// State that several threads change under a lock, and whose changes they can wait for.
///
/// `@unchecked Sendable`: `state` is only touched while `mutex` is held.
public final class Monitor<State: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    public init(_ state: State) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Reads or changes the state without waking who waits.
    public func withLock<R>(_ body: (inout State) -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Changes the state and wakes everybody who waits.
    @discardableResult
    public func update<R>(_ body: (inout State) -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        defer { pthread_cond_broadcast(condition) }
        return body(&state)
    }

    /// Changes the state and wakes one who waits; for state where any waiter can do the work.
    @discardableResult
    public func updateOne<R>(_ body: (inout State) -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        defer { pthread_cond_signal(condition) }
        return body(&state)
    }

    /// Waits until `body` gives a value.
    public func wait<R>(_ body: (inout State) -> R?) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// Waits until `body` gives a value, but not longer than `timeoutMs`.
    /// - Returns: nil when time ran out.
    public func wait<R>(timeoutMs: Int64, _ body: (inout State) -> R?) -> R? {
        var deadline = timespec(monotonicMsFromNow: timeoutMs)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { return body(&state) }
        }
    }
}

extension timespec {
    /// The moment on CLOCK_MONOTONIC that comes after so many milliseconds.
    init(monotonicMsFromNow ms: Int64) {
        self.init()
        clock_gettime(CLOCK_MONOTONIC, &self)
        let ms = min(max(ms, 0), 1 << 40)
        tv_sec += Int(ms / 1000)
        tv_nsec += Int(ms % 1000) * 1_000_000
        if tv_nsec >= 1_000_000_000 {
            tv_nsec -= 1_000_000_000
            tv_sec += 1
        }
    }
}
