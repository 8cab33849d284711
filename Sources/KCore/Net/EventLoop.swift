internal import CKernel
internal import Glibc
internal import Synchronization

/// One thread that waits for sockets, timers and jobs from other threads, and runs what they are for, one at a time.
/// Nothing that runs here may block.
///
/// A turn of the loop: wait; events; jobs; timers; then what was put off to the end of the turn, above all the output of
/// all that ran before, so that answers which became ready together leave together.
///
/// `@unchecked Sendable`: `shared` is behind its mutex and `thread` is set once before it is read; every other variable is
/// touched by the loop's thread only, which `assertInLoop` checks in debug builds.
public final class EventLoop: @unchecked Sendable {
    public typealias Job = @Sendable () -> Void

    private struct Shared {
        var jobs: [Job] = []
        // The loop is waiting, or is about to: a job must wake it.
        var isWaiting = false
        var isStopped = false
    }

    public let name: String
    public let clock: any Clock
    private let shared = Mutex(Shared())
    private let wakeDescriptor: Int32
    private let loopThreadId = Atomic<UInt>(0)
    private let thread = Mutex<Thread?>(nil)
    private let hasThread: Bool

    private var poller: Poller
    private var timers = TimerQueue()
    private var runningJobs: [Job] = []
    private var endOfTurn: [any TurnTask] = []
    private var runningEndOfTurn: [any TurnTask] = []
    private var nextTickMs: Int64 = 0
    private var drainDeadlineMs: Int64?
    private var hasEnded = false

    /// The clock's milliseconds when this turn began. Only on the loop.
    public private(set) var nowMs: Int64
    /// Timers that have neither run nor been cancelled. Only on the loop.
    var timerCount: Int { timers.count }
    /// Whether the loop has ended and turns no more. Only on the loop, or after ``stop(drainMs:)``.
    var isEnded: Bool { hasEnded }
    /// What connections of the loop share. Only on the loop.
    let buffers = LoopBuffers()
    /// Reads what is to be sent from disks that would be waited for; nil: sending may wait.
    let readers: WorkerPool?

    /// - Parameters:
    ///   - readers: threads for reading what is not in memory.
    ///   - startsThread: false for a loop that a test turns by hand (``turn(maxWaitMs:)``).
    public init(
        name: String = "loop", clock: any Clock = SystemClock(), readers: WorkerPool? = nil, startsThread: Bool = true
    ) throws(NetError) {
        self.readers = readers
        self.name = name
        self.clock = clock
        hasThread = startsThread
        nowMs = clock.monotonicMs
        wakeDescriptor = ck_eventfd()
        guard wakeDescriptor >= 0 else { throw NetError("eventfd", code: wakeDescriptor) }
        do throws(NetError) {
            poller = try Poller()
        } catch {
            Glibc.close(wakeDescriptor)
            throw error
        }
        let wake = WakeSource(descriptor: wakeDescriptor)
        _ = try poller.add(wake, descriptor: wakeDescriptor, interest: .read)
        if startsThread {
            let started = Thread(name: name) { [self] in
                loopThreadId.store(Thread.currentId, ordering: .relaxed)
                while !hasEnded { turn(maxWaitMs: .max) }
            }
            thread.withLock { $0 = started }
        }
    }

    deinit { Glibc.close(wakeDescriptor) }

    // MARK: From any thread

    /// Whether the calling thread is the loop's.
    public var inLoop: Bool { loopThreadId.load(ordering: .relaxed) == Thread.currentId }

    func assertInLoop() { assert(inLoop, "must be called on loop \(name)") }

    /// Runs `job` on the loop, soon, after those that were given before. Called on the loop it does not run at once either.
    /// - Returns: false when the loop has ended: then it will not run.
    @discardableResult
    public func execute(_ job: @escaping Job) -> Bool {
        let (accepted, mustWake) = shared.withLock { shared -> (Bool, Bool) in
            guard !shared.isStopped else { return (false, false) }
            shared.jobs.append(job)
            let mustWake = shared.isWaiting
            shared.isWaiting = false
            return (true, mustWake)
        }
        if mustWake { wake() }
        return accepted
    }

    /// Runs `job` on the loop after `afterMs` milliseconds, not earlier.
    @discardableResult
    public func schedule(afterMs: Int64, _ job: @escaping Job) -> TimerHandle {
        let now = inLoop ? nowMs : clock.monotonicMs
        let (deadline, overflow) = now.addingReportingOverflow(max(afterMs, 0))
        let timer = TimerHandle(deadlineMs: overflow ? .max : deadline, loop: self, job: job)
        if inLoop {
            timers.insert(timer)
        } else {
            execute { if timer.isActive { self.timers.insert(timer) } }
        }
        return timer
    }

    /// Ends the loop: jobs that were given before run, connections take no further requests and have up to `drainMs` to
    /// finish what they have, then they are closed. Waits for the thread to end, unless it is called on it.
    /// - Parameter timeoutMs: how long to wait; nil for as long as it takes.
    public func stop(drainMs: Int64 = 0, timeoutMs: Int64? = nil) {
        beginToStop(drainMs: drainMs)
        if !inLoop { thread.withLock { $0 }?.join(timeoutMs: timeoutMs) }
    }

