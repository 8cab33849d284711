import Testing

@testable import KCore

@Suite struct CoordinatorHeldEffectsTests {
    private let ran = Heard<Int64>()

    private func effect(_ number: Int64) -> CoordinatorEffect {
        CoordinatorEffect(run: { [ran] in ran.add(number) }, refuse: { _ in })
    }

    /// Runs what need not wait.
    private func release(_ held: inout CoordinatorHeldEffects, to highWatermark: Int64) {
        while let effects = held.next(highWatermark: highWatermark, flushedOffset: .max) {
            for effect in effects { effect.run() }
        }
    }

    @Test func `what waits leaves in its order, however much has left before`() {
        var held = CoordinatorHeldEffects()
        for number in 0..<6000 as Range<Int64> {
            held.add([effect(number)], endOffset: number, flushedTo: 0)
            if number % 3 == 2 { release(&held, to: number / 3) }
        }
        release(&held, to: 4999)
        #expect(ran.all == Array(0..<5000 as Range<Int64>) && !held.isEmpty)
        for effect in held.removeAll() { effect.run() }
        #expect(ran.all == Array(0..<6000 as Range<Int64>) && held.isEmpty)
        held.add([effect(6000)], endOffset: 6000, flushedTo: 7)
        #expect(held.awaitedFlush(6) == 7 && held.awaitedFlush(7) == nil)
        #expect(held.next(highWatermark: 6000, flushedOffset: 6) == nil)
        release(&held, to: 6000)
        #expect(ran.all.last == 6000 && held.isEmpty && held.awaitedFlush(0) == nil)
    }
}
