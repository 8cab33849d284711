/// A job that runs once, later. See ``EventLoop/schedule(afterMs:_:)``.
///
/// `@unchecked Sendable`: all fields are touched on the loop only; ``cancel()`` from elsewhere goes through the loop's queue.
public final class TimerHandle: @unchecked Sendable {
    fileprivate(set) var deadlineMs: Int64
    fileprivate var sequence: UInt64 = 0
    // Place in the heap; negative when it is not there.
    fileprivate var index = -1
    private var job: (@Sendable () -> Void)?
    private let loop: EventLoop?

    init(deadlineMs: Int64, loop: EventLoop?, job: @escaping @Sendable () -> Void) {
        self.deadlineMs = deadlineMs
        self.loop = loop
        self.job = job
    }

    /// Keeps the job from running. Called on the loop, it surely does not run afterwards; from another thread it may be
    /// running already. What was run or cancelled stays so.
    public func cancel() {
        guard let loop else { return }
        if loop.inLoop {
            loop.remove(self)
            job = nil
        } else {
            loop.execute { self.cancel() }
        }
    }

    /// It will not run.
    fileprivate func forget() { job = nil }

    func run() {
        let job = self.job
        self.job = nil
        job?()
    }

    /// Whether the job has neither run nor been cancelled. Only on the loop.
    var isActive: Bool { job != nil }
}

/// Timers in the order in which they are due; those due at the same millisecond in the order in which they were added.
/// A binary heap whose members know their place, so that a cancelled timer leaves at once and costs no memory.
struct TimerQueue {
    private var heap: [TimerHandle] = []
    private var nextSequence: UInt64 = 0

    var count: Int { heap.count }
    var nextDeadlineMs: Int64? { heap.first?.deadlineMs }

    mutating func insert(_ timer: TimerHandle) {
        guard timer.index < 0 else { return }
        timer.sequence = nextSequence
        nextSequence += 1
        timer.index = heap.count
        heap.append(timer)
        siftUp(timer.index)
    }

    /// None of them runs. What they hold may hold them.
    mutating func removeAll() {
        for timer in heap {
            timer.index = -1
            timer.forget()
        }
        heap = []
    }

    mutating func remove(_ timer: TimerHandle) {
        let index = timer.index
        guard index >= 0, index < heap.count, heap[index] === timer else { return }
        timer.index = -1
        let last = heap.removeLast()
        guard last !== timer else { return }
        heap[index] = last
        last.index = index
        siftUp(index)
        siftDown(last.index)
    }

    /// The first timer that is due at `nowMs`, taken out.
    mutating func popDue(_ nowMs: Int64) -> TimerHandle? {
        guard let first = heap.first, first.deadlineMs <= nowMs else { return nil }
        remove(first)
        return first
    }

    private func isBefore(_ a: TimerHandle, _ b: TimerHandle) -> Bool {
        a.deadlineMs != b.deadlineMs ? a.deadlineMs < b.deadlineMs : a.sequence < b.sequence
    }

    private mutating func exchange(_ a: Int, _ b: Int) {
        heap.swapAt(a, b)
        heap[a].index = a
        heap[b].index = b
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard isBefore(heap[index], heap[parent]) else { return }
            exchange(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if isBefore(heap[child], heap[smallest]) { smallest = child }
            }
            guard smallest != index else { return }
            exchange(index, smallest)
            index = smallest
        }
    }
}
