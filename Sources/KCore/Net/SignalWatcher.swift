internal import CKernel
internal import Glibc
internal import Synchronization

// Where the handler of signals writes their numbers. A handler may hardly do anything else.
private let signalPipe = Atomic<Int32>(-1)

/// Calls back, on a thread of its own, when the process gets one of certain signals. One at a time in a process.
public final class SignalWatcher: Sendable {
    public static let terminate = SIGTERM
    public static let interrupt = SIGINT
    public static let hangup = SIGHUP

    private let signals: [Int32]
    private let descriptors: (read: Int32, write: Int32)
    private let thread: Thread

    /// - Parameters:
    ///   - signals: numbers, for instance ``terminate`` and ``interrupt``.
    ///   - callback: gets the number. Never called inside a signal handler, so that it may do anything.
    public init(_ signals: [Int32], _ callback: @escaping @Sendable (Int32) -> Void) throws(NetError) {
        var pipe: (read: Int32, write: Int32) = (-1, -1)
        let result = ck_pipe(&pipe.read, &pipe.write)
        guard result >= 0 else { throw NetError("pipe", code: result) }
        guard signalPipe.compareExchange(expected: -1, desired: pipe.write, ordering: .relaxed).exchanged else {
            Glibc.close(pipe.read)
            Glibc.close(pipe.write)
            throw NetError("watch signals", reason: "they are being watched already")
        }
        self.signals = signals
        descriptors = pipe
        thread = Thread(name: "signals") { [read = pipe.read] in
            var number: UInt8 = 0
            while true {
                let got = Glibc.read(read, &number, 1)
                if got < 0, errno == EINTR { continue }
                guard got == 1, number > 0 else { return }
                callback(Int32(number))
            }
        }
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                // A full pipe means that the signal is known.
                _ = Glibc.write(signalPipe.load(ordering: .relaxed), &byte, 1)
                errno = saved
            }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    /// Gives the signals their default effect again, and ends the thread.
    public func stop() {
        guard signalPipe.compareExchange(expected: descriptors.write, desired: -1, ordering: .relaxed).exchanged else {
            return
        }
        for number in signals { signal(number, SIG_DFL) }
        var end: UInt8 = 0
        _ = Glibc.write(descriptors.write, &end, 1)
        thread.join()
        Glibc.close(descriptors.read)
        Glibc.close(descriptors.write)
    }

    /// Makes a write to a pipe or socket whose other side is gone an error instead of the end of the process. Threads of
    /// ``Thread`` are safe without it.
    public static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
