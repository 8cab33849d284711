// Its headers show the compiler signal sets too, and an optimised build takes them from there.
internal import CKernel
internal import Glibc
internal import Synchronization

/// The wish to end early: a signal that came, or a test that says so.
///
/// Life cycle: ``init()`` once, ``catchSignals(_:)`` at the start of a process, before any other thread. From then on
/// SIGINT and SIGTERM are taken by one thread of their own, which remembers the first, makes ``descriptor`` readable and
/// runs the handlers. A signal that comes ``SignalPatience/periodNs`` or more after the first ends the process at once,
/// for whoever does not want to wait for a clean finish.
public final class Interruption: Sendable {
    private let first = Atomic<Int32>(0)
    private let handlers = Mutex<[@Sendable () -> Void]>([])
    // A pipe: the read end becomes readable and stays so.
    private let readEnd: Int32
    private let writeEnd: Int32

    public init() {
        var ends: [Int32] = [-1, -1]
        _ = pipe(&ends)
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        if readEnd >= 0 { close(readEnd) }
        if writeEnd >= 0 { close(writeEnd) }
    }

    /// The first signal's number; nil while there was none.
    public var signal: Int32? {
        let number = first.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// Becomes readable with the first signal and stays so: for `poll` beside another descriptor.
    public var descriptor: Int32 { readEnd }

    /// Calls `handler` on the signal thread when the first signal comes, or now if it has come.
    public func onInterrupt(_ handler: @escaping @Sendable () -> Void) {
        let isLate = handlers.withLock { list in
            if signal != nil { return true }
            list.append(handler)
            return false
        }
        if isLate { handler() }
    }

    /// As if signal `number` had come.
    public func raise(_ number: Int32) {
        let waiting = handlers.withLock { list -> [@Sendable () -> Void]? in
            guard first.compareExchange(expected: 0, desired: number, ordering: .acquiringAndReleasing).exchanged
            else { return nil }
            defer { list = [] }
            return list
        }
        guard let waiting else { return }
        var byte: UInt8 = 0
        _ = write(writeEnd, &byte, 1)
        for handler in waiting { handler() }
    }

    /// Waits until something was raised.
    /// - Returns: the signal's number.
    public func wait() -> Int32 {
        while true {
            if let signal { return signal }
            var ready = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
            _ = poll(&ready, 1, -1)
        }
    }

    /// Takes SIGINT and SIGTERM from now on, and ignores SIGPIPE and SIGXFSZ, so that a write to a reader that has gone (EPIPE)
    /// or to a file that is as large as it may be (EFBIG) is an error and not the end. Call before other threads are started: they inherit the blocked signals.
    public static func catchSignals(_ interruption: Interruption) {
        Glibc.signal(SIGPIPE, SIG_IGN)
        Glibc.signal(SIGXFSZ, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        var thread = pthread_t()
        // The thread lives as long as the process and holds its own reference.
        let reference = Unmanaged.passRetained(interruption).toOpaque()
        let started = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let interruption = Unmanaged<Interruption>.fromOpaque(argument).takeRetainedValue()
                var set = sigset_t()
                sigemptyset(&set)
                sigaddset(&set, SIGINT)
                sigaddset(&set, SIGTERM)
                var patience = SignalPatience()
                while true {
                    var number: Int32 = 0
                    guard sigwait(&set, &number) == 0 else { continue }
                    if patience.isExhausted(nowNs: SystemClock().monotonicNs) {
                        Console.write("ended at once by signal \(number); what was under way is not finished\n", to: 2)
                        _exit(128 + number)
                    }
                    let caught = number
                    // Handlers may block; the thread must be back for a second signal.
                    DetachedThread.start { interruption.raise(caught) }
                }
            }, reference)
        if started != 0 {
            Unmanaged<Interruption>.fromOpaque(reference).release()
            pthread_sigmask(SIG_UNBLOCK, &set, nil)
        } else {
            pthread_detach(thread)
        }
    }
}

/// A thread that nobody waits for.
private enum DetachedThread {
    private final class Job: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let reference = Unmanaged.passRetained(Job(body)).toOpaque()
        let started = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, reference)
        if started == 0 {
            pthread_detach(thread)
        } else {
            Unmanaged<Job>.fromOpaque(reference).takeRetainedValue().body()
        }
    }
}
