import Testing

@testable import KCore

/// Patterns that take long to be compared with all topics: other groups must not wait for that.
@Suite struct SlowPatternTests {
    let bench = GroupBench()
    /// Looks at hundreds of states for each place of a name.
    private let pattern = "(a?){300}-1.*"
    private var group: ConsumerGroup { bench.consumerGroup ?? ConsumerGroup(id: "none") }
    private var matching: Set<Uuid> {
        Set(bench.topics.image.topics.filter { $0.name.hasPrefix("aaa") && $0.name.contains("-1") }.map(\.id))
    }

    init() { addTopics(bench) }

    private func addTopics(_ bench: GroupBench) {
        for number in 0..<20 { bench.topics.add(String(repeating: "a", count: 100) + "-\(number)", 1) }
    }

    /// Lets the member say what it does until its group has looked at all topics and nothing changes any more.
    private func settle(_ consumers: NewConsumer...) {
        for _ in 0..<100 where group.isComparing { bench.advance(ms: PatternSlots.pauseMs) }
        #expect(!group.isComparing)
        for _ in 0..<6 { for consumer in consumers { bench.beat(consumer) } }
    }

    @Test func `a member joins at once, and is given what its pattern means when that is known`() throws {
        let a = NewConsumer("a", topics: [], pattern: pattern)
        #expect(bench.beat(a).errorCode == ErrorCode.none)
        #expect(a.owned.isEmpty && a.epoch == 1 && group.isComparing)
        bench.advance(ms: PatternSlots.pauseMs)
        #expect(group.isComparing, "no step looks at everything")
        settle(a)
        #expect(Set(a.owned.topics.keys) == matching && matching.count == 11)
        #expect(group.state == "Stable")
    }

    @Test func `groups take turns, and one with a small pattern does not wait`() {
        let slow = (0..<5).map { NewConsumer("slow \($0)", topics: [], pattern: pattern + "|\($0)") }
        for (number, consumer) in slow.enumerated() { bench.beat(consumer, group: "slow \(number)") }
        let quick = NewConsumer("quick", topics: [], pattern: "t|u")
        bench.beat(quick)
        #expect(quick.owned.count == 8)
        // One step of one group each time.
        func left() -> Int {
            (0..<5).filter { bench.machine.groups["slow \($0)"]?.consumer?.isComparing == true }.count
        }
        #expect(left() == 5)
        bench.advance(ms: 5 * PatternSlots.pauseMs)
        #expect(left() == 5)
        for _ in 0..<1000 where left() > 0 { bench.advance(ms: PatternSlots.pauseMs) }
        #expect(left() == 0)
        for (number, consumer) in slow.enumerated() {
            for _ in 0..<3 { bench.beat(consumer, group: "slow \(number)") }
            #expect(Set(consumer.owned.topics.keys) == matching)
        }
        #expect(bench.machine.patternTurns.dueMs == nil)
    }

    @Test func `partitions take turns as well, and all together take as long as one alone`() {
        let (clock, slots) = (ManualClock(), PatternSlots())
        let benches = (0..<10).map { _ in GroupBench(clock: clock, patternSlots: slots) }
        for bench in benches {
            addTopics(bench)
            bench.beat(NewConsumer("a", topics: [], pattern: pattern))
        }
        var steps = Array(repeating: 0, count: benches.count)
        for _ in 0..<500 {
            clock.advance(ms: 1)
            for (number, bench) in benches.enumerated() {
                guard let dueMs = bench.machine.patternTurns.dueMs, dueMs <= clock.monotonicMs else { continue }
                bench.partition.tick()
                steps[number] += 1
            }
        }
        #expect(steps == Array(repeating: Int(500 / PatternSlots.pauseMs) / 10, count: 10))
    }

    @Test func `a topic that comes changes nothing until all is compared`() {
        let a = NewConsumer("a", topics: [], pattern: pattern)
        bench.beat(a)
        settle(a)
        let had = a.owned
        bench.topics.add("aaaa-17x", 1)
        bench.topics.add("unrelated", 1)
        bench.beat(a)
        #expect(group.isComparing && a.owned == had)
        bench.topics.add("aaaa-18x", 1)
        bench.beat(a)
        settle(a)
        #expect(group.isComparing && a.owned.count == 12, "once more, for the one that came meanwhile")
        settle(a)
        #expect(Set(a.owned.topics.keys) == matching && matching.count == 13)
    }

    @Test func `after a crash a member keeps what it has until it is known again what its pattern means`() throws {
        let (a, b) = (NewConsumer("a", topics: [], pattern: pattern), NewConsumer("b"))
        bench.beat(a)
        settle(a)
        let had = a.owned
        try bench.restart()
        bench.beat(a)
        // Its coming has the group assigned anew.
        bench.beat(b)
        bench.beat(a)
        #expect(group.isComparing && a.owned == had && a.error == ErrorCode.none)
        settle(a, b)
        #expect(a.owned == had && b.owned.count == 6)
        #expect(group.state == "Stable")
    }

    @Test func `a member that leaves meanwhile leaves nothing to do`() {
        let a = NewConsumer("a", topics: [], pattern: pattern)
        bench.beat(a)
        bench.beat(a, epoch: -1)
        settle()
        bench.advance(ms: 2 * PatternSlots.pauseMs)
        #expect(bench.machine.patternTurns.dueMs == nil && group.patterns.isEmpty)
    }
}
