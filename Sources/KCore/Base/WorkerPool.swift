/// Threads that run jobs in the order they came, for what may block: fsync, name resolution, deletion. There are at most as
/// many as were asked for, and each is started by the first job that finds none idle.
public final class WorkerPool: Sendable {
    public typealias Job = @Sendable () -> Void

    private struct State: Sendable {
        // Nil for one that was taken: what it holds must not live on here.
        var queue: [Job?] = []
        // Jobs before it have been taken. Moving the rest only now and then keeps taking one cheap.
        var head = 0
        var isStopped = false
        var threads: [Thread] = []
        /// Threads that wait for a job, or were woken for one and have not taken it yet.
        var idle = 0

        var queued: Int { queue.count - head }

        mutating func take() -> Job? {
            guard head < queue.count else { return nil }
            let job = queue[head]
            queue[head] = nil
            head += 1
            if head == queue.count {
                queue.removeAll(keepingCapacity: queue.count <= 1024)
                head = 0
            } else if head >= 1024 && head * 2 >= queue.count {
                queue.removeFirst(head)
                head = 0
            }
            return job
        }
    }

    private let monitor = Monitor(State())
    private let name: String
    private let maxThreads: Int
    private let maxQueued: Int
    private let makeThread: MakeThread

    /// Starts a thread; nil when the system lets the process have no other.
    typealias MakeThread = @Sendable (_ name: String, _ body: @escaping Job) -> Thread?

    /// - Parameters:
    ///   - threads: how many jobs run at a time, at least 1.
    ///   - maxQueued: jobs that may wait for a thread.
    public convenience init(name: String, threads: Int, maxQueued: Int = .max) {
        self.init(name: name, threads: threads, maxQueued: maxQueued) { Thread(ifPossible: $0, $1) }
    }

    init(name: String, threads: Int, maxQueued: Int = .max, makeThread: @escaping MakeThread) {
        self.name = name
        maxThreads = max(threads, 1)
        self.maxQueued = maxQueued
        self.makeThread = makeThread
    }

    deinit { stop() }

    /// Has `job` run by one of the threads.
    /// - Returns: false when the queue is full or the pool was stopped: then the job will not run.
    @discardableResult
    public func submit(_ job: @escaping Job) -> Bool {
        monitor.updateOne { state in
            guard !state.isStopped, state.queued < maxQueued else { return false }
            state.queue.append(job)
            if state.queued > state.idle, state.threads.count < maxThreads { startThread(&state) }
            return true
        }
    }

    // Without one the job waits for those that there are, for the next job, or for the stop.
    private func startThread(_ state: inout State) {
        let thread = makeThread("\(name)-\(state.threads.count)") { [monitor] in
            while let job = WorkerPool.next(monitor) { job() }
        }
        if let thread { state.threads.append(thread) }
    }

    /// - Returns: nil when the pool has stopped and nothing is left to do.
    private static func next(_ monitor: Monitor<State>) -> Job? {
        var isIdle = false
        return monitor.wait { state -> Job?? in
            let job = state.take()
            let hasEnded = job != nil || state.isStopped
            if hasEnded == isIdle { state.idle += isIdle ? -1 : 1 }
            isIdle = !hasEnded
            return hasEnded ? .some(job) : nil
        }
    }

    /// Runs the next job on the calling thread: for who turns the wheels of a broker by hand, with a pool that starts no threads.
    /// - Returns: false when none waits.
    func runNext() -> Bool {
        guard let job = monitor.withLock({ $0.take() }) else { return false }
        job()
        return true
    }

    /// Threads that have been started.
    var threadCount: Int { monitor.withLock { $0.threads.count } }

    /// Jobs that wait for a thread.
    public var queued: Int { monitor.withLock { $0.queued } }

    /// Takes no further jobs, runs those that were taken, and waits for the threads to end (from a job of the pool itself:
    /// for the other threads). Where no thread could ever be started, the caller runs them.
    /// - Parameter timeoutMs: how long to wait; nil for as long as it takes. Who has not ended then goes on.
    /// - Returns: whether all has been done.
    @discardableResult
    public func stop(timeoutMs: Int64? = nil) -> Bool {
        let threads = monitor.update { state in
            state.isStopped = true
            return state.threads
        }
        while threads.isEmpty, let job = monitor.withLock({ $0.take() }) { job() }
        let startMs = SystemClock().monotonicMs
        for thread in threads {
            let leftMs = timeoutMs.map { max(0, startMs + $0 - SystemClock().monotonicMs) }
            guard thread.join(timeoutMs: leftMs) else { return false }
        }
        return true
    }
}
