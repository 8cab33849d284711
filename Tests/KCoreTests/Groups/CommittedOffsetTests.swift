import Glibc
import Synchronization
import Testing

@testable import KCore

@Suite struct CommittedOffsetTests {
    let bench = GroupBench()
    private let minute: Int64 = 60_000

    @Test func `only members of this generation commit`() {
        let ids = bench.stableGroup(2)
        let generation = bench.classic()?.generation ?? 0
        #expect(bench.commit(5, ids[0], generation, metadata: "note") == ErrorCode.none)
        #expect(bench.commit(6, ids[0], generation - 1) == .illegalGeneration)
        #expect(bench.commit(6, ids[0], generation + 1) == .illegalGeneration)
        #expect(bench.commit(6, "forged", generation) == .unknownMemberId)
        #expect(bench.commit(6) == .unknownMemberId)
        #expect(bench.commit(6, ids[0], -1) == .illegalGeneration)
        let found = bench.fetch()
        #expect(found.committedOffset == 5 && found.metadata == "note")
        #expect(bench.fetch("other").committedOffset == -1)
    }

    @Test func `a group without members takes offsets from whoever says that it has none`() throws {
        #expect(bench.commit(7, group: "simple") == ErrorCode.none)
        #expect(bench.commit(8, "m", 3, group: "other") == .illegalGeneration)
        #expect(bench.commit(8, "m", 3, group: "other", version: 9) == .groupIdNotFound)
        #expect(bench.machine.groups["other"] == nil)
        #expect(try bench.reloaded().groups["simple"]?.offsets.find("t", 0)?.offset == 7)
        #expect(bench.machine.describe("simple").groupState == "Empty")
        #expect(bench.machine.describe("other").groupState == "Dead")
        #expect(bench.machine.list(states: ["empty"], types: ["classic"]).map(\.groupId) == ["simple"])
        #expect(bench.machine.list(states: ["stable"], types: []).isEmpty)
        #expect(bench.machine.list(states: [], types: ["consumer"]).isEmpty)
    }

    @Test func `a note that is too long is refused, and nothing else`() {
        var settings = GroupBench.settings
        settings.offsetMetadataMaxBytes = 4
        let bench = GroupBench(settings)
        #expect(bench.commit(1, metadata: "überß") == .offsetMetadataTooLarge)
        #expect(bench.commit(1, metadata: "four") == ErrorCode.none)
    }

    @Test func `a commit says that its member lives`() {
        let ids = bench.stableGroup(1)
        let generation = bench.classic()?.generation ?? 0
        for offset in 0..<5 {
            bench.advance(ms: 9000)
            #expect(bench.commit(Int64(offset), ids[0], generation) == ErrorCode.none)
        }
        bench.advance(ms: 10_000)
        #expect(bench.commit(9, ids[0], generation) == .unknownMemberId)
    }

    @Test func `offsets of a group with members stay, those of a group without go after the retention`() throws {
        var settings = GroupBench.settings
        settings.offsetsRetentionMs = 100 * minute
        let bench = GroupBench(settings)
        let ids = bench.stableGroup(1, topics: ["t"])
        let generation = bench.classic()?.generation ?? 0
        _ = bench.commit(1, ids[0], generation)
        _ = bench.commit(1, ids[0], generation, topic: "no longer read")
        for _ in 0..<(150 * 8) {
            bench.advance(ms: 7500)
            _ = bench.heartbeat(ids[0], generation)
        }
        #expect(bench.fetch().committedOffset == 1)
        #expect(bench.fetch("no longer read").committedOffset == -1)
        _ = bench.leave(ids[0])
        bench.advance(ms: 90 * minute)
        #expect(bench.fetch().committedOffset == 1, "idle since the last member left, not since the commit")
        bench.advance(ms: 20 * minute)
        #expect(bench.machine.groups.isEmpty)
        #expect(try bench.reloaded().groups.isEmpty)
    }

    @Test func `offsets of a consumer group stay for the retention after its last member went, however old they are`()
        throws
    {
        var settings = GroupBench.settings
        settings.offsetsRetentionMs = 100 * minute
        let bench = GroupBench(settings)
        let consumer = NewConsumer("a")
        bench.beat(consumer)
        #expect(bench.commit(1, "a", consumer.epoch, version: 9) == ErrorCode.none)
        #expect(bench.commit(1, "a", consumer.epoch, topic: "no longer read", version: 9) == ErrorCode.none)
        for _ in 0..<(150 * 2) {
            bench.advance(ms: minute / 2)
            bench.beat(consumer)
        }
        #expect(bench.fetch().committedOffset == 1)
        #expect(bench.fetch("no longer read").committedOffset == -1)
        bench.beat(consumer, epoch: -1)
        bench.advance(ms: 60 * minute)
        try bench.restart()
        bench.advance(ms: 30 * minute)
        #expect(bench.fetch().committedOffset == 1, "idle since the last member left, not since the commit")
        bench.advance(ms: 20 * minute)
        #expect(bench.machine.groups.isEmpty)
        #expect(try bench.reloaded().groups.isEmpty)
    }

