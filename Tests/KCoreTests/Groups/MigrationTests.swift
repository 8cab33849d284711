import Synchronization
import Testing

@testable import KCore

/// Groups that change their protocol while members are there.
@Suite struct MigrationTests {
    let bench = GroupBench()

    private func settle(_ classic: [ClassicConsumer], _ new: [NewConsumer], on bench: GroupBench? = nil) {
        let bench = bench ?? self.bench
        for _ in 0..<12 {
            for consumer in classic { consumer.step() }
            for consumer in new { bench.beat(consumer) }
            bench.advance(ms: 100)
        }
    }

    private func shares(_ classic: [ClassicConsumer], _ new: [NewConsumer]) -> [Int32] {
        let topic = bench.topics.id("t")
        return (classic.flatMap { Array($0.owned) } + new.flatMap { Array($0.owned[topic]) }).sorted()
    }

    @Test(arguments: [false, true])
    func `members of both protocols share a group, which ends as what it began`(isCooperative: Bool) throws {
        let classic = (0..<2).map { _ in ClassicConsumer(bench, isCooperative: isCooperative) }
        settle(classic, [])
        #expect(bench.classic()?.state == .stable && shares(classic, []) == [0, 1, 2, 3, 4, 5])
        let generation = classic[0].generation
        #expect(classic[0].commit(5, partition: 0) == ErrorCode.none)
        let new = NewConsumer("n")
        bench.beat(new)
        #expect(new.epoch == generation + 1, "epochs go on where generations were")
        #expect(bench.classic() == nil && bench.consumerGroup?.members.count == 3)
        #expect(classic[0].commit(6, partition: 0) == ErrorCode.none, "who is still in its generation can commit")
        settle(classic, [new])
        #expect(shares(classic, [new]) == [0, 1, 2, 3, 4, 5])
        #expect(classic.allSatisfy { $0.owned.count == 2 } && bench.consumerGroup?.state == "Stable")
        #expect(classic[0].commit(7, partition: 0) == ErrorCode.none)
        #expect(bench.commit(8, classic[0].id, generation) == .illegalGeneration)
        #expect(try bench.reloaded().groups["g"]?.consumer?.members == bench.consumerGroup?.members)
        bench.beat(new, epoch: -1)
        #expect(bench.consumerGroup == nil && bench.classic()?.members.count == 2)
        settle(classic, [])
        #expect(bench.classic()?.state == .stable && shares(classic, []) == [0, 1, 2, 3, 4, 5])
        #expect(classic.allSatisfy { $0.owned.count == 3 } && bench.fetch().committedOffset == 7)
        #expect((bench.classic()?.generation ?? 0) > generation)
        let reloaded = try bench.reloaded().groups["g"]
        #expect(reloaded?.consumer == nil && reloaded?.kept == bench.classic()?.kept)
    }

    @Test func `a group that has become classic just before a crash has its members join again`() throws {
        let classic = ClassicConsumer(bench)
        let new = NewConsumer("n")
        settle([classic], [])
        settle([classic], [new])
        #expect(classic.owned.count == 3)
        bench.beat(new, epoch: -1)
        try bench.restart()
        #expect(bench.classic()?.state == .preparingRebalance, "what the other one had is nobody's")
        settle([classic], [])
        #expect(bench.classic()?.state == .stable && shares([classic], []) == [0, 1, 2, 3, 4, 5])
    }