    /// The same without waiting.
    func beginToStop(drainMs: Int64) {
        execute { self.beginStop(drainMs: drainMs) }
    }

    // MARK: On the loop

    /// One turn.
    /// - Parameter maxWaitMs: how long to wait for something to happen, at most.
    public func turn(maxWaitMs: Int64) {
        if !hasThread { loopThreadId.store(Thread.currentId, ordering: .relaxed) }
        let eventCount = wait(timeoutMs: beginWait(maxWaitMs: maxWaitMs))
        shared.withLock { shared in
            shared.isWaiting = false
            swap(&shared.jobs, &runningJobs)
        }
        for number in 0..<eventCount {
            if let (source, readiness) = poller.event(number) { source.ready(readiness) }
        }
        runJobs()
        while let timer = timers.popDue(nowMs) { timer.run() }
        if nowMs >= nextTickMs {
            nextTickMs = nowMs + 1000
            buffers.storages.trim(nowMs: nowMs)
            for source in poller.sources { source.tick(nowMs: nowMs) }
        }
        runEndOfTurn()
        endIfDrained()
    }

    /// Has `task` run at the end of this turn, or of the next when this one is ending.
    func atEndOfTurn(_ task: any TurnTask) {
        assertInLoop()
        endOfTurn.append(task)
    }

    func register(
        _ source: any EventSource, descriptor: Int32?, interest: Readiness
    ) throws(NetError) -> Registration {
        assertInLoop()
        return try poller.add(source, descriptor: descriptor, interest: interest)
    }

    func modify(_ registration: Registration, interest: Readiness) {
        assertInLoop()
        poller.modify(registration, interest: interest)
    }

    func deregister(_ registration: Registration) {
        assertInLoop()
        poller.remove(registration)
    }

    func remove(_ timer: TimerHandle) {
        assertInLoop()
        timers.remove(timer)
    }

    /// Whether the loop is about to end, so that nothing new should begin.
    var isStopping: Bool { drainDeadlineMs != nil }

    // MARK: Parts of a turn

    private func wait(timeoutMs: Int32) -> Int {
        let eventCount = poller.wait(timeoutMs: timeoutMs)
        nowMs = clock.monotonicNs / 1_000_000
        return eventCount
    }

    private func wake() {
        var one: UInt64 = 1
        _ = Glibc.write(wakeDescriptor, &one, 8)
    }

    private func beginWait(maxWaitMs: Int64) -> Int32 {
        var waitMs = maxWaitMs
        if !endOfTurn.isEmpty { waitMs = 0 }
        if waitMs > 0 {
            let now = clock.monotonicMs
            var deadline = timers.nextDeadlineMs ?? .max
            // Without connections there is nothing to tick for, and a program at rest stays so.
            if poller.count > 1 { deadline = min(deadline, nextTickMs) }
            if let drainDeadlineMs { deadline = min(deadline, drainDeadlineMs) }
            if deadline != .max { waitMs = min(waitMs, max(deadline - now, 0)) }
        }
        if waitMs <= 0 { return 0 }
        let hasJobs = shared.withLock { shared in
            shared.isWaiting = shared.jobs.isEmpty
            return !shared.jobs.isEmpty
        }
        if hasJobs { return 0 }
        return waitMs >= Int64(Int32.max) ? -1 : Int32(waitMs)
    }

    private func runJobs() {
        for job in runningJobs { job() }
        runningJobs.removeAll(keepingCapacity: runningJobs.count <= 4096)
    }

    private func runEndOfTurn() {
        guard !endOfTurn.isEmpty else { return }
        swap(&endOfTurn, &runningEndOfTurn)
        for task in runningEndOfTurn { task.runAtEndOfTurn() }
        runningEndOfTurn.removeAll(keepingCapacity: true)
    }

    private func beginStop(drainMs: Int64) {
        guard drainDeadlineMs == nil else { return }
        drainDeadlineMs = nowMs + max(drainMs, 0)
        for source in poller.sources { source.loopEnds(drain: drainMs > 0) }
    }

    private func endIfDrained() {
        guard let drainDeadlineMs, !hasEnded, poller.count <= 1 || nowMs >= drainDeadlineMs else { return }
        for source in poller.sources { source.loopEnds(drain: false) }
        // What was given while the end came near still runs; what comes later is refused.
        while true {
            let last = shared.withLock { shared in
                if shared.jobs.isEmpty { shared.isStopped = true }
                swap(&shared.jobs, &runningJobs)
                return shared.isStopped
            }
            runJobs()
            if last { break }
        }
        runEndOfTurn()
        for source in poller.sources { source.loopEnds(drain: false) }
        timers.removeAll()
        endOfTurn = []
        hasEnded = true
    }
}

/// What can be put off to the end of a loop's turn.
protocol TurnTask: AnyObject {
    func runAtEndOfTurn()
}

/// The loop's own descriptor, by which other threads end its waiting.
private final class WakeSource: EventSource {
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    func ready(_: Readiness) {
        var count: UInt64 = 0
        _ = Glibc.read(descriptor, &count, 8)
    }
    func loopEnds(drain: Bool) {}
    func tick(nowMs: Int64) {}
}