    @Test func `what is committed for a consumer group without members counts from then`() {
        var settings = GroupBench.settings
        settings.offsetsRetentionMs = 100 * minute
        let bench = GroupBench(settings)
        let consumer = NewConsumer("a")
        bench.beat(consumer)
        #expect(bench.commit(1, "a", consumer.epoch, partition: 1, version: 9) == ErrorCode.none)
        bench.beat(consumer, epoch: -1)
        bench.advance(ms: 90 * minute)
        #expect(bench.consumerGroup?.state == "Empty")
        #expect(bench.commit(1) == ErrorCode.none)
        bench.advance(ms: 90 * minute)
        #expect(bench.fetch().committedOffset == 1 && bench.fetch("t", 1).committedOffset == -1)
        bench.advance(ms: 20 * minute)
        #expect(bench.machine.groups.isEmpty)
    }

    @Test func `an offset with a time of its own goes then`() {
        _ = bench.commit(1, retentionMs: 30 * minute)
        _ = bench.commit(2, topic: "kept")
        bench.advance(ms: 25 * minute)
        #expect(bench.fetch().committedOffset == 1)
        bench.advance(ms: 10 * minute)
        #expect(bench.fetch().committedOffset == -1)
        #expect(bench.fetch("kept").committedOffset == 2)
    }

    @Test func `groups without members are deleted with all they have`() throws {
        let ids = bench.stableGroup(1)
        _ = bench.commit(1, ids[0], bench.classic()?.generation ?? 0)
        #expect(bench.delete() == .nonEmptyGroup)
        #expect(bench.deleteOffset() == .groupSubscribedToTopic)
        _ = bench.leave(ids[0])
        #expect(bench.delete() == ErrorCode.none)
        #expect(bench.delete() == .groupIdNotFound)
        #expect(bench.deleteOffset() == .groupIdNotFound)
        #expect(try bench.reloaded().groups.isEmpty)
    }

    @Test func `single offsets are deleted where nobody reads`() throws {
        _ = bench.commit(1)
        _ = bench.commit(2, topic: "other")
        #expect(bench.deleteOffset() == ErrorCode.none)
        #expect(bench.deleteOffset("t", 9) == ErrorCode.none)
        #expect(bench.fetch().committedOffset == -1)
        #expect(try bench.reloaded().groups["g"]?.offsets == bench.machine.groups["g"]?.offsets)
        let connect = bench.join(group: "workers", type: "connect", version: 3)
        bench.advance(ms: 0)
        #expect(connect.response?.errorCode == ErrorCode.none)
        #expect(bench.deleteOffset(group: "workers") == .nonEmptyGroup)
    }

    @Test func `offsets of a topic that is gone go with it`() throws {
        _ = bench.commit(1)
        _ = bench.commit(2, topic: "other")
        _ = bench.partition.ask { machine, turn in machine.forgetTopics(&turn) { $0 == "t" } }
        bench.partition.flush()
        #expect(bench.fetch().committedOffset == -1 && bench.fetch("other").committedOffset == 2)
        #expect(try bench.reloaded().groups["g"]?.offsets == bench.machine.groups["g"]?.offsets)
    }

    @Test func `an offset of a topic that is gone does not come back with the transaction that holds it`() throws {
        let producer = CoordinatorProducer(id: 4, epoch: 0)
        _ = bench.commit(5, in: producer)
        _ = bench.commit(6, in: producer, topic: "other")
        _ = bench.partition.ask { machine, turn in machine.forgetTopics(&turn) { $0 == "t" } }
        bench.partition.flush()
        bench.end(producer, commits: true)
        #expect(bench.fetch().committedOffset == -1 && bench.fetch("other").committedOffset == 6)
        #expect(try bench.reloaded().groups["g"]?.offsets == bench.machine.groups["g"]?.offsets)
    }

    @Test func `offsets that a log has are not those of a topic that was made anew since it began to be read`() {
        #expect(bench.commit(5) == ErrorCode.none)
        #expect(bench.commit(6, topic: "u") == ErrorCode.none)
        let before = bench.topics.image
        bench.topics.remove("t")
        bench.topics.add("t", 6)
        let now = bench.topics.image
        _ = bench.partition.ask { machine, turn in machine.forgetTopicsGone(before: before, now: now, &turn) }
        bench.partition.flush()
        #expect(bench.fetch().committedOffset == -1 && bench.fetch("u").committedOffset == 6)
    }

