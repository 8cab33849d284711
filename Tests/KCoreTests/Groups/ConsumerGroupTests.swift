import Synchronization
import Testing

@testable import KCore

/// The new protocol (KIP-848), and a client that follows it.
@Suite struct ConsumerGroupTests {
    let bench = GroupBench()
    var topics: TopicsForGroups { bench.topics }

    @discardableResult
    private func beat(_ consumer: NewConsumer, epoch: Int32? = nil, group: String = "g")
        -> ConsumerGroupHeartbeatResponse
    { bench.beat(consumer, epoch: epoch, group: group) }

    private func settle(_ consumers: [NewConsumer]) {
        for _ in 0..<6 { for consumer in consumers { beat(consumer) } }
    }

    private func owned(_ consumer: NewConsumer, _ topic: String = "t") -> [Int32] {
        consumer.owned[topics.id(topic)].sorted()
    }

    private var group: ConsumerGroup { bench.machine.groups["g"]?.consumer ?? ConsumerGroup(id: "none") }

    @Test func `a member that is alone has everything at once`() {
        let consumer = NewConsumer("a")
        let answer = beat(consumer)
        #expect(answer.memberEpoch == 1 && answer.heartbeatIntervalMs == 5000)
        #expect(owned(consumer) == [0, 1, 2, 3, 4, 5])
        #expect(group.state == "Stable")
    }

    @Test func `what one gives up another gets, and nobody has it meanwhile`() throws {
        let (a, b) = (NewConsumer("a"), NewConsumer("b"))
        beat(a)
        beat(b)
        #expect(owned(b).isEmpty && b.epoch == 2, "it waits for what is still another's")
        beat(b)
        #expect(owned(b).isEmpty && group.state == "Reconciling")
        let told = beat(a)
        #expect(owned(a).count == 3 && told.memberEpoch == 1, "it is in its old epoch until it says that it gave up")
        beat(b)
        #expect(owned(b).isEmpty)
        beat(a)
        #expect(a.epoch == 2)
        beat(b)
        #expect((owned(a) + owned(b)).sorted() == [0, 1, 2, 3, 4, 5] && owned(b).count == 3)
        #expect(group.state == "Stable")
        let reloaded = try bench.reloaded().groups["g"]?.consumer
        #expect(reloaded?.members == group.members && reloaded?.target == group.target)
        #expect(reloaded?.epoch == group.epoch && reloaded?.targetEpoch == group.targetEpoch)
        #expect(reloaded?.topics == group.topics)
    }

    @Test func `epochs fence whoever is behind or ahead`() {
        let (a, b) = (NewConsumer("a"), NewConsumer("b"))
        beat(a)
        beat(b)
        settle([a, b])
        #expect(beat(a, epoch: a.epoch + 1).errorCode == .fencedMemberEpoch)
        #expect(beat(NewConsumer("forged"), epoch: 1).errorCode == .unknownMemberId)
        let lost = a.epoch
        beat(b, epoch: -1)
        let before = a.owned
        beat(a)
        #expect(a.epoch > lost && owned(a).count == 6)
        // The answer was lost: it comes with what it had.
        a.owned = before
        #expect(beat(a, epoch: lost).errorCode == ErrorCode.none)
        #expect(owned(a).count == 6)
        #expect(beat(a, epoch: lost - 1).errorCode == .fencedMemberEpoch)
    }

    @Test func `only members of the present epoch commit and fetch`() {
        let a = NewConsumer("a")
        beat(a)
        #expect(bench.commit(3, "a", a.epoch, version: 9) == ErrorCode.none)
        #expect(bench.commit(4, "a", a.epoch - 1, version: 9) == .staleMemberEpoch)
        #expect(bench.commit(4, "b", a.epoch, version: 9) == .unknownMemberId)
        #expect(bench.commit(4, version: 9) == .unknownMemberId)
        #expect(bench.commit(4, "a", a.epoch, version: 8) == .unsupportedVersion)
        var request = OffsetFetchRequest.OffsetFetchRequestGroup()
        request.groupId = "g"
        request.memberId = "a"
        request.memberEpoch = a.epoch - 1
        #expect(bench.machine.fetchOffsets(request, requireStable: false).errorCode == .staleMemberEpoch)
        #expect(bench.fetch().committedOffset == 3)
        #expect(bench.delete() == .nonEmptyGroup && bench.deleteOffset() == .groupSubscribedToTopic)
    }

