@testable import KCore

/// Time and chance of a simulation, all from one seed: what happens when, and what is lost, late or repeated on its way.
final class SimulatedNetwork {
    private struct Event {
        var atMs: Int64
        var order: Int
        var body: () -> Void
    }

    let clock: ManualClock
    var random: SeededGenerator
    /// Nothing is lost or late any more, and nobody falls asleep.
    var isCalm = false
    // What is due first is last.
    private var events: [Event] = []
    private var order = 0

    init(seed: UInt64, clock: ManualClock = ManualClock()) {
        random = SeededGenerator(seed: seed)
        self.clock = clock
    }

    var nowMs: Int64 { clock.monotonicMs }

    /// True in so many of a hundred cases, and never in peace.
    func chance(_ percent: Double) -> Bool { !isCalm && Double.random(in: 0..<100, using: &random) < percent }
    func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    /// How long a message is on its way.
    func delayMs() -> Int64 { Int64.random(in: 1...(isCalm ? 5 : 400), using: &random) }

    /// Has something happen later; of two things at one time, the one that was said first.
    func later(_ afterMs: Int64, _ body: @escaping () -> Void) {
        order += 1
        let event = Event(atMs: nowMs + afterMs, order: order, body: body)
        var index = events.endIndex
        while index > 0, events[index - 1].atMs <= event.atMs { index -= 1 }
        events.insert(event, at: index)
    }

    /// Delivers a message, or does not.
    /// - Parameter canRepeat: whether it may arrive a second time, and that much later.
    func carry(canRepeat: Bool = false, _ body: @escaping () -> Void) {
        if chance(3) { return }
        later(delayMs(), body)
        if canRepeat && chance(3) { later(Int64(int(1...15_000)), body) }
    }

    /// Forgets what is still to come, and with it whoever it holds.
    func end() { events = [] }

    /// Lets time pass, with all that is due on the way.
    func pass(ms: Int64) {
        clock.advance(ms: ms)
        while let next = events.last, next.atMs <= nowMs {
            events.removeLast()
            next.body()
        }
    }
}