    @Test func `partitions that do not exist are refused, whoever commits, and in transactions too`() {
        bench.exists = { topic, partition in topic == "t" && partition < 2 }
        let producer = CoordinatorProducer(id: 4, epoch: 0)
        #expect(bench.commit(1, partition: 1) == ErrorCode.none)
        #expect(bench.commit(1, partition: 2) == .unknownTopicOrPartition)
        #expect(bench.commit(1, topic: "other") == .unknownTopicOrPartition)
        #expect(bench.commit(1, "forged", 3, topic: "other") == .unknownTopicOrPartition)
        #expect(bench.commit(1, in: producer, partition: 2) == .unknownTopicOrPartition)
        #expect(bench.commit(1, in: producer, topic: "other") == .unknownTopicOrPartition)
        bench.end(producer, commits: true)
        #expect(bench.fetch("t", 1).committedOffset == 1)
        #expect(bench.fetch("t", 2).committedOffset == -1 && bench.fetch("other").committedOffset == -1)
    }

    @Test func `a commit that the log has no room for is refused`() {
        var settings = GroupBench.settings
        settings.maxRecordBytes = 200
        let bench = GroupBench(settings)
        #expect(bench.commit(1, metadata: String(repeating: "n", count: 200)) == .invalidCommitOffsetSize)
        #expect(bench.commit(1, metadata: "note") == ErrorCode.none)
    }

    @Test func `groups whose names differ in bytes only have offsets of their own`() throws {
        #expect(bench.commit(5, group: "caf\u{E9}") == ErrorCode.none)
        #expect(bench.commit(9, group: "cafe\u{301}") == ErrorCode.none)
        #expect(bench.fetch(group: "caf\u{E9}").committedOffset == 5)
        #expect(bench.machine.list(states: [], types: []).count == 2)
        let deleted = bench.ask({ $0 }) { machine, turn, reply in
            turn.send(machine.deleteGroup("cafe\u{301}", &turn), to: reply)
        }
        #expect(deleted.response == ErrorCode.none)
        #expect(bench.fetch(group: "caf\u{E9}").committedOffset == 5)
        #expect(try bench.reloaded().groups["cafe\u{301}"] == nil)
    }

    @Test func `offsets of a deleted topic are forgotten however many they are, and however small segments are`() throws
    {
        for partition: Int32 in 0..<400 {
            #expect(bench.commit(1, group: "big", partition: partition) == ErrorCode.none)
        }
        #expect(bench.commit(1, group: "other", topic: "u") == ErrorCode.none)
        bench.log.state.withLock { $0.maxBatchBytes = 2000 }
        bench.partition.run(Pending<Bool>().reply { _ in false }) { machine, turn, _ in
            machine.forgetTopics(&turn) { $0 == "t" }
        }
        bench.partition.flush()
        #expect(bench.partition.phase == .active)
        #expect(try bench.reloaded().groups["big"] == nil)
        #expect(bench.fetch("u", group: "other").committedOffset == 1)
    }

    @Test func `sessions of many groups end together, however small segments are`() throws {
        let names = (0..<60).map { "group \($0)" }
        for name in names { _ = bench.joinNew(group: name) }
        bench.advance(ms: 1)
        for name in names {
            let group = try #require(bench.classic(name))
            let id = try #require(group.members.keys.first)
            _ = bench.sync(id, group.generation, group: name, assignments: [id: "share"])
        }
        bench.log.state.withLock { $0.maxBatchBytes = 2000 }
        try bench.restart()
        bench.advance(ms: 10_000)
        #expect(bench.partition.phase == .active)
        #expect(names.allSatisfy { bench.classic($0)?.state == .empty })
    }

    @Test(arguments: [Int64.min, Int64.max])
    func `an offset that was committed at an impossible time traps nobody`(timestampMs: Int64) throws {
        var value = OffsetCommitValue()
        value.offset = 5
        value.commitTimestamp = timestampMs
        bench.partition.run(Pending<Bool>().reply { _ in false }) { machine, turn, _ in
            machine.write(.offsetCommit(OffsetCommitKey(group: "g", topic: "t", partition: 0), value), &turn)
        }
        bench.partition.flush()
        try bench.restart()
        bench.advance(ms: 20 * minute)
        #expect(bench.partition.phase == .active)
    }

    @Test func `an offset that only a transaction holds can be deleted, and does not come back`() {
        let producer = CoordinatorProducer(id: 4, epoch: 0)
        _ = bench.commit(5, in: producer)
        #expect(bench.deleteOffset() == ErrorCode.none)
        bench.end(producer, commits: true)
        #expect(bench.fetch().committedOffset == -1)
        _ = bench.commit(6)
        bench.exists = { _, _ in false }
        #expect(bench.deleteOffset() == .unknownTopicOrPartition)
        #expect(bench.fetch().committedOffset == 6)
    }