    @Test func `who is silent or does not give up in time is out`() {
        let (a, b) = (NewConsumer("a"), NewConsumer("b"))
        beat(a)
        beat(b)
        bench.advance(ms: 20_000)
        beat(a)
        for _ in 0..<4 {
            bench.advance(ms: 10_000)
            // It still says that it has everything.
            a.owned[topics.id("t")] = [0, 1, 2, 3, 4, 5]
            beat(a)
            beat(b)
        }
        #expect(a.error == .unknownMemberId)
        #expect(owned(b).count == 6)
        bench.advance(ms: 45_000)
        #expect(group.members.isEmpty && group.state == "Empty")
        #expect(beat(b).errorCode == .unknownMemberId)
    }

    @Test(arguments: ["uniform", "range"])
    func `members whose ids differ in bytes only are two, each with partitions of its own`(assignor: String) throws {
        let (a, b) = (NewConsumer("caf\u{E9}"), NewConsumer("cafe\u{301}"))
        for consumer in [a, b] {
            consumer.assignor = assignor
            #expect(Array(beat(consumer).memberId?.utf8 ?? "".utf8) == Array(consumer.id.utf8))
        }
        settle([a, b])
        #expect(group.members.count == 2 && owned(a).count == 3)
        #expect((owned(a) + owned(b)).sorted() == [0, 1, 2, 3, 4, 5])
        #expect(try bench.reloaded().groups["g"]?.consumer?.target == group.target && group.target.count == 2)
        beat(b, epoch: -1)
        #expect(beat(b, epoch: b.epoch).errorCode == .unknownMemberId)
        settle([a])
        #expect(owned(a).count == 6 && a.error == ErrorCode.none)
        bench.advance(ms: 45_000)
        #expect(group.members.isEmpty)
    }

    @Test func `static members keep their place when they say that they will be back`() {
        let (a, b) = (NewConsumer("a", instance: "i"), NewConsumer("b"))
        beat(a)
        beat(b)
        settle([a, b])
        let had = owned(a)
        let epoch = group.epoch
        #expect(beat(NewConsumer("other", instance: "i")).errorCode == .unreleasedInstanceId)
        #expect(beat(a, epoch: -2).memberEpoch == -2)
        settle([b])
        #expect(owned(b).count == 3)
        let back = NewConsumer("a2", instance: "i")
        beat(back)
        settle([back, b])
        #expect(owned(back) == had)
        #expect(group.members.sortedNames == ["a2", "b"])
        #expect(group.epoch <= epoch + 1)
        a.epoch = epoch
        #expect(beat(a).errorCode == .fencedInstanceId)
        beat(back, epoch: -1)
        settle([b])
        #expect(owned(b).count == 6)
    }

    @Test func `what a static member sent before it left for now is late, and changes nothing`() {
        let (a, b) = (NewConsumer("a", instance: "i"), NewConsumer("b"))
        beat(a)
        beat(b)
        let told = beat(a)
        #expect(told.memberEpoch == 1 && owned(a).count == 3)
        beat(a, epoch: -2)
        let before = bench.log.endOffset
        #expect(beat(a, epoch: 1).errorCode == .fencedMemberEpoch)
        #expect(bench.log.endOffset == before && group.members["a"]?.epoch == -2)
    }

    @Test func `a static member that left for now is waited for as long as its session goes`() throws {
        let (a, b) = (NewConsumer("a", instance: "i"), NewConsumer("b"))
        beat(a)
        beat(b)
        beat(a)
        #expect(group.members["a"]?.state == .unrevokedPartitions)
        bench.advance(ms: 10_000)
        beat(a, epoch: -2)
        // It had 30 s to give up partitions, and its session has 45.
        bench.advance(ms: 34_000)
        #expect(group.members["a"]?.epoch == -2)
        try bench.restart()
        bench.advance(ms: 44_000)
        #expect(group.members["a"]?.epoch == -2)
        bench.advance(ms: 2000)
        #expect(group.members["a"] == nil)
    }

    @Test func `patterns follow topics that come`() {
        let a = NewConsumer("a", topics: [], pattern: "^(t|new-.*)$")
        beat(a)
        #expect(owned(a).count == 6 && owned(a, "u").isEmpty)
        topics.add("new-one", 2)
        settle([a])
        #expect(owned(a, "new-one") == [0, 1])
    }

