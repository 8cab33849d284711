import Testing

@testable import KCore

/// KIP-345.
@Suite struct StaticMembershipTests {
    let bench = GroupBench()

    /// Two static members that are stable, `a` leading.
    private func group() -> (a: String, b: String, generation: Int32) {
        let first = bench.join(instance: "a")
        bench.advance(ms: 0)
        let a = first.response?.memberId ?? ""
        let second = bench.join(instance: "b")
        _ = bench.join(a, instance: "a")
        let b = second.response?.memberId ?? ""
        let generation = second.response?.generationId ?? -1
        _ = bench.sync(b, generation, instance: "b")
        _ = bench.sync(a, generation, instance: "a", assignments: [a: "for a", b: "for b"])
        #expect(bench.classic()?.state == .stable && a.hasPrefix("a-") && b.hasPrefix("b-"))
        return (a, b, generation)
    }

    @Test func `who comes back takes its place without a rebalance, and the old id is fenced`() throws {
        let (a, b, generation) = group()
        let back = bench.join(instance: "b").response
        #expect(back?.errorCode == ErrorCode.none && back?.generationId == generation)
        let id = back?.memberId ?? ""
        #expect(id != b && id.hasPrefix("b-"))
        #expect(bench.sync(id, generation, instance: "b").response?.assignment == Bytes("for b"))
        #expect(bench.heartbeat(b, generation, instance: "b") == .fencedInstanceId)
        #expect(bench.heartbeat(a, generation, instance: "a") == ErrorCode.none)
        #expect(bench.commit(1, b, generation, instance: "b") == .fencedInstanceId)
        #expect(bench.commit(1, id, generation, instance: "b") == ErrorCode.none)
        #expect(bench.sync(b, generation, instance: "b").response?.errorCode == .fencedInstanceId)
        #expect(bench.leave(b, instance: "b")?.members[0].errorCode == .fencedInstanceId)
        #expect(try bench.reloaded().groups["g"]?.kept?.members.map(\.memberId) == [a, id])
    }

    @Test func `coming back again and again takes no memory, and the session of the last one ends`() {
        let (a, b, generation) = group()
        var id = b
        for _ in 0..<5000 { id = bench.join(instance: "b").response?.memberId ?? "" }
        #expect((bench.partition.machine?.timers.count ?? .max) <= 1001)
        // Half of the session, in which only the other one is heard of.
        for _ in 0..<3 {
            #expect(bench.heartbeat(id, generation, instance: "b") == ErrorCode.none)
            bench.advance(ms: 5000)
            #expect(bench.heartbeat(a, generation, instance: "a") == ErrorCode.none)
        }
        bench.advance(ms: 6000)
        #expect(bench.heartbeat(id, generation, instance: "b") == .unknownMemberId)
    }

    @Test func `a leader that comes back is told to leave the assignment as it is`() {
        let (a, _, generation) = group()
        let back = bench.join(instance: "a").response
        #expect(back?.skipAssignment == true && back?.leader == back?.memberId)
        #expect(back?.members.count == 2 && back?.generationId == generation)
        // Older clients cannot be told: they are followers of who they were.
        let old = bench.join(instance: "a", version: 8).response
        #expect(old?.leader == back?.memberId && old?.memberId != old?.leader)
        #expect(old?.members.isEmpty == true)
        #expect(a != old?.memberId)
    }

    @Test func `another assignor makes all share anew`() {
        let (a, _, generation) = group()
        _ = bench.join(instance: "b", protocols: ["range", "sticky"])
        #expect(bench.classic()?.state == .stable)
        let answer = bench.join(a, instance: "a", protocols: ["sticky", "range"])
        #expect(answer.response == nil)
        #expect(bench.heartbeat(a, generation, instance: "a") == .rebalanceInProgress)
    }

    @Test func `whoever waits under the old id is fenced at once`() {
        let (a, _, _) = group()
        let waiting = bench.join(a, instance: "a")
        #expect(waiting.response == nil)
        let back = bench.join(instance: "a")
        #expect(waiting.response?.errorCode == .fencedInstanceId)
        #expect(back.response == nil)
    }

    @Test func `an instance is sent away by its name`() {
        let (a, b, generation) = group()
        #expect(bench.leave("", instance: "nobody")?.members[0].errorCode == .unknownMemberId)
        #expect(bench.leave("", instance: "b")?.members[0].errorCode == ErrorCode.none)
        #expect(bench.heartbeat(b, generation, instance: "b") == .unknownMemberId)
        #expect(bench.heartbeat(a, generation, instance: "a") == .rebalanceInProgress)
    }

    @Test func `a rebalance waits for static members until their sessions end`() {
        let (a, b, generation) = group()
        let third = bench.joinNew()
        _ = bench.join(a, instance: "a", sessionMs: 600_000)
        _ = bench.join(b, instance: "b", sessionMs: 600_000)
        #expect(third.answer.response?.generationId == generation + 1)
        let leader = bench.classic()?.leader ?? ""
        _ = bench.sync(leader, generation + 1, instance: "a", assignments: [a: "x", b: "y", third.id: "z"])
        _ = bench.sync(b, generation + 1, instance: "b")
        _ = bench.sync(third.id, generation + 1)
        let again = bench.joinNew()
        bench.advance(ms: 60_000)
        // Time is up: who is not static and not back is out, static members stay.
        #expect(again.answer.response?.errorCode == ErrorCode.none)
        #expect(bench.classic()?.members.keys.sorted() == [a, b, again.id].sorted())
    }
}
