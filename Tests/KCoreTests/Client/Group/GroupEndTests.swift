import Testing

@testable import KCore

@Suite struct GroupEndTests {
    private let share = GroupEnd.Share(epoch: 3, partitions: [TopicPartition(topic: "t", partition: 0)])
    private let empty = GroupEnd.Share(epoch: 3, partitions: [])

    @Test func `a share of the classic protocol is whole, and an empty one must last for three heartbeats`() {
        var end = GroupEnd(isConsumerProtocol: false)
        #expect(end.look(at: nil, heartbeatMs: 10, nowMs: 0) == (true, false, false))
        #expect(end.look(at: empty, heartbeatMs: 10, nowMs: 5) == (true, false, false))
        #expect(end.nextWakeMs(nowMs: 5) == 35)
        #expect(end.look(at: nil, heartbeatMs: 10, nowMs: 30) == (true, false, false))
        #expect(end.look(at: empty, heartbeatMs: 10, nowMs: 40) == (true, false, false))
        #expect(end.look(at: empty, heartbeatMs: 10, nowMs: 69) == (true, false, false))
        #expect(end.look(at: empty, heartbeatMs: 10, nowMs: 70) == (false, false, false))
        #expect(end.look(at: share, heartbeatMs: 10, nowMs: 80) == (true, false, false))
    }

    @Test func `with KIP-848 a share is whole when the coordinator says that all have theirs`() {
        var end = GroupEnd(isConsumerProtocol: true)
        #expect(end.look(at: nil, heartbeatMs: 10, nowMs: 0) == (true, true, false))
        #expect(end.look(at: share, heartbeatMs: 10, nowMs: 1) == (true, true, true))
        #expect(end.look(at: share, heartbeatMs: 10, nowMs: 2) == (true, true, false), "one question at a time")
        // Somebody who is dead holds on to something.
        end.answered(nil, againMs: 12)
        #expect(end.look(at: share, heartbeatMs: 10, nowMs: 11) == (true, true, false))
        #expect(end.nextWakeMs(nowMs: 11) == 12)
        #expect(end.look(at: share, heartbeatMs: 10, nowMs: 12) == (true, true, true))
        end.answered(share, againMs: 0)
        #expect(end.look(at: share, heartbeatMs: 10, nowMs: 13) == (true, false, false))
        #expect(end.nextWakeMs(nowMs: 13) == .max)
        // Another epoch is another agreement.
        let next = GroupEnd.Share(epoch: 4, partitions: share.partitions)
        #expect(end.look(at: next, heartbeatMs: 10, nowMs: 14) == (true, true, true))
        end.answered(share, againMs: 0)
        #expect(end.look(at: next, heartbeatMs: 10, nowMs: 15) == (true, true, true), "an answer of before")
    }

    @Test func `an empty share must be agreed and last`() {
        var end = GroupEnd(isConsumerProtocol: true)
        #expect(end.look(at: empty, heartbeatMs: 10, nowMs: 0) == (true, true, true))
        end.answered(nil, againMs: 10)
        #expect(end.look(at: empty, heartbeatMs: 10, nowMs: 40) == (false, true, true))
        end.answered(empty, againMs: 0)
        #expect(end.look(at: empty, heartbeatMs: 10, nowMs: 50) == (false, false, false))
    }
}
