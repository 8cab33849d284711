import Testing

@testable import KCore

@Suite struct MembershipTests {
    let bench = GroupBench()

    @Test func `who shares out while the coordinator loads is told to join again`() {
        let join = bench.join()
        bench.restartWithoutLoading()
        // Java's consumer and aiokafka end when they are told of loading here.
        #expect(bench.sync(join.response?.memberId ?? "", 1).response?.errorCode == .rebalanceInProgress)
        #expect(bench.join().response?.errorCode == .coordinatorLoadInProgress)
    }

    @Test func `a new member is told its id first, unless its version cannot know that`() {
        let asked = bench.join()
        #expect(asked.response?.errorCode == .memberIdRequired)
        #expect(asked.response?.memberId.hasPrefix("client-") == true)
        #expect(bench.join(version: 3).response == nil)
        bench.advance(ms: 10_000)
        #expect(bench.classic()?.pendingMembers.isEmpty == true)
    }

    @Test func `an id that was not given is no member's`() {
        #expect(bench.join("forged").response?.errorCode == .unknownMemberId)
        _ = bench.joinNew()
        #expect(bench.join("forged").response?.errorCode == .unknownMemberId)
        #expect(bench.sync("forged", 1).response?.errorCode == .unknownMemberId)
        #expect(bench.heartbeat("forged", 1) == .unknownMemberId)
        #expect(bench.heartbeat("forged", 1, group: "nobody's") == .unknownMemberId)
        #expect(bench.leave("forged")?.members[0].errorCode == .unknownMemberId)
        #expect(bench.leave("forged", version: 2)?.errorCode == .unknownMemberId)
        let nowhere = bench.leave("forged", group: "no such group")
        #expect(nowhere?.errorCode == ErrorCode.none && nowhere?.members.map(\.errorCode) == [.unknownMemberId])
        #expect(bench.leave("forged", group: "no such group", version: 2)?.errorCode == .unknownMemberId)
        #expect(bench.leave("forged", group: "")?.errorCode == .invalidGroupId)
        #expect(bench.machine.groups["nobody's"] == nil)
    }

    @Test func `requests without a group or with a session out of bounds are refused`() {
        #expect(bench.join(group: "").response?.errorCode == .invalidGroupId)
        #expect(bench.join(sessionMs: 5999).response?.errorCode == .invalidSessionTimeout)
        #expect(bench.join(sessionMs: 1_800_001).response?.errorCode == .invalidSessionTimeout)
        #expect(bench.join(protocols: []).response?.errorCode == .inconsistentGroupProtocol)
        #expect(bench.join(type: "").response?.errorCode == .inconsistentGroupProtocol)
        #expect(bench.machine.groups.isEmpty)
    }

    @Test func `members that come within the initial delay are one generation`() {
        var settings = GroupSettings()
        settings.initialRebalanceDelayMs = 3000
        let bench = GroupBench(settings)
        let first = bench.joinNew()
        bench.advance(ms: 2000)
        let second = bench.joinNew()
        bench.advance(ms: 1000)
        #expect(first.answer.response == nil, "whoever comes prolongs the delay")
        bench.advance(ms: 3000)
        #expect(first.answer.response?.generationId == 1)
        #expect(first.answer.response?.members.map(\.memberId) == [first.id, second.id])
        #expect(second.answer.response?.leader == first.id)
        #expect(second.answer.response?.members.isEmpty == true)
    }

    @Test func `the initial delay ends with the rebalance timeout at the latest`() {
        var settings = GroupSettings()
        settings.initialRebalanceDelayMs = 3000
        let bench = GroupBench(settings)
        let first = bench.joinNew(rebalanceMs: 7000)
        for _ in 0..<3 {
            bench.advance(ms: 2500)
            _ = bench.joinNew(rebalanceMs: 7000)
        }
        #expect(first.answer.response?.generationId == 1)
    }

    @Test func `each member gets what the leader gave it, whenever it asks`() {
        let first = bench.joinNew()
        bench.advance(ms: 0)
        let second = bench.joinNew()
        #expect(second.answer.response == nil)
        #expect(bench.heartbeat(first.id, 1) == .rebalanceInProgress)
        let again = bench.join(first.id)
        #expect(again.response?.generationId == 2)
        #expect(again.response?.members.count == 2)
        let early = bench.sync(second.id, 2)
        #expect(early.response == nil)
        #expect(bench.heartbeat(second.id, 2) == ErrorCode.none)
        #expect(bench.commit(1, second.id, 2) == .rebalanceInProgress)
        let leader = bench.sync(first.id, 2, assignments: [first.id: "a", second.id: "b"])
        #expect(leader.response?.assignment == Bytes("a"))
        #expect(early.response?.assignment == Bytes("b"))
        #expect(early.response?.protocolName == "range" && early.response?.protocolType == "consumer")
        #expect(bench.sync(second.id, 2).response?.assignment == Bytes("b"))
        #expect(bench.sync(second.id, 2, protocolName: "other").response?.errorCode == .inconsistentGroupProtocol)
        #expect(bench.sync(second.id, 1).response?.errorCode == .illegalGeneration)
        #expect(early.count == 1 && second.answer.count == 1)
    }

