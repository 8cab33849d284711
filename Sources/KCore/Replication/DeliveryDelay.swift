/// The records of a partition that are too young to be seen, for `delivery.delay.ms`: appends in the order of their
/// offsets, each with the time from which its age counts.
///
/// The age of an append counts from the largest timestamp in it. A timestamp ahead of the broker's clock, or none, counts
/// as the moment at which the broker first looked at the records, so that no producer's clock can hold a partition up for
/// longer than the delay. What stands behind a younger record waits with it.
///
/// A state machine without a clock, and bounded: of a long backlog only the oldest part is remembered. When that has
/// become due, ``wantsMore(nowMs:)`` asks for what follows, which is read from the batches' headers.
struct DeliveryDelay: Sendable {
    /// Appends that become due at one time.
    struct Mark: Equatable, Sendable {
        /// Behind the last record.
        var endOffset: Int64
        /// Milliseconds since 1970.
        var sinceMs: Int64
    }

    static let capacity = 4096
    private static let fewMarks = capacity / 4
    /// After what was asked for could not be read.
    static let retryMs: Int64 = 1000

    /// `delivery.delay.ms`
    private(set) var delayMs: Int64
    /// Everything below is old enough. Never goes back but with the log.
    private(set) var dueEnd: Int64
    // Everything from `dueEnd` up to here is in `marks`.
    private var knownEnd: Int64
    // The end of what is known to have been appended.
    private var appendedEnd: Int64
    private var marks: [Mark] = []
    private var head = 0
    private var isAsking = false
    private var askAgainMs: Int64 = 0

    /// - Parameters:
    ///   - dueEnd: everything below is old enough.
    ///   - logEndOffset: of the log. What lies between is asked for.
    init(delayMs: Int64, dueEnd: Int64, logEndOffset: Int64) {
        self.delayMs = delayMs
        self.dueEnd = dueEnd
        knownEnd = dueEnd
        appendedEnd = max(dueEnd, logEndOffset)
    }

    private var count: Int { marks.count - head }

    /// When something becomes due next, or must be asked for again, milliseconds since 1970; nil when nothing waits, or what
    /// follows is asked for.
    var nextDueMs: Int64? {
        if head < marks.count { return due(marks[head]) }
        return isAsking || knownEnd >= appendedEnd ? nil : askAgainMs
    }

    private func due(_ mark: Mark) -> Int64 {
        let (dueMs, overflow) = mark.sinceMs.addingReportingOverflow(delayMs)
        return overflow ? .max : dueMs
    }

    /// Another delay, for what is not due yet as well.
    mutating func change(delayMs: Int64) { self.delayMs = delayMs }

    /// Takes note of an append. Those of several threads may be told in any order.
    mutating func appended(from offset: Int64, to end: Int64, maxTimestamp: Int64, nowMs: Int64) {
        appendedEnd = max(appendedEnd, end)
        add(from: offset, to: end, maxTimestamp: maxTimestamp, nowMs: nowMs)
    }

    // What does not follow on what is known, or has no room, is asked for later.
    private mutating func add(from offset: Int64, to end: Int64, maxTimestamp: Int64, nowMs: Int64) {
        guard offset <= knownEnd, end > knownEnd else { return }
        let age = maxTimestamp < 0 ? nowMs : min(maxTimestamp, nowMs)
        let sinceMs = head < marks.count ? max(age, marks[marks.count - 1].sinceMs) : age
        if head < marks.count, marks[marks.count - 1].sinceMs == sinceMs {
            marks[marks.count - 1].endOffset = end
        } else {
            guard count < DeliveryDelay.capacity else { return }
            marks.append(Mark(endOffset: end, sinceMs: sinceMs))
        }
        knownEnd = end
    }

    /// Lets go what has become due.
    mutating func advance(nowMs: Int64) {
        while head < marks.count, due(marks[head]) <= nowMs {
            dueEnd = max(dueEnd, marks[head].endOffset)
            head += 1
        }
        if head == marks.count {
            marks.removeAll(keepingCapacity: marks.capacity <= 64)
            head = 0
        } else if head >= DeliveryDelay.capacity {
            marks.removeFirst(head)
            head = 0
        }
    }

    // MARK: What follows on what is remembered

    /// Whether the times of more batches should be asked for, from which offset, and how many. Each time once until
    /// ``answer(_:nowMs:)``.
    mutating func wantsMore(nowMs: Int64) -> (from: Int64, count: Int)? {
        guard !isAsking, knownEnd < appendedEnd, count < DeliveryDelay.fewMarks, nowMs >= askAgainMs else { return nil }
        isAsking = true
        return (knownEnd, DeliveryDelay.capacity - count)
    }

    /// What ``wantsMore(nowMs:)`` asked for; nil when it cannot be read, and then it is asked for again after a while.
    mutating func answer(_ times: BatchTimes?, nowMs: Int64) {
        isAsking = false
        guard let times else {
            askAgainMs = nowMs + DeliveryDelay.retryMs
            return
        }
        appendedEnd = max(appendedEnd, times.endOffset)
        // Where records were deleted or cleaned away, batches do not begin where the one in front ends.
        for batch in times.batches where batch.endOffset > knownEnd {
            let isKnown = knownEnd
            add(from: isKnown, to: batch.endOffset, maxTimestamp: batch.maxTimestamp, nowMs: nowMs)
            if knownEnd == isKnown { return }
        }
        skip(to: times.endOffset)
    }

    // Where there are no records, there is nothing to wait for but what stands in front.
    private mutating func skip(to end: Int64) {
        guard end > knownEnd else { return }
        if head < marks.count { marks[marks.count - 1].endOffset = end } else { dueEnd = end }
        knownEnd = end
    }

    /// The log was cut off at `offset`.
    mutating func truncate(to offset: Int64) {
        dueEnd = min(dueEnd, offset)
        knownEnd = min(knownEnd, offset)
        appendedEnd = min(appendedEnd, offset)
        while head < marks.count, let last = marks.last, last.endOffset > offset {
            marks.removeLast()
            let before = marks.count > head ? marks[marks.count - 1].endOffset : dueEnd
            if before < offset { marks.append(Mark(endOffset: offset, sinceMs: last.sinceMs)) }
        }
    }
}