    @Test func `patterns are not looked at again while there are the same topics`() {
        let (a, b) = (NewConsumer("a", topics: [], pattern: "t|u"), NewConsumer("b", topics: [], pattern: "t|u"))
        beat(a)
        beat(b)
        #expect(group.patterns.count == 1)
        let looked = group.patterns["t|u"]?.topicNamesOffset
        topics.add("t", 8)
        settle([a, b])
        #expect(owned(a).count + owned(b).count == 8 && group.knownImageOffset == topics.image.lastOffset)
        #expect(group.patterns["t|u"]?.topicNamesOffset == looked)
        topics.add("v", 1)
        beat(a)
        #expect(group.patterns["t|u"]?.topicNamesOffset == topics.image.lastOffset)
    }

    @Test func `members with patterns have what is there, and lose what goes`() throws {
        let (a, b) = (
            NewConsumer("a", topics: [], pattern: "(?i)T|new-.*"), NewConsumer("b", topics: ["u"], pattern: "T")
        )
        beat(a)
        beat(b)
        settle([a, b])
        #expect(owned(a).count == 6 && owned(b, "u").count == 2 && owned(b).isEmpty, "T is no topic's name")
        topics.add("new-one", 2)
        topics.add("__consumer_offsets", 1)
        settle([a, b])
        #expect(owned(a, "new-one") == [0, 1] && owned(a, "__consumer_offsets").isEmpty)
        try bench.restart()
        topics.remove("new-one")
        settle([a, b])
        #expect(a.owned.count == 6 && group.topics.map(\.name) == ["t", "u"])
        // The other takes a new pattern, and then none.
        b.pattern = "[tu]"
        settle([a, b])
        #expect(owned(a).count == 4 && owned(b).count == 2 && group.patterns.count == 2)
        b.pattern = ""
        settle([a, b])
        #expect(owned(a).count == 6 && owned(b, "u").count == 2 && group.patterns.count == 1)
        a.pattern = "nothing.*"
        settle([a, b])
        #expect(a.owned.isEmpty && group.topics.map(\.name) == ["u"])
    }

    @Test func `of several things that are wrong Kafka's first is told`() {
        func refusal(_ consumer: NewConsumer, epoch: Int32, group: String = "g") -> ErrorCode {
            beat(consumer, epoch: epoch, group: group).errorCode
        }
        let bad = NewConsumer("bad", topics: [], pattern: "(")
        // The request, the group, the member, its epoch, its pattern.
        for epoch in [7, -1] as [Int32] { #expect(refusal(bad, epoch: epoch) == .groupIdNotFound) }
        #expect(refusal(NewConsumer("a", instance: "i"), epoch: -2) == .groupIdNotFound)
        bad.assignor = "magic"
        #expect(refusal(bad, epoch: 7) == .unsupportedAssignor)
        #expect(refusal(bad, epoch: 7, group: "") == .invalidRequest)
        bad.assignor = nil
        _ = bench.commit(1, group: "offsets only")
        #expect(refusal(bad, epoch: 7, group: "offsets only") == .groupIdNotFound)
        #expect(bench.log.endOffset == 1)
        let a = NewConsumer("a")
        beat(a)
        #expect(refusal(bad, epoch: 7) == .unknownMemberId && refusal(bad, epoch: -1) == .unknownMemberId)
        #expect(
            refusal(bad, epoch: 0) == .invalidRegularExpression
                && bench.machine.groups["g"]?.consumer?.members.count == 1)
        a.pattern = "("
        #expect(refusal(a, epoch: a.epoch + 1) == .fencedMemberEpoch)
        #expect(refusal(a, epoch: a.epoch) == .invalidRegularExpression)
        #expect(refusal(NewConsumer("a", instance: "nobody"), epoch: a.epoch) == .unknownMemberId)
    }

