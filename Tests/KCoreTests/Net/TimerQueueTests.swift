import Testing

@testable import KCore

@Suite struct TimerQueueTests {
    private func timer(_ deadlineMs: Int64) -> TimerHandle { TimerHandle(deadlineMs: deadlineMs, loop: nil) {} }

    @Test func `timers come in the order of their deadlines, and of their making where those are equal`() {
        var queue = TimerQueue()
        var generator = SystemRandomNumberGenerator()
        let timers = (0..<500).map { _ in timer(Int64.random(in: 0..<50, using: &generator)) }
        for timer in timers { queue.insert(timer) }
        var popped: [TimerHandle] = []
        while let next = queue.popDue(100) { popped.append(next) }
        let expected = timers.enumerated().sorted {
            ($0.element.deadlineMs, $0.offset) < ($1.element.deadlineMs, $1.offset)
        }
        #expect(popped.map(ObjectIdentifier.init) == expected.map { ObjectIdentifier($0.element) })
    }

    @Test func `what is removed leaves at once and does not come`() {
        var queue = TimerQueue()
        let timers = (0..<200).map { _ in timer(Int64.random(in: 0..<50)) }
        for timer in timers { queue.insert(timer) }
        let (removed, kept) = (timers[..<100], timers[100...])
        for timer in removed { queue.remove(timer) }
        for timer in removed { queue.remove(timer) }
        #expect(queue.count == 100)
        var popped: [TimerHandle] = []
        while let next = queue.popDue(100) { popped.append(next) }
        #expect(Set(popped.map(ObjectIdentifier.init)) == Set(kept.map(ObjectIdentifier.init)))
        #expect(popped.map(\.deadlineMs) == popped.map(\.deadlineMs).sorted())
    }

    @Test func `nothing comes before its time`() {
        var queue = TimerQueue()
        queue.insert(timer(10))
        #expect(queue.popDue(9) == nil)
        #expect(queue.popDue(10) != nil)
    }
}
