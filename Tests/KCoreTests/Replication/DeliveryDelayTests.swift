import Testing

@testable import KCore

@Suite struct DeliveryDelayTests {
    private func delay(_ delayMs: Int64 = 100, from dueEnd: Int64 = 0, logEndOffset: Int64 = 0) -> DeliveryDelay {
        DeliveryDelay(delayMs: delayMs, dueEnd: dueEnd, logEndOffset: logEndOffset)
    }

    @Test func `appends become due one after the other, each at its age`() {
        var delay = delay()
        delay.appended(from: 0, to: 5, maxTimestamp: 1000, nowMs: 1000)
        delay.appended(from: 5, to: 7, maxTimestamp: 1050, nowMs: 1060)
        var seen: [Int64: Int64] = [:]
        for nowMs in [Int64(1000), 1099, 1100, 1149, 1150] {
            delay.advance(nowMs: nowMs)
            seen[nowMs] = delay.dueEnd
        }
        #expect(seen == [1000: 0, 1099: 0, 1100: 5, 1149: 5, 1150: 7])
        #expect(delay.nextDueMs == nil)
    }

    @Test func `what stands behind a younger record waits with it`() {
        var delay = delay()
        delay.appended(from: 0, to: 1, maxTimestamp: 1000, nowMs: 1000)
        delay.appended(from: 1, to: 2, maxTimestamp: 500, nowMs: 1000)
        delay.advance(nowMs: 1099)
        #expect(delay.dueEnd == 0)
        delay.advance(nowMs: 1100)
        #expect(delay.dueEnd == 2)
    }

    @Test func `a timestamp ahead of the clock, or none, counts from the arrival`() {
        for timestamp in [Int64.max, 5000, -1] {
            var delay = delay()
            delay.appended(from: 0, to: 1, maxTimestamp: timestamp, nowMs: 1000)
            #expect(delay.nextDueMs == 1100)
        }
    }

    @Test func `appends that are told in the wrong order are asked for, and lose nothing`() {
        var delay = delay()
        delay.appended(from: 3, to: 6, maxTimestamp: 1000, nowMs: 1000)
        #expect(delay.wantsMore(nowMs: 1000)?.from == 0)
        #expect(delay.wantsMore(nowMs: 1000) == nil)
        delay.appended(from: 0, to: 3, maxTimestamp: 990, nowMs: 1000)
        let batches = [BatchTime(endOffset: 3, maxTimestamp: 990), BatchTime(endOffset: 6, maxTimestamp: 1000)]
        delay.answer(BatchTimes(batches: batches, endOffset: 6), nowMs: 1001)
        delay.advance(nowMs: 1090)
        #expect(delay.dueEnd == 3)
        delay.advance(nowMs: 1100)
        #expect(delay.dueEnd == 6)
        #expect(delay.wantsMore(nowMs: 1100) == nil)
    }

    @Test func `a backlog of any length is remembered in part and becomes due as a whole`() {
        let count = Int64(3 * DeliveryDelay.capacity)
        var delay = delay(count)
        for index in 0..<count { delay.appended(from: index, to: index + 1, maxTimestamp: index, nowMs: index) }
        #expect(delay.wantsMore(nowMs: count) == nil)
        for nowMs in count..<2 * count {
            delay.advance(nowMs: nowMs)
            if let (from, limit) = delay.wantsMore(nowMs: nowMs) {
                let batches = (from..<min(count, from + Int64(limit))).map {
                    BatchTime(endOffset: $0 + 1, maxTimestamp: $0)
                }
                let end = min(count, from + Int64(limit))
                delay.answer(BatchTimes(batches: batches, endOffset: end), nowMs: nowMs)
            }
            #expect(delay.dueEnd == nowMs - count + 1)
        }
    }

    @Test func `what cannot be read is asked for again after a while, though nothing is appended`() {
        var delay = delay(logEndOffset: 5)
        #expect(delay.nextDueMs == 0)
        #expect(delay.wantsMore(nowMs: 1000)?.from == 0)
        #expect(delay.nextDueMs == nil)
        delay.answer(nil, nowMs: 1001)
        let againMs = 1001 + DeliveryDelay.retryMs
        #expect(delay.nextDueMs == againMs)
        #expect(delay.wantsMore(nowMs: againMs - 1) == nil)
        #expect(delay.wantsMore(nowMs: againMs)?.from == 0)
        delay.answer(
            BatchTimes(batches: [BatchTime(endOffset: 5, maxTimestamp: 1000)], endOffset: 5), nowMs: againMs)
        delay.advance(nowMs: againMs)
        #expect(delay.dueEnd == 5)
        #expect(delay.nextDueMs == nil)
    }

    @Test func `where there are no records nothing is waited for`() {
        // In front of the records that are left, and behind them.
        var delay = delay(logEndOffset: 50)
        #expect(delay.wantsMore(nowMs: 1000) != nil)
        delay.answer(
            BatchTimes(batches: [BatchTime(endOffset: 40, maxTimestamp: 1000)], endOffset: 50), nowMs: 1000)
        delay.advance(nowMs: 1099)
        #expect(delay.dueEnd == 0)
        delay.advance(nowMs: 1100)
        #expect(delay.dueEnd == 50)
        delay.appended(from: 50, to: 51, maxTimestamp: 1100, nowMs: 1100)
        delay.advance(nowMs: 1200)
        #expect(delay.dueEnd == 51)

        // None at all are left.
        delay = self.delay(logEndOffset: 50)
        #expect(delay.wantsMore(nowMs: 1000) != nil)
        delay.answer(BatchTimes(batches: [], endOffset: 50), nowMs: 1000)
        #expect(delay.dueEnd == 50)
        delay.appended(from: 50, to: 51, maxTimestamp: 1000, nowMs: 1000)
        #expect(delay.nextDueMs == 1100)
    }

    @Test func `a truncation forgets what it cuts off`() {
        var delay = delay()
        delay.appended(from: 0, to: 10, maxTimestamp: 1000, nowMs: 1000)
        delay.appended(from: 10, to: 20, maxTimestamp: 1010, nowMs: 1010)
        delay.truncate(to: 15)
        delay.appended(from: 15, to: 16, maxTimestamp: 1020, nowMs: 1020)
        delay.advance(nowMs: 1110)
        #expect(delay.dueEnd == 15)
        delay.advance(nowMs: 1120)
        #expect(delay.dueEnd == 16)
    }

    @Test func `the longest delay there is overflows nothing`() {
        var delay = delay(.max)
        delay.appended(from: 0, to: 1, maxTimestamp: 1000, nowMs: 1000)
        delay.advance(nowMs: .max - 1)
        #expect(delay.dueEnd == 0)
    }
}