    @Test func `a silent member is out after its session, and the others are told`() {
        let ids = bench.stableGroup(2)
        let generation = bench.classic()?.generation ?? 0
        bench.advance(ms: 9000)
        #expect(bench.heartbeat(ids[0], generation) == ErrorCode.none)
        bench.advance(ms: 1000)
        #expect(bench.classic()?.members.count == 1)
        #expect(bench.heartbeat(ids[0], generation) == .rebalanceInProgress)
        #expect(bench.heartbeat(ids[1], generation) == .unknownMemberId)
        let again = bench.join(ids[0])
        #expect(again.response?.generationId == generation + 1)
        #expect(again.response?.leader == ids[0])
    }

    @Test func `who waits for the group does not lose its session, and who does not come in time is out`() {
        let ids = bench.stableGroup(2)
        let generation = bench.classic()?.generation ?? 0
        let third = bench.joinNew()
        for _ in 0..<7 {
            bench.advance(ms: 9000)
            if bench.classic()?.members[ids[1]] != nil { _ = bench.heartbeat(ids[1], generation) }
        }
        // 60 s are over: only the third is left, who had waited all the time.
        #expect(third.answer.response?.errorCode == ErrorCode.none)
        #expect(third.answer.response?.members.map(\.memberId) == [third.id])
        #expect(bench.heartbeat(ids[1], generation) == .unknownMemberId)
    }

    @Test func `members that do not fetch their assignment hold nobody up`() {
        let first = bench.joinNew()
        bench.advance(ms: 0)
        let second = bench.joinNew()
        _ = bench.join(first.id)
        _ = bench.sync(first.id, 2, assignments: [first.id: "a"])
        #expect(bench.classic()?.state == .stable)
        for _ in 0..<8 {
            bench.advance(ms: 8000)
            if bench.classic()?.members[second.id] != nil { _ = bench.heartbeat(second.id, 2) }
            _ = bench.heartbeat(first.id, 2)
        }
        #expect(bench.classic()?.members[second.id] == nil)
        #expect(bench.heartbeat(first.id, 2) == .rebalanceInProgress)
    }

    @Test func `the assignor is one that all know and most like best`() {
        func member(_ names: [String]) -> (id: String, answer: Pending<JoinGroupResponse>) {
            bench.joinNew(protocols: names)
        }
        var settings = GroupSettings()
        settings.initialRebalanceDelayMs = 1
        let bench = GroupBench(settings)
        let first = bench.joinNew(protocols: ["a", "b", "c"])
        _ = bench.joinNew(protocols: ["c", "b"])
        let third = bench.joinNew(protocols: ["c", "b", "x"])
        #expect(bench.join(protocols: ["y"]).response?.errorCode == .inconsistentGroupProtocol)
        #expect(bench.join(type: "connect").response?.errorCode == .inconsistentGroupProtocol)
        bench.advance(ms: 10)
        #expect(first.answer.response?.protocolName == "c")
        #expect(third.answer.response?.protocolName == "c")
    }

    @Test func `a group takes no more members than group.max.size`() {
        var settings = GroupBench.settings
        settings.maxSize = 2
        let bench = GroupBench(settings)
        let ids = bench.stableGroup(2)
        #expect(bench.join(version: 3).response?.errorCode == .groupMaxSizeReached)
        #expect(bench.join(ids[0]).response == nil, "a member may still join again")
    }

    @Test func `who leaves makes the others share anew, and the last one leaves an empty group`() throws {
        let ids = bench.stableGroup(2)
        let generation = bench.classic()?.generation ?? 0
        #expect(bench.leave(ids[0])?.members[0].errorCode == ErrorCode.none)
        #expect(bench.heartbeat(ids[1], generation) == .rebalanceInProgress)
        #expect(bench.leave(ids[1], version: 0)?.errorCode == ErrorCode.none)
        #expect(bench.classic()?.state == .empty)
        #expect(try bench.reloaded().groups["g"]?.kept == bench.classic()?.kept)
        #expect(bench.classic()?.kept.members.isEmpty == true)
    }

    @Test func `who leaves a group that is not there is told so as its version knows`() {
        let answer = bench.leave("m", group: "nowhere")
        #expect(answer?.errorCode == ErrorCode.none && answer?.members.map(\.errorCode) == [.unknownMemberId])
        #expect(answer?.members.map(\.memberId) == ["m"])
        #expect(bench.leave("m", group: "nowhere", version: 2)?.errorCode == .unknownMemberId)
    }

    @Test func `a name that leaves no room for an id is shortened in it`() throws {
        let instance = String(repeating: "i", count: 32_767)
        let join = bench.join(instance: instance)
        bench.advance(ms: 0)
        let member = try #require(bench.classic()?.members.values.first)
        #expect(join.response?.memberId == member.id)
        #expect(member.id.utf8.count < 2000 && member.instanceId == instance)
        _ = bench.sync(member.id, bench.classic()?.generation ?? 0, instance: instance)
        #expect(bench.classic()?.state == .stable)
        #expect(try bench.reloaded().groups["g"]?.kept == bench.classic()?.kept)
    }