    @Test func `the records of both changes are Kafka's, in its order`() throws {
        let classic = ClassicConsumer(bench)
        settle([classic], [])
        var start = bench.log.endOffset
        bench.beat(NewConsumer("n"))
        let id = classic.id
        #expect(
            try kinds(from: start) == [
                "group -", "member \(id)", "epoch", "target \(id)", "target epoch", "current \(id)", "member n",
                "topics",
                "epoch", "target \(id)", "target n", "target epoch", "current n",
            ])
        start = bench.log.endOffset
        let leaving = NewConsumer("n")
        bench.beat(leaving, epoch: -1)
        let both = [id, "n"].sorted()
        #expect(
            try kinds(from: start) == both.map { "current \($0) -" } + both.map { "target \($0) -" }
                + ["target epoch -"] + both.map { "member \($0) -" } + ["topics -", "epoch -", "group"])
    }

    private func kinds(from start: Int64) throws -> [String] {
        var result: [String] = []
        for batch in bench.log.state.withLock({ $0.batches }) {
            let reader = try RecordBatchReader(batch)
            for (index, record) in try reader.allRecords().enumerated()
            where reader.header.baseOffset + Int64(index) >= start {
                guard let key = record.key else { continue }
                let end = record.value == nil ? " -" : ""
                switch try GroupRecord(key: key, value: record.value) {
                case .groupMetadata: result.append("group" + end)
                case .consumerGroupMetadata: result.append("epoch" + end)
                case .consumerGroupPartitionMetadata: result.append("topics" + end)
                case .consumerGroupTargetAssignmentMetadata: result.append("target epoch" + end)
                case .consumerGroupMemberMetadata(let key, _): result.append("member \(key.memberId)" + end)
                case .consumerGroupTargetAssignmentMember(let key, _): result.append("target \(key.memberId)" + end)
                case .consumerGroupCurrentMemberAssignment(let key, _): result.append("current \(key.memberId)" + end)
                case .offsetCommit, .unknown: result.append("other")
                }
            }
        }
        return result
    }

    @Test func `a member that is behind when its group becomes classic has what it had until it joins again`() {
        let classic = ClassicConsumer(bench)
        let new = [NewConsumer("m"), NewConsumer("n")]
        for consumer in new { bench.beat(consumer) }
        settle([classic], new)
        let had = classic.owned
        // Both go before it hears of the first.
        for consumer in new { bench.beat(consumer, epoch: -1) }
        #expect(bench.classic()?.generation != classic.generation)
        #expect(classic.commit(7, partition: 0) == ErrorCode.none)
        #expect(bench.commit(8, classic.id, classic.generation - 1) == .illegalGeneration)
        #expect(bench.heartbeat(classic.id, classic.generation) == .rebalanceInProgress && classic.owned == had)
        let generation = classic.generation
        settle([classic], [])
        #expect(classic.owned.count == 6 && classic.error == ErrorCode.none)
        #expect(bench.commit(9, classic.id, generation) == .illegalGeneration)
    }

    @Test func `what a member has not given up is nobody else's when its group changes back and forth`() throws {
        let classic = ClassicConsumer(bench)
        settle([classic], [])
        #expect(classic.owned.count == 6)
        let first = NewConsumer("m")
        bench.beat(first)
        // It goes before the other one hears that it is to give up something, and the log is read again.
        bench.beat(first, epoch: -1)
        #expect(bench.classic() != nil)
        try bench.restart()
        let second = NewConsumer("n")
        bench.beat(second)
        #expect(second.error == ErrorCode.none && second.owned.isEmpty)
        settle([classic], [second])
        #expect(shares([classic], [second]) == [0, 1, 2, 3, 4, 5] && classic.owned.count == 3)
    }

    @Test func `a policy that forbids a change is kept`() {
        var settings = GroupBench.settings
        settings.migrationPolicy = .disabled
        let bench = GroupBench(settings)
        let classic = ClassicConsumer(bench)
        settle([classic], [], on: bench)
        let new = NewConsumer("n")
        #expect(bench.beat(new).errorCode == .groupIdNotFound)
        classic.leave()
        #expect(bench.beat(new).errorCode == ErrorCode.none)
        // A classic member may join a consumer group all the same, but it does not become its group.
        settle([classic], [new], on: bench)
        #expect(classic.owned.count == 3)
        bench.beat(new, epoch: -1)
        settle([classic], [], on: bench)
        #expect(bench.consumerGroup != nil && classic.owned.count == 6)
    }

    @Test func `groups of other kinds of members, and members of other kinds, stay apart`() {
        _ = bench.join(group: "g", protocols: ["x"], type: "connect", version: 3)
        bench.advance(ms: 0)
        #expect(bench.beat(NewConsumer("n")).errorCode == .groupIdNotFound)
        let new = NewConsumer("n")
        bench.beat(new, group: "h")
        #expect(bench.join(group: "h", type: "connect").response?.errorCode == .inconsistentGroupProtocol)
        #expect(bench.join(group: "h", metadata: "?").response?.errorCode == .inconsistentGroupProtocol)
        let first = bench.join(group: "h", protocols: ["range"], version: 3)
        #expect(first.response?.errorCode == ErrorCode.none)
        let other = bench.join(group: "h", protocols: ["sticky"], version: 3)
        #expect(other.response?.errorCode == .inconsistentGroupProtocol)
    }

    @Test func `who waits in a classic group that changes is told to join again`() {
        let classic = ClassicConsumer(bench)
        settle([classic], [])
        // Another joins, and waits for the first.
        let (id, waiting) = bench.joinNew()
        #expect(waiting.response == nil)
        bench.beat(NewConsumer("n"))
        #expect(waiting.response?.errorCode == .rebalanceInProgress && waiting.count == 1)
        #expect(bench.join(id).response?.errorCode == ErrorCode.none)
        #expect(bench.consumerGroup?.members.count == 3)
    }

    @Test func `classic members must come when they are told to`() {
        let classic = (0..<2).map { _ in ClassicConsumer(bench) }
        let new = NewConsumer("n")
        settle(classic, [new])
        let late = NewConsumer("m")
        bench.beat(late)
        // One goes on with its heartbeats and does not join.
        for _ in 0..<9 {
            #expect(bench.consumerGroup?.members.count == 4)
            #expect(bench.heartbeat(classic[0].id, classic[0].generation) == .rebalanceInProgress)
            bench.advance(ms: 5000)
            settle([classic[1]], [new, late])
        }
        bench.advance(ms: 5000)
        settle([classic[1]], [new, late])
        #expect(bench.heartbeat(classic[0].id, classic[0].generation) == .unknownMemberId)
        #expect(shares([classic[1]], [new, late]) == [0, 1, 2, 3, 4, 5])
        // The other falls silent: its own session timeout counts.
        bench.advance(ms: 10_000)
        #expect(bench.consumerGroup?.members.sortedNames == ["m", "n"])
    }

    /// - Parameter behind: how old the generation is that the join names; nil for none.
    @Test(arguments: [1, 0, nil] as [Int32?])
    func `a classic member frees what it has now, and not what it did not have in an earlier generation`(
        behind: Int32?
    ) throws {
        let classic = ClassicConsumer(bench, isCooperative: true, namesGeneration: true)
        let (first, second) = (NewConsumer("n"), NewConsumer("m"))
        bench.beat(first)
        settle([classic], [first])
        let had = try #require(bench.consumerGroup?.members[classic.id])
        #expect(had.assigned.count == 3 && had.epoch == classic.generation)
        // Now each is to have two.
        bench.beat(second)
        #expect(second.owned.isEmpty)
        let late = bench.join(classic.id, generation: behind.map { classic.generation - $0 } ?? -1)
        #expect(late.response?.errorCode == ErrorCode.none)
        let has = try #require(bench.consumerGroup?.members[classic.id])
        bench.beat(second)
        if behind == 1 {
            #expect(has.held == had.held && has.state == .unrevokedPartitions)
            #expect(second.owned.isEmpty)
            settle([classic], [first, second])
            #expect(shares([classic], [first, second]) == [0, 1, 2, 3, 4, 5] && classic.owned.count == 2)
        } else {
            #expect(has.assigned.count == 2 && second.owned.count == 1)
        }
    }

    @Test func `a member that joins and does not ask for its assignment is out`() {
        let new = NewConsumer("n")
        bench.beat(new)
        let joined = bench.join(rebalanceMs: 3000, version: 3)
        #expect(joined.response?.errorCode == ErrorCode.none)
        bench.advance(ms: 2999)
        #expect(bench.consumerGroup?.members.count == 2)
        bench.advance(ms: 1)
        #expect(bench.consumerGroup?.members.count == 1)
    }

    @Test func `a static member changes its protocol and keeps its place`() {
        let classic = [ClassicConsumer(bench, instance: "i"), ClassicConsumer(bench)]
        settle(classic, [])
        let new = NewConsumer("n", instance: "i")
        bench.beat(new)
        settle([classic[1]], [new])
        #expect(bench.consumerGroup?.members.sortedNames == ["n", classic[1].id].sorted())
        #expect(shares([classic[1]], [new]) == [0, 1, 2, 3, 4, 5])
        #expect(bench.heartbeat(classic[0].id, 1, instance: "i") == .fencedInstanceId)
        // And back, which makes the group classic.
        let back = ClassicConsumer(bench, instance: "i")
        settle([back, classic[1]], [])
        #expect(bench.consumerGroup == nil && shares([back, classic[1]], []) == [0, 1, 2, 3, 4, 5])
    }

    @Test func `a static member that is alone makes its group classic`() throws {
        let new = NewConsumer("n", instance: "i")
        bench.beat(new)
        let epoch = new.epoch
        let back = ClassicConsumer(bench, instance: "i")
        settle([back], [])
        #expect(bench.consumerGroup == nil && bench.classic()?.state == .stable && back.owned.count == 6)
        #expect(bench.classic()?.generation == epoch + 1, "generations go on where epochs were")
        #expect(try bench.reloaded().groups["g"]?.consumer == nil)
    }

    @Test func `a classic static member that shares no assignor with the others changes nothing`() {
        let classic = ClassicConsumer(bench)
        let new = NewConsumer("n", instance: "i")
        settle([classic], [])
        bench.beat(new)
        settle([classic], [new])
        let before = bench.log.endOffset
        let refused = bench.join(instance: "i", protocols: ["mine"]).response
        #expect(refused?.errorCode == .inconsistentGroupProtocol)
        #expect(bench.consumerGroup?.members["n"] != nil && bench.log.endOffset == before)
    }

    @Test func `when the last member of the new protocol is not heard of any more the group is classic again`() {
        let classic = ClassicConsumer(bench)
        let new = NewConsumer("n")
        bench.beat(new)
        settle([classic], [new])
        for _ in 0..<12 {
            classic.step()
            bench.advance(ms: 5000)
        }
        settle([classic], [])
        #expect(bench.classic()?.state == .stable && classic.owned.count == 6)
    }

    @Test func `the protocol is offered only where it is configured`() {
        var settings = GroupBench.settings
        settings.hasConsumerProtocol = false
        #expect(GroupBench(settings).beat(NewConsumer("n")).errorCode == .unsupportedVersion)
    }
}