    @Test func `a full group has no room for who is no member, but for a static member that is back`() {
        var settings = GroupBench.settings
        settings.consumerMaxSize = 2
        let bench = GroupBench(settings)
        let a = NewConsumer("a", instance: "i")
        bench.beat(a)
        bench.beat(NewConsumer("b"))
        #expect(bench.beat(NewConsumer("c")).errorCode == .groupMaxSizeReached)
        #expect(bench.beat(NewConsumer("c"), epoch: 3).errorCode == .groupMaxSizeReached)
        #expect(bench.beat(a).errorCode == ErrorCode.none)
        bench.beat(a, epoch: -2)
        #expect(bench.beat(NewConsumer("a again", instance: "i")).errorCode == ErrorCode.none)
        #expect(bench.consumerGroup?.members.sortedNames == ["a again", "b"])
    }

    @Test func `a broker without the new protocol says so before anything else`() {
        var settings = GroupBench.settings
        settings.hasConsumerProtocol = false
        let bench = GroupBench(settings)
        #expect(bench.beat(NewConsumer(""), group: "").errorCode == .unsupportedVersion)
        #expect(bench.machine.describeConsumer("", bench.topics.image).errorCode == .unsupportedVersion)
        #expect(self.bench.machine.describeConsumer("", topics.image).errorCode == .invalidGroupId)
        // A coordinator that cannot be asked is what is told last.
        let request = ConsumerGroupHeartbeatRequest()
        #expect(request.refused(.notCoordinator, version: 1, settings).errorCode == .unsupportedVersion)
        #expect(request.refused(.notCoordinator, version: 1, GroupSettings()).errorCode == .invalidRequest)
    }

    @Test func `new partitions and topics that go are seen`() {
        let a = NewConsumer("a", topics: ["t", "u", "not yet"])
        beat(a)
        #expect(a.owned.count == 8)
        topics.add("u", 5)
        topics.add("not yet", 1)
        settle([a])
        #expect(owned(a, "u").count == 5 && owned(a, "not yet") == [0])
        topics.remove("t")
        settle([a])
        #expect(a.owned.count == 6)
    }

    @Test func `the assignor that most ask for assigns, and one that is not known is refused`() {
        let (a, b) = (NewConsumer("a", topics: ["t", "u"]), NewConsumer("b", topics: ["t", "u"]))
        a.assignor = "range"
        beat(a)
        beat(b)
        settle([a, b])
        #expect(owned(a) == [0, 1, 2] && owned(a, "u") == [0])
        b.assignor = "magic"
        #expect(beat(b).errorCode == .unsupportedAssignor)
        #expect(bench.machine.describeConsumer("g", topics.image).assignorName == "range")
        let described = bench.machine.describeConsumer("g", topics.image)
        #expect(described.members.map(\.memberId) == ["a", "b"] && described.groupState == "Stable")
        #expect(described.members[0].assignment.topicPartitions.map(\.topicName).sorted() == ["t", "u"])
        #expect(bench.machine.describeConsumer("no", topics.image).errorCode == .groupIdNotFound)
        #expect(bench.machine.list(states: [], types: ["consumer"]).map(\.groupState) == ["Stable"])
    }

    @Test func `errors that repeat a name from a request can be told, however long it is`() throws {
        func check<Answer: WireStruct>(_ answer: Answer) throws {
            var encoder = WireEncoder(version: 0, flexible: true)
            try answer.write(&encoder)
        }
        let name = String(repeating: "x", count: Int(Int16.max))
        var request = ConsumerGroupHeartbeatRequest()
        (request.groupId, request.memberId, request.memberEpoch, request.serverAssignor) = ("g", "a", 1, name)
        let refused = request.refused(.notCoordinator, version: 1, GroupSettings())
        #expect(refused.errorCode == .unsupportedAssignor)
        try check(refused)
        let described = bench.machine.describeConsumer(name, topics.image)
        #expect(described.errorCode == .groupIdNotFound)
        try check(described)
    }

    @Test func `what no client may say is refused and changes nothing`() {
        let a = NewConsumer("a")
        beat(a)
        let before = bench.log.endOffset
        #expect(beat(a, epoch: -3).errorCode == .invalidRequest)
        #expect(beat(NewConsumer("", topics: ["t"])).errorCode == .invalidRequest)
        var silent = ConsumerGroupHeartbeatRequest()
        (silent.groupId, silent.memberId, silent.rebalanceTimeoutMs, silent.topicPartitions) = ("g", "x", 1000, [])
        #expect(bench.send(silent).errorCode == .invalidRequest)
        #expect(beat(NewConsumer("x", instance: "")).errorCode == .invalidRequest)
        #expect(beat(NewConsumer("x"), epoch: -2).errorCode == .invalidRequest)
        #expect(beat(NewConsumer("x"), group: "").errorCode == .invalidRequest)
        #expect(bench.log.endOffset == before)
    }