    @Test func `what the log has no room for is refused, and the group shares anew`() throws {
        var settings = GroupBench.settings
        settings.maxRecordBytes = 2000
        let bench = GroupBench(settings)
        #expect(bench.join(metadata: String(repeating: "m", count: 2001)).response?.errorCode == .unknownServerError)
        let ids = bench.stableGroup(2)
        _ = bench.join(ids[0], topics: ["u"])
        _ = bench.join(ids[1], topics: ["u"])
        let generation = try #require(bench.classic()?.generation)
        let leader = try #require(bench.classic()?.leader)
        let follower = try #require(ids.first { $0 != leader })
        let waiting = bench.sync(follower, generation)
        let led = bench.sync(leader, generation, assignments: [follower: String(repeating: "a", count: 2000)])
        #expect(waiting.response?.errorCode == .unknownServerError && led.response?.errorCode == .unknownServerError)
        #expect(bench.heartbeat(follower, generation) == .rebalanceInProgress)
        #expect(try bench.reloaded().groups["g"]?.kept?.generation ?? 0 < generation)
    }

    @Test func `names count, too, for what the log has room for`() throws {
        var settings = GroupBench.settings
        settings.maxRecordBytes = 2000
        let bench = GroupBench(settings)
        let names = [String(repeating: "p", count: 1000), String(repeating: "q", count: 1000)]
        #expect(bench.join(protocols: names, metadata: "m").response?.errorCode == .unknownServerError)
        let instance = String(repeating: "i", count: 1000)
        let join = bench.join(instance: instance)
        bench.advance(ms: 0)
        // The id is made of the instance's.
        let id = try #require(join.response?.memberId)
        let answer = bench.sync(
            id, try #require(join.response?.generationId), instance: instance, assignments: [id: "a"])
        #expect(answer.response?.errorCode == .unknownServerError)
    }

    @Test func `rebalances leave no timers behind`() {
        let ids = bench.stableGroup(2)
        let before = bench.machine.timers.count
        for _ in 0..<100 {
            for id in ids { _ = bench.join(id, rebalanceMs: .max) }
            let generation = bench.classic()?.generation ?? 0
            for id in ids { _ = bench.sync(id, generation) }
            #expect(bench.classic()?.state == .stable)
        }
        #expect(bench.machine.timers.count <= before + 2)
    }

    @Test func `a join that is sent again is answered once for each`() {
        let ids = bench.stableGroup(2)
        let first = bench.join(ids[0])
        let second = bench.join(ids[0])
        #expect(first.response?.errorCode == .rebalanceInProgress)
        #expect(second.response == nil)
        _ = bench.join(ids[1])
        #expect(second.response?.errorCode == ErrorCode.none)
        #expect(first.count == 1 && second.count == 1)
    }

    @Test func `a follower that missed the answer is told again, and a leader that comes makes all share anew`() {
        let ids = bench.stableGroup(2)
        let generation = bench.classic()?.generation ?? 0
        let leader = bench.classic()?.leader ?? ""
        let follower = ids.first { $0 != leader } ?? ""
        #expect(bench.join(follower).response?.generationId == generation)
        #expect(bench.join(leader).response == nil)
        #expect(bench.join(follower).response?.generationId == generation + 1)
    }

    @Test func `a member id is short, however long the characters are that it is made of`() throws {
        let answer = bench.join(instance: "a" + String(repeating: "\u{301}", count: 16_000))
        bench.advance(ms: 1)
        let id = try #require(answer.response?.memberId)
        #expect(id.utf8.count < 1100 && id.utf8.count > 1000)
    }

    @Test func `the generation behind the last number is the first one again`() throws {
        _ = bench.stableGroup(1)
        var kept = try #require(bench.machine.groups["g"]?.kept)
        kept.generation = .max
        bench.partition.run(Pending<Bool>().reply { _ in false }) { [kept] machine, turn, _ in
            machine.write(.groupMetadata(GroupMetadataKey(group: "g"), kept), &turn)
        }
        bench.partition.flush()
        try bench.restart()
        #expect(bench.classic()?.generation == .max)
        _ = bench.joinNew()
        // The session of who does not come back.
        bench.advance(ms: 12_000)
        #expect(bench.classic()?.generation == 1)
    }

    @Test func `a coordinator that comes back knows the last stable generation`() throws {
        let ids = bench.stableGroup(3)
        let generation = bench.classic()?.generation ?? 0
        let waiting = bench.joinNew()
        try bench.restart()
        #expect(waiting.answer.response?.errorCode == .notCoordinator)
        #expect(bench.classic()?.generation == generation)
        #expect(bench.classic()?.state == .stable)
        for id in ids { #expect(bench.heartbeat(id, generation) == ErrorCode.none) }
        #expect(bench.sync(ids[1], generation).response?.assignment == Bytes("share 1"))
        #expect(bench.heartbeat(waiting.id, generation) == .unknownMemberId)
        bench.advance(ms: 10_000)
        #expect(bench.classic()?.state == .empty)
    }
}
