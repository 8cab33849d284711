import Synchronization
import Testing

@testable import KCore

/// An answer that may come later.
final class Pending<Response: Sendable>: Sendable {
    private let value = Mutex<[Response]>([])

    var response: Response? { value.withLock { $0.last } }
    /// How often there was an answer: once, if all is well.
    var count: Int { value.withLock { $0.count } }

    func reply(_ refusal: @escaping @Sendable (ErrorCode) -> Response) -> CoordinatorReply<Response> {
        CoordinatorReply({ response in self.value.withLock { $0.append(response) } }, refusal: refusal)
    }
}

/// What is set for groups.
final class GroupConfigTable: Sendable {
    private let values = Mutex<[String: [String: String]]>([:])

    subscript(group: String) -> [String: String] {
        get { values.withLock { $0[group] ?? [:] } }
        set { values.withLock { $0[group] = newValue } }
    }
}

/// A group coordinator over a log in memory, with a clock that a test moves.
final class GroupBench {
    let clock: ManualClock
    let log = MemoryCoordinatorLog()
    let settings: GroupSettings
    /// What is set for groups themselves.
    let configs = GroupConfigTable()
    /// What topics there are, as members of consumer groups see it.
    let topics = TopicsForGroups(["t": 6, "u": 2])
    /// What consumers' requests come with instead.
    var image: ClusterImage?
    /// What partitions there are, as commits see it.
    var exists: GroupCoordinator.PartitionTest = { _, _ in true }
    private(set) var partition: CoordinatorPartition<GroupCoordinator>
    private let patternSlots: PatternSlots
    private var seed: UInt64

    static var settings: GroupSettings {
        var settings = GroupSettings()
        settings.initialRebalanceDelayMs = 0
        return settings
    }

    init(
        _ settings: GroupSettings = GroupBench.settings, seed: UInt64 = 1, clock: ManualClock = ManualClock(),
        patternSlots: PatternSlots = PatternSlots()
    ) {
        self.settings = settings
        self.clock = clock
        self.patternSlots = patternSlots
        self.seed = seed
        partition = CoordinatorPartition(log: log, clock: clock)
        partition.loaded(partition.beginLoading(), makeMachine(), nextOffset: 0)
    }

    private func makeMachine() -> GroupCoordinator {
        GroupCoordinator(
            settings: settings, patternSlots: patternSlots, configs: { [configs] group in configs[group] },
            random: SeededGenerator(seed: seed))
    }

    /// What a coordinator knows that has read the log, before it has done anything.
    func reloaded() throws -> GroupCoordinator {
        seed += 1
        var machine = makeMachine()
        _ = try CoordinatorLoader.load(log, into: &machine) { offset, reason in Issue.record("\(offset): \(reason)") }
        return machine
    }

    /// The coordinator is gone, and what its log says is still being read.
    func restartWithoutLoading() {
        partition.fail(.notCoordinator)
        partition = CoordinatorPartition(log: log, clock: clock)
        _ = partition.beginLoading()
    }

    /// The coordinator is gone and comes back with what the log says.
    func restart() throws {
        partition.fail(.notCoordinator)
        partition = CoordinatorPartition(log: log, clock: clock)
        partition.loaded(partition.beginLoading(), try reloaded(), nextOffset: log.endOffset)
        partition.flush()
    }

    /// Lets time pass, with all that is due on the way.
    func advance(ms: Int64) {
        let end = clock.monotonicMs + ms
        while let next = partition.machine?.nextTickMs, next <= end {
            clock.advance(ms: max(next - clock.monotonicMs, 0))
            partition.tick()
            partition.flush()
        }
        clock.advance(ms: end - clock.monotonicMs)
    }

    func ask<R>(
        _ refusal: @escaping @Sendable (ErrorCode) -> R,
        _ body: @escaping (inout GroupCoordinator, inout GroupCoordinator.Turn, CoordinatorReply<R>) -> Void
    ) -> Pending<R> {
        let pending = Pending<R>()
        partition.run(pending.reply(refusal), body)
        partition.flush()
        return pending
    }

    var machine: GroupCoordinator { partition.machine ?? GroupCoordinator(settings: settings) }
    func classic(_ group: String = "g") -> ClassicGroup? { machine.groups[group]?.classic }

    // MARK: Requests

