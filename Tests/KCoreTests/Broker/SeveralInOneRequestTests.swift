import Testing

@testable import KCore

/// Requests that name several groups or transactions, which several coordinators answer, against a broker of this process.
@Suite final class SeveralInOneRequestTests {
    private let cluster: ToolsEndToEndTests.Cluster
    private let client: KafkaClient

    init() throws {
        cluster = try ToolsEndToEndTests.Cluster()
        client = try KafkaClient(try ClientConfig([("bootstrap.servers", cluster.server)]))
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "3").status == .done)
    }

    deinit { client.close() }

    /// Asks in one version, and again as long as a coordinator is only coming up.
    private func ask<R: ApiRequest>(
        _ request: R, version: Int16, codes: (R.Response) -> [ErrorCode]
    ) throws -> R.Response {
        let comingUp: [ErrorCode] = [.coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator]
        var answer = R.Response()
        try eventually("an answer to \(R.api.key)") {
            answer = try client.blocking("ask for \(R.api.key)", timeoutMs: 31_000) { runtime, complete in
                runtime.send(request, to: runtime.anyServer(), versions: version...version, timeoutMs: 30_000) {
                    complete($0)
                }
            }
            return !codes(answer).contains { comingUp.contains($0) }
        }
        return answer
    }

    private func find(
        _ keys: [String], _ type: CoordinatorType, version: Int16 = 6
    ) throws -> [FindCoordinatorResponse.Coordinator] {
        var request = FindCoordinatorRequest()
        request.keyType = type
        request.coordinatorKeys = keys
        return try ask(request, version: version) { $0.coordinators.map(\.errorCode) }.coordinators
    }

    // MARK: Coordinators

    @Test(arguments: [Int16(4), 6]) func `the coordinators of several keys are told in their order`(version: Int16)
        throws
    {
        let keys = ["c", "a", "b", "a", "no one knows it"]
        let (node, server) = (cluster.broker.nodeId, cluster.server)
        for type in [CoordinatorType.group, .transaction] {
            let found = try find(keys, type, version: version)
            #expect(found.map(\.key) == keys)
            #expect(found.allSatisfy { $0.errorCode == .none && $0.nodeId == node })
            #expect(found.allSatisfy { "\($0.host):\($0.port)" == server })
        }
    }

    @Test func `a kind of coordinator that is not here is refused for each key`() throws {
        let keys = ["g:AAAAAAAAAAAAAAAAAAAAAQ:0", "h:AAAAAAAAAAAAAAAAAAAAAQ:1"]
        let refused = try find(keys, .share)
        #expect(refused.map(\.key) == keys)
        #expect(refused.allSatisfy { $0.errorCode == .invalidRequest && $0.nodeId == -1 && $0.errorMessage != nil })
    }

    // MARK: Transactions

    private typealias Transaction = AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction
    private typealias Producer = (id: Int64, epoch: Int16)

    private struct Told: Equatable {
        var name: String
        var codes: [ErrorCode]

        init(_ name: String, _ codes: ErrorCode...) { (self.name, self.codes) = (name, codes) }

        init(_ result: AddPartitionsToTxnResponse.AddPartitionsToTxnResult) {
            name = result.transactionalId
            codes = result.topicResults.flatMap { $0.resultsByPartition.map(\.partitionErrorCode) }
        }
    }

    private func begin(_ id: String) throws -> Producer {
        var request = InitProducerIdRequest()
        request.transactionalId = id
        request.transactionTimeoutMs = 60_000
        let answer = try ask(request, version: 4) { [$0.errorCode] }
        #expect(answer.errorCode == .none)
        return (answer.producerId, answer.producerEpoch)
    }

    private func transaction(
        _ id: String, _ producer: Producer, _ partitions: [Int32], verifyOnly: Bool = false
    ) -> Transaction {
        var transaction = Transaction()
        transaction.transactionalId = id
        (transaction.producerId, transaction.producerEpoch) = producer
        transaction.verifyOnly = verifyOnly
        var topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic()
        (topic.name, topic.partitions) = ("t", partitions)
        transaction.topics = [topic]
        return transaction
    }

    private func add(_ transactions: [Transaction], version: Int16) throws -> [Told] {
        var request = AddPartitionsToTxnRequest()
        request.transactions = transactions
        let answer = try ask(request, version: version) { answer in
            answer.resultsByTransaction.flatMap { Told($0).codes }
        }
        #expect(answer.errorCode == .none)
        let named = answer.resultsByTransaction.map {
            $0.topicResults.map { $0.resultsByPartition.map(\.partitionIndex) }
        }
        #expect(named == transactions.map { $0.topics.map(\.partitions) })
        return answer.resultsByTransaction.map { Told($0) }
    }

    @Test(arguments: [Int16(4), 5])
    func `several transactions are answered each by itself and in order, and who only asks adds nothing`(
        version: Int16
    ) throws {
        // Version 4 has no code for a partition that is not part of a transaction.
        let isNoPart: ErrorCode = version < 5 ? .invalidTxnState : .transactionAbortable
        _ = try find(["a"], .transaction)
        let (a, b, c) = (try begin("a"), try begin("b"), try begin("c"))
        let first = try add(
            [
                transaction("c", c, [9, 0]),
                transaction("a", a, [1, 0]),
                transaction("b", b, [0, 2], verifyOnly: true),
                transaction("nobody", a, [0]),
                transaction("b", (b.id, b.epoch + 1), [0]),
                transaction("c", a, [1]),
            ], version: version)
        #expect(
            first == [
                Told("c", .unknownTopicOrPartition, .operationNotAttempted), Told("a", .none, .none),
                Told("b", isNoPart, isNoPart), Told("nobody", .invalidProducerIdMapping), Told("b", .producerFenced),
                Told("c", .invalidProducerIdMapping),
            ])
        let asked = [
            transaction("b", b, [0], verifyOnly: true), transaction("a", a, [0, 2, 1], verifyOnly: true),
            transaction("c", c, [0], verifyOnly: true),
            transaction("a", (a.id, a.epoch + 1), [0], verifyOnly: true),
        ]
        // A second time for what the first one may have changed.
        for _ in 0..<2 {
            #expect(
                try add(asked, version: version) == [
                    Told("b", isNoPart), Told("a", .none, isNoPart, .none), Told("c", isNoPart),
                    Told("a", .producerFenced),
                ])
        }
        #expect(
            try add([transaction("b", b, [0]), transaction("a", a, [2])], version: version)
                == [Told("b", .none), Told("a", .none)])
        #expect(
            try add(asked, version: version) == [
                Told("b", .none), Told("a", .none, .none, .none), Told("c", isNoPart), Told("a", .producerFenced),
            ])
    }

    // MARK: Offsets

    private struct Fetched: Equatable {
        var group: String
        var code: ErrorCode
        var offsets: [Int64]

        init(_ group: String, _ code: ErrorCode, _ offsets: [Int64]) {
            (self.group, self.code, self.offsets) = (group, code, offsets)
        }
    }

    private func commit(_ group: String, _ offset: Int64, member: String = "", epoch: Int32 = -1) throws {
        var request = OffsetCommitRequest()
        (request.groupId, request.memberId, request.generationIdOrMemberEpoch) = (group, member, epoch)
        var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
        (partition.partitionIndex, partition.committedOffset) = (0, offset)
        var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
        (topic.name, topic.partitions) = ("t", [partition])
        request.topics = [topic]
        func codes(_ answer: OffsetCommitResponse) -> [ErrorCode] {
            answer.topics.flatMap { $0.partitions.map(\.errorCode) }
        }
        let answer = try ask(request, version: 9, codes: codes)
        #expect(codes(answer) == [.none])
    }

    private func named(
        _ group: String, _ partitions: [Int32]?, member: String? = nil, epoch: Int32 = -1
    ) -> OffsetFetchRequest.OffsetFetchRequestGroup {
        var named = OffsetFetchRequest.OffsetFetchRequestGroup()
        (named.groupId, named.memberId, named.memberEpoch) = (group, member, epoch)
        named.topics = partitions.map { partitions in
            var topic = OffsetFetchRequest.OffsetFetchRequestTopics()
            (topic.name, topic.partitionIndexes) = ("t", partitions)
            return [topic]
        }
        return named
    }

    private func fetch(
        _ groups: [OffsetFetchRequest.OffsetFetchRequestGroup], version: Int16 = 9
    ) throws -> [Fetched] {
        var request = OffsetFetchRequest()
        request.groups = groups
        return try ask(request, version: version) { $0.groups.map(\.errorCode) }.groups.map { group in
            Fetched(group.groupId, group.errorCode, group.topics.flatMap { $0.partitions.map(\.committedOffset) })
        }
    }

    @Test func `offsets of several groups come in the order of the groups, and a member that is out of date has none`()
        throws
    {
        _ = try find(["old"], .group)
        try commit("old", 7)
        try commit("other", 8)
        var join = ConsumerGroupHeartbeatRequest()
        (join.groupId, join.memberId, join.memberEpoch) = ("new", "m", 0)
        (join.rebalanceTimeoutMs, join.subscribedTopicNames, join.topicPartitions) = (60_000, ["t"], [])
        let joined = try ask(join, version: 1) { [$0.errorCode] }
        #expect(joined.errorCode == .none)
        let epoch = joined.memberEpoch
        try commit("new", 5, member: "m", epoch: epoch)

        let told = try fetch([
            named("new", [0], member: "m", epoch: epoch - 1), named("old", [1, 0]),
            named("new", [0], member: "m", epoch: epoch), named("nobody", [0, 1]),
            named("new", [0], member: "another", epoch: epoch), named("other", nil), named("nobody else", nil),
            named("new", [0, 2]),
        ])
        #expect(
            told == [
                Fetched("new", .staleMemberEpoch, []), Fetched("old", .none, [-1, 7]), Fetched("new", .none, [5]),
                Fetched("nobody", .none, [-1, -1]), Fetched("new", .unknownMemberId, []), Fetched("other", .none, [8]),
                Fetched("nobody else", .none, []), Fetched("new", .none, [5, -1]),
            ])
        #expect(
            try fetch([named("other", [0]), named("nobody", nil), named("new", nil), named("old", nil)], version: 8)
                == [
                    Fetched("other", .none, [8]), Fetched("nobody", .none, []), Fetched("new", .none, [5]),
                    Fetched("old", .none, [7]),
                ])
    }
}
