/// A fixed number of threads that run jobs in the order they came, for what may block: fsync, name resolution, deletion.
public final class WorkerPool: Sendable {
    public typealias Job = @Sendable () -> Void

    private struct State: Sendable {
        // Nil for one that was taken: what it holds must not live on here.
        var queue: [Job?] = []
        // Jobs before it have been taken. Moving the rest only now and then keeps taking one cheap.
        var head = 0
        var isStopped = false

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
    private let maxQueued: Int
    private let threads: [Thread]

    /// - Parameters:
    ///   - threads: how many jobs run at a time, at least 1.
    ///   - maxQueued: jobs that may wait for a thread.
    public init(name: String, threads count: Int, maxQueued: Int = .max) {
        self.maxQueued = maxQueued
        let monitor = self.monitor
        threads = (0..<max(count, 1)).map { number in
            Thread(name: "\(name)-\(number)") {
                while let job = monitor.wait({ state -> Job?? in
                    if let job = state.take() { return .some(job) }
                    return state.isStopped ? .some(nil) : nil
                }) {
                    job()
                }
            }
        }
    }

    deinit { stop() }

    /// Has `job` run by one of the threads.
    /// - Returns: false when the queue is full or the pool was stopped: then the job will not run.
    @discardableResult
    public func submit(_ job: @escaping Job) -> Bool {
        monitor.updateOne { state in
            guard !state.isStopped, state.queue.count - state.head < maxQueued else { return false }
            state.queue.append(job)
            return true
        }
    }

    /// Jobs that wait for a thread.
    public var queued: Int { monitor.withLock { $0.queue.count - $0.head } }

    /// Takes no further jobs, runs those that were taken, and waits for the threads to end (from a job of the pool itself:
    /// for the other threads).
    public func stop() {
        monitor.update { $0.isStopped = true }
        for thread in threads { thread.join() }
    }
}