    func join(
        _ member: String = "", group: String = "g", instance: String? = nil, protocols: [String] = ["range"],
        topics: [String] = ["t"], type: String = "consumer", sessionMs: Int32 = 10_000, rebalanceMs: Int32 = 60_000,
        version: Int16 = 9, metadata: String? = nil, owned: [Int32] = [], generation: Int32 = -1
    ) -> Pending<JoinGroupResponse> {
        var request = JoinGroupRequest()
        request.groupId = group
        request.memberId = member
        request.groupInstanceId = instance
        request.protocolType = type
        request.sessionTimeoutMs = sessionMs
        request.rebalanceTimeoutMs = rebalanceMs
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = topics
        var share = ConsumerProtocolSubscription.TopicPartition()
        (share.topic, share.partitions) = ("t", owned)
        if !owned.isEmpty { subscription.ownedPartitions = [share] }
        subscription.generationId = generation
        let bytes = metadata.map { Bytes($0) } ?? (try? subscription.versioned(3)) ?? Bytes()
        request.protocols = protocols.map { name in
            var entry = JoinGroupRequest.JoinGroupRequestProtocol()
            entry.name = name
            entry.metadata = bytes
            return entry
        }
        let client = GroupClient(id: "client", host: "/127.0.0.1")
        let surroundings = MemberSurroundings(image: self.topics.image, client: client, version: version)
        return ask({ .refused($0, memberId: member) }) { machine, turn, reply in
            machine.join(request, surroundings, &turn, reply)
        }
    }

    /// Joins as a client does that is told an id first.
    func joinNew(
        group: String = "g", protocols: [String] = ["range"], topics: [String] = ["t"], rebalanceMs: Int32 = 60_000
    ) -> (id: String, answer: Pending<JoinGroupResponse>) {
        let first = join(group: group, protocols: protocols, topics: topics, rebalanceMs: rebalanceMs)
        #expect(first.response?.errorCode == .memberIdRequired)
        let id = first.response?.memberId ?? ""
        return (id, join(id, group: group, protocols: protocols, topics: topics, rebalanceMs: rebalanceMs))
    }

    func sync(
        _ member: String, _ generation: Int32, group: String = "g", instance: String? = nil,
        assignments: [String: String] = [:], shares: [String: Bytes] = [:], protocolName: String? = nil
    ) -> Pending<SyncGroupResponse> {
        var request = SyncGroupRequest()
        request.groupId = group
        request.memberId = member
        request.groupInstanceId = instance
        request.generationId = generation
        request.protocolName = protocolName
        request.assignments = assignments.mapValues { Bytes($0) }.merging(shares) { $1 }.map { member, assignment in
            var entry = SyncGroupRequest.SyncGroupRequestAssignment()
            entry.memberId = member
            entry.assignment = assignment
            return entry
        }
        return ask(SyncGroupResponse.refused) { machine, turn, reply in machine.sync(request, &turn, reply) }
    }

    func heartbeat(
        _ member: String, _ generation: Int32, group: String = "g", instance: String? = nil
    ) -> ErrorCode? {
        var request = HeartbeatRequest()
        request.groupId = group
        request.memberId = member
        request.groupInstanceId = instance
        request.generationId = generation
        let pending = ask({ code in
            var response = HeartbeatResponse()
            response.errorCode = code
            return response
        }) { machine, turn, reply in machine.heartbeat(request, &turn, reply) }
        return pending.response?.errorCode
    }

    func leave(_ member: String, group: String = "g", instance: String? = nil, version: Int16 = 5)
        -> LeaveGroupResponse?
    {
        var request = LeaveGroupRequest()
        request.groupId = group
        var identity = LeaveGroupRequest.MemberIdentity()
        identity.memberId = member
        identity.groupInstanceId = instance
        if version < 3 { request.memberId = member } else { request.members = [identity] }
        return ask({ code in
            var response = LeaveGroupResponse()
            response.errorCode = code
            return response
        }) { machine, turn, reply in machine.leave(request, version: version, &turn, reply) }.response
    }

    /// - Returns: the error of the only partition.
    func commit(
        _ offset: Int64, _ member: String = "", _ generation: Int32 = -1, group: String = "g", instance: String? = nil,
        topic: String = "t", partition: Int32 = 0, metadata: String? = nil, retentionMs: Int64 = -1, version: Int16 = 8
    ) -> ErrorCode? {
        var request = OffsetCommitRequest()
        request.groupId = group
        request.memberId = member
        request.groupInstanceId = instance
        request.generationIdOrMemberEpoch = generation
        request.retentionTimeMs = retentionMs
        var entry = OffsetCommitRequest.OffsetCommitRequestPartition()
        entry.partitionIndex = partition
        entry.committedOffset = offset
        entry.committedMetadata = metadata
        var named = OffsetCommitRequest.OffsetCommitRequestTopic()
        named.name = topic
        named.partitions = [entry]
        request.topics = [named]
        return ask({ [request] in request.refused($0) }) { [exists] machine, turn, reply in
            machine.commit(request, version: version, &turn, reply, exists: exists)
        }.response?.topics[0].partitions[0].errorCode
    }

