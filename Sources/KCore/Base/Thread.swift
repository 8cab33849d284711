internal import CKernel
internal import Glibc
internal import Synchronization

/// A thread of the operating system.
///
/// Signals that the outside sends are blocked in it, so that the main thread gets them; so is SIGPIPE, so that a write
/// to a socket whose peer is gone gives an error and does not end the process.
public final class Thread: Sendable {
    private let handle: pthread_t
    private let isJoined = Atomic<Bool>(false)

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts the thread.
    /// - Parameter name: what `top` and `perf` show; the kernel keeps the first 15 bytes.
    /// - Precondition: the system lets the process have another thread.
    public convenience init(name: String, _ body: @escaping @Sendable () -> Void) {
        let (handle, error) = Thread.start(name, body)
        precondition(error == 0, "cannot start thread \(name): \(String(cString: strerror(error)))")
        self.init(handle)
    }

    /// The same where the process can do without; nil when the system lets it have no other thread.
    public convenience init?(ifPossible name: String, _ body: @escaping @Sendable () -> Void) {
        let (handle, error) = Thread.start(name, body)
        guard error == 0 else { return nil }
        self.init(handle)
    }

    /// Starts a thread of that name, if it can.
    typealias Starter = (_ name: String, _ body: @escaping @Sendable () -> Void) -> Thread?

    static let ifPossible: @Sendable (String, @escaping @Sendable () -> Void) -> Thread? = {
        Thread(ifPossible: $0, $1)
    }

    private init(_ handle: pthread_t) { self.handle = handle }

    private static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> (pthread_t, Int32) {
        var before = sigset_t()
        var blocked = Thread.signalsFromOutside()
        pthread_sigmask(SIG_SETMASK, &blocked, &before)
        var handle = pthread_t()
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let error = pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                ck_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        pthread_sigmask(SIG_SETMASK, &before, nil)
        if error != 0 { start.release() }
        return (handle, error)
    }

    deinit {
        if !isJoined.load(ordering: .relaxed) { pthread_detach(handle) }
    }

    /// Waits until the thread has ended. Only the first call waits; called on the thread itself it does nothing.
    public func join() { join(timeoutMs: nil) }

    /// The same, but not longer than `timeoutMs`; nil for as long as it takes.
    /// - Returns: false when time ran out.
    @discardableResult
    public func join(timeoutMs: Int64?) -> Bool {
        guard !isCurrent, !isJoined.exchange(true, ordering: .relaxed) else { return true }
        guard let timeoutMs else { return pthread_join(handle, nil) == 0 }
        var deadline = timespec(monotonicMsFromNow: timeoutMs)
        if ck_join_thread(handle, &deadline) == 0 { return true }
        isJoined.store(false, ordering: .relaxed)
        return false
    }

    /// Whether the caller runs on it.
    public var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    /// What tells the calling thread from others that live at the same time.
    public static var currentId: UInt { UInt(pthread_self()) }

    // All but those a fault raises in the thread that made it.
    private static func signalsFromOutside() -> sigset_t {
        var set = sigset_t()
        sigfillset(&set)
        for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] { sigdelset(&set, signal) }
        return set
    }
}
