/// When something of a group is due. Nothing is cancelled: who set a timer compares it with what it waits for now.
struct GroupTimer: Equatable, Sendable {
    var deadlineMs: Int64
    var groupId: String
    /// Nil for what the group as a whole waits for.
    var memberId: String?
}

/// The timers of all groups of a partition: a heap, the earliest on top; of several at one time, the one set first.
struct GroupTimers: Sendable {
    private struct Entry: Sendable {
        var timer: GroupTimer
        var sequence: UInt64

        func isBefore(_ other: Entry) -> Bool {
            (timer.deadlineMs, sequence) < (other.timer.deadlineMs, other.sequence)
        }
    }

    private var heap: [Entry] = []
    private var sequence: UInt64 = 0
    private var limit = GroupTimers.smallestLimit
    static let smallestLimit = 1000

    var nextDeadlineMs: Int64? { heap.first?.timer.deadlineMs }
    var count: Int { heap.count }

    /// Whether it is time to look which timers are still waited for.
    var isFull: Bool { heap.count > limit }

    /// Lets go of the others.
    mutating func keep(where isWaitedFor: (GroupTimer) -> Bool) {
        // In this order they are a heap.
        heap = heap.filter { isWaitedFor($0.timer) }.sorted { $0.isBefore($1) }
        limit = max(GroupTimers.smallestLimit, 2 * heap.count)
    }

    mutating func add(_ timer: GroupTimer) {
        sequence += 1
        heap.append(Entry(timer: timer, sequence: sequence))
        var index = heap.count - 1
        while index > 0, heap[index].isBefore(heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    /// Takes out the earliest timer that is due at `nowMs`.
    mutating func popDue(_ nowMs: Int64) -> GroupTimer? {
        guard let first = heap.first, first.timer.deadlineMs <= nowMs else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first.timer }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            if least == index { return first.timer }
            heap.swapAt(index, least)
            index = least
        }
    }
}