    func commit(
        _ offset: Int64, in producer: CoordinatorProducer, group: String = "g", topic: String = "t",
        partition index: Int32 = 0, member: String = "", generation: Int32 = -1
    ) -> ErrorCode? {
        var request = TxnOffsetCommitRequest()
        request.groupId = group
        request.producerId = producer.id
        request.producerEpoch = producer.epoch
        request.memberId = member
        request.generationId = generation
        var entry = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition()
        entry.partitionIndex = index
        entry.committedOffset = offset
        var named = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic()
        named.name = topic
        named.partitions = [entry]
        request.topics = [named]
        let pending = Pending<TxnOffsetCommitResponse>()
        partition.run(in: producer, pending.reply { [request] in request.refused($0) }) {
            [exists] machine, turn, reply in
            machine.commit(request, &turn, reply, exists: exists)
        }
        return pending.response?.topics[0].partitions[0].errorCode
    }

    func end(_ producer: CoordinatorProducer, commits: Bool) {
        partition.endTransaction(
            CoordinatorTransactionEnd(
                producerId: producer.id, producerEpoch: producer.epoch, coordinatorEpoch: 0, isCommit: commits),
            CoordinatorReply { _ in
            } refusal: { code in
                Issue.record("\(code)")
            })
    }

    func fetch(_ topic: String = "t", _ partition: Int32 = 0, group: String = "g", stable: Bool = false)
        -> OffsetFetchResponse.OffsetFetchResponsePartitions
    {
        var wanted = OffsetFetchRequest.OffsetFetchRequestTopics()
        wanted.name = topic
        wanted.partitionIndexes = [partition]
        var request = OffsetFetchRequest.OffsetFetchRequestGroup()
        request.groupId = group
        request.topics = [wanted]
        return machine.fetchOffsets(request, requireStable: stable).topics[0].partitions[0]
    }

    func delete(_ group: String = "g") -> ErrorCode? {
        let pending = Pending<ErrorCode>()
        partition.run(pending.reply { $0 }) { machine, turn, reply in
            turn.send(machine.deleteGroup(group, &turn), to: reply)
        }
        partition.flush()
        return pending.response
    }

    func deleteOffset(_ topic: String = "t", _ index: Int32 = 0, group: String = "g") -> ErrorCode? {
        var request = OffsetDeleteRequest()
        request.groupId = group
        var entry = OffsetDeleteRequest.OffsetDeleteRequestPartition()
        entry.partitionIndex = index
        var named = OffsetDeleteRequest.OffsetDeleteRequestTopic()
        named.name = topic
        named.partitions = [entry]
        request.topics = [named]
        let pending = ask({ code in
            var response = OffsetDeleteResponse()
            response.errorCode = code
            return response
        }) { [exists] machine, turn, reply in
            turn.send(machine.deleteOffsets(request, &turn, exists: exists), to: reply)
        }
        return pending.response.map { $0.errorCode != .none ? $0.errorCode : $0.topics[0].partitions[0].errorCode }
    }

    /// Members that are stable together: the first one leads, and everybody is assigned its own number.
    func stableGroup(_ count: Int, topics: [String] = ["t"]) -> [String] {
        var ids: [String] = []
        for _ in 0..<count { ids.append(joinNew(topics: topics).id) }
        advance(ms: 0)
        // The first alone was a generation of its own when there was no delay.
        for _ in 0..<3 {
            guard let group = classic(), group.state != .completingRebalance || group.members.count != count else {
                break
            }
            for id in ids { _ = join(id, topics: topics) }
            advance(ms: 0)
        }
        let generation = classic()?.generation ?? -1
        let leader = classic()?.leader ?? ""
        let plan = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, "share \($0)") })
        for id in ids where id != leader { _ = sync(id, generation) }
        _ = sync(leader, generation, assignments: plan)
        #expect(classic()?.state == .stable)
        return ids
    }
}