    @Test func `an offset may be asked to be kept for longer than there are numbers`() throws {
        #expect(bench.commit(1, retentionMs: .max) == ErrorCode.none)
        bench.advance(ms: 1000 * minute)
        #expect(bench.fetch().committedOffset == 1)
        #expect(try bench.reloaded().groups["g"]?.offsets.find("t", 0)?.offset == 1)
    }

    @Test func `what a transaction commits counts when it commits`() throws {
        let producer = CoordinatorProducer(id: 4, epoch: 0)
        _ = bench.commit(1)
        #expect(bench.commit(5, in: producer) == ErrorCode.none)
        #expect(bench.fetch().committedOffset == 1)
        #expect(bench.fetch(stable: true).errorCode == .unstableOffsetCommit)
        try bench.restart()
        #expect(bench.fetch(stable: true).errorCode == .unstableOffsetCommit)
        bench.end(producer, commits: false)
        #expect(bench.fetch(stable: true).committedOffset == 1)
        _ = bench.commit(6, in: producer)
        bench.end(producer, commits: true)
        #expect(bench.fetch(stable: true).committedOffset == 6)
        #expect(try bench.reloaded().groups["g"]?.offsets == bench.machine.groups["g"]?.offsets)
    }

    @Test func `an offset is pending until the last transaction that has it ends, or until it is forgotten`() throws {
        let (one, other) = (CoordinatorProducer(id: 4, epoch: 0), CoordinatorProducer(id: 5, epoch: 0))
        _ = bench.commit(5, in: one)
        _ = bench.commit(6, in: other)
        _ = bench.commit(7, in: other, partition: 1)
        bench.end(one, commits: true)
        #expect(bench.fetch(stable: true).errorCode == .unstableOffsetCommit)
        #expect(bench.fetch().committedOffset == 5)
        #expect(bench.deleteOffset() == ErrorCode.none)
        #expect(bench.fetch(stable: true).errorCode == ErrorCode.none)
        #expect(bench.fetch("t", 1, stable: true).errorCode == .unstableOffsetCommit)
        bench.end(other, commits: true)
        #expect(
            bench.fetch(stable: true).committedOffset == -1 && bench.fetch("t", 1, stable: true).committedOffset == 7)
        #expect(try bench.reloaded().groups["g"]?.offsets == bench.machine.groups["g"]?.offsets)
    }

    @Test func `whether an offset is pending takes no longer where a thousand transactions are open`() {
        // Of this thread alone: what others do meanwhile is not counted.
        func usedNs() -> Int64 {
            var used = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used)
            return Int64(used.tv_sec) * 1_000_000_000 + Int64(used.tv_nsec)
        }
        func time(_ transactions: Int64) -> Int64 {
            var offsets = GroupOffsets()
            var value = OffsetCommitValue()
            value.offset = 1
            for id in 0..<transactions { offsets.addPending(CommittedOffset(value, recordOffset: id), "t", 0, of: id) }
            let startNs = usedNs()
            for _ in 0..<50_000 where offsets.isPending("t", 1) { Issue.record("nobody has written it") }
            return usedNs() - startNs
        }
        // It is a thousand times as much when each transaction is looked at.
        #expect(time(1000) < time(1) * 50)
    }

    @Test func `a later commit is not undone by a transaction that began before it`() throws {
        let producer = CoordinatorProducer(id: 4, epoch: 0)
        _ = bench.commit(5, in: producer)
        _ = bench.commit(9)
        bench.end(producer, commits: true)
        #expect(bench.fetch().committedOffset == 9)
        #expect(try bench.reloaded().groups["g"]?.offsets == bench.machine.groups["g"]?.offsets)
    }

    @Test func `a group that is deleted does not come back with a transaction`() throws {
        let producer = CoordinatorProducer(id: 4, epoch: 0)
        _ = bench.commit(1)
        _ = bench.commit(5, in: producer)
        #expect(bench.delete() == ErrorCode.none)
        bench.end(producer, commits: true)
        #expect(bench.machine.groups.isEmpty)
        #expect(try bench.reloaded().groups.isEmpty)
    }

    @Test func `a transaction is fenced by member and generation where it says them`() {
        let ids = bench.stableGroup(1)
        let generation = bench.classic()?.generation ?? 0
        let producer = CoordinatorProducer(id: 4, epoch: 0)
        #expect(bench.commit(5, in: producer, member: ids[0], generation: generation) == ErrorCode.none)
        #expect(bench.commit(5, in: producer, member: ids[0], generation: generation - 1) == .illegalGeneration)
        #expect(bench.commit(5, in: producer, member: "forged", generation: generation) == .unknownMemberId)
        #expect(bench.commit(5, in: producer) == ErrorCode.none, "as old producers do")
    }
}