    @Test func `a group without members becomes one of the other kind, with its offsets`() throws {
        let ids = bench.stableGroup(1)
        _ = bench.commit(7, ids[0], bench.classic()?.generation ?? 0)
        _ = bench.leave(ids[0])
        let a = NewConsumer("a")
        #expect(beat(a).errorCode == ErrorCode.none && a.epoch == 1)
        #expect(bench.fetch().committedOffset == 7)
        beat(a, epoch: -1)
        #expect(group.state == "Empty")
        let back = bench.join(version: 3)
        bench.advance(ms: 0)
        #expect(back.response?.errorCode == ErrorCode.none)
        #expect(bench.fetch().committedOffset == 7)
        #expect(try bench.reloaded().groups["g"]?.consumer == nil)
    }

    @Test func `records that compaction has put into another order make the same group`() throws {
        let (a, b) = (NewConsumer("a"), NewConsumer("b"))
        beat(a)
        beat(b)
        settle([a, b])
        var last: [Bytes: GroupRecord] = [:]
        for batch in bench.log.state.withLock({ $0.batches }) {
            for record in try RecordBatchReader(batch).allRecords() {
                guard let key = record.key else { continue }
                last[key] = try GroupRecord(key: key, value: record.value)
            }
        }
        for order in [{ $0 < $1 }, { $0 > $1 }] as [(String, String) -> Bool] {
            var machine = GroupCoordinator(settings: bench.settings)
            for (_, record) in last.sorted(by: { order("\($0.key.array)", "\($1.key.array)") }) {
                machine.replay(record, CoordinatorRecordOrigin(offset: 0, producerId: nil))
            }
            let group = machine.groups["g"]?.consumer
            #expect(group?.members == self.group.members && group?.target == self.group.target)
            #expect(group?.owner(topics.id("t"), 0) == self.group.owner(topics.id("t"), 0))
        }
    }

    @Test func `a group that nobody is in any more is deleted wholly`() throws {
        let a = NewConsumer("a")
        beat(a)
        _ = bench.commit(3, "a", a.epoch, version: 9)
        beat(a, epoch: -1)
        #expect(bench.delete() == ErrorCode.none)
        #expect(try bench.reloaded().groups.isEmpty)
    }

    @Test(arguments: 1...60) func `in any order of steps no partition has two owners`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var consumers = (0..<4).map { NewConsumer("m\($0)", instance: $0 == 3 ? "i" : nil) }
        for step in 0..<150 {
            let number = Int(random.next() % UInt64(consumers.count))
            let consumer = consumers[number]
            switch random.next() % 20 {
            case 0:
                try bench.restart()
            case 1:
                beat(consumer, epoch: -1)
                consumer.epoch = 0
                consumer.owned = TopicShares()
            case 2: bench.advance(ms: Int64(random.next() % 20_000))
            case 3:
                // Forgets everything and comes as somebody new.
                consumers[number] = NewConsumer("m\(random.next() % 1000 + 10)")
            case 4: consumer.subscription = Bool.random(using: &random) ? ["t"] : ["t", "u"]
            case 5: beat(consumer, epoch: Int32(random.next() % 6))
            default: beat(consumer)
            }
            if consumer.error != .none { (consumer.epoch, consumer.owned) = (0, TopicShares()) }
            // What the coordinator has given out and not got back.
            var owners: [Uuid: [Int32: String]] = [:]
            for member in group.orderedMembers {
                for (topic, partitions) in member.held.topics {
                    for partition in partitions {
                        let other = owners[topic, default: [:]].updateValue(member.id, forKey: partition)
                        #expect(
                            other == nil,
                            "seed \(seed), step \(step): \(partition) is \(member.id)'s and \(other ?? "")'s")
                        #expect(group.owner(topic, partition) == member.id)
                    }
                }
            }
            let reloaded = try bench.reloaded().groups["g"]?.consumer
            #expect((reloaded?.members ?? NameMap()) == group.members, "seed \(seed), step \(step)")
        }
    }
}
