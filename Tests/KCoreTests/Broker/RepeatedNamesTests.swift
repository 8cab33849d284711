import Testing

@testable import KCore

/// What one request names many times, against a broker of this process.
@Suite final class RepeatedNamesTests {
    private let cluster: ToolsEndToEndTests.Cluster
    private let client: KafkaClient

    init() throws {
        cluster = try ToolsEndToEndTests.Cluster()
        client = try KafkaClient(try ClientConfig([("bootstrap.servers", cluster.server)]))
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "50").status == .done)
        // The first to ask for a coordinator makes its topic.
        for type in [CoordinatorType.group, .transaction] {
            var find = FindCoordinatorRequest()
            find.keyType = type
            find.coordinatorKeys = ["g"]
            _ = try client.call(find)
        }
    }

    deinit { client.close() }

    /// Commits an offset with a note of `noteBytes` in each of the first partitions.
    private func commit(_ group: String, partitions: Int32, noteBytes: Int) throws {
        var request = OffsetCommitRequest()
        request.groupId = group
        request.generationIdOrMemberEpoch = -1
        var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
        topic.name = "t"
        topic.partitions = (0..<partitions).map { index in
            var entry = OffsetCommitRequest.OffsetCommitRequestPartition()
            entry.partitionIndex = index
            entry.committedOffset = 1
            entry.committedMetadata = String(repeating: "n", count: noteBytes)
            return entry
        }
        request.topics = [topic]
        var code = ErrorCode.coordinatorLoadInProgress
        for _ in 0..<1000 where code != .none {
            code = try client.call(request).topics.first?.partitions.first?.errorCode ?? .unknownServerError
        }
        #expect(code == .none)
    }

    private func fetch(_ group: String, times: Int, partitions: [Int32]? = nil) throws
        -> [OffsetFetchResponse.OffsetFetchResponseGroup]
    {
        var request = OffsetFetchRequest()
        var named = OffsetFetchRequest.OffsetFetchRequestGroup()
        named.groupId = group
        named.topics = partitions.map { partitions in
            var topic = OffsetFetchRequest.OffsetFetchRequestTopics()
            (topic.name, topic.partitionIndexes) = ("t", partitions)
            return [topic]
        }
        request.groups = Array(repeating: named, count: times)
        return try client.call(request).groups
    }

    @Test func `a group that is named some times is answered each time`() throws {
        try commit("g", partitions: 1, noteBytes: 10)
        let told = try fetch("g", times: 100)
        #expect(told.count == 100)
        #expect(told.allSatisfy { $0.errorCode == .none && $0.topics.first?.partitions.first?.committedOffset == 1 })
    }

    @Test func `a large group that is named many times is told in full a few times, and refused after that`() throws {
        try commit("g", partitions: 50, noteBytes: 4000)
        let told = try fetch("g", times: 500)
        #expect(told.count == 500 && told.allSatisfy { $0.groupId == "g" })
        let whole = told.filter { $0.errorCode == .none }
        #expect((2...10).contains(whole.count) && whole.allSatisfy { $0.topics.first?.partitions.count == 50 })
        #expect(told.dropFirst(whole.count).allSatisfy { $0.errorCode == .invalidRequest && $0.topics.isEmpty })
    }

    @Test func `a partition with a large note that is named many times is refused`() throws {
        try commit("g", partitions: 50, noteBytes: 4000)
        let told = try fetch("g", times: 1, partitions: Array(repeating: 7, count: 5000))
        #expect(told.map(\.errorCode) == [.invalidRequest])
    }

    @Test func `partitions that are named some times are answered each time`() throws {
        try commit("g", partitions: 50, noteBytes: 4000)
        let told = try fetch("g", times: 1, partitions: Array(repeating: 7, count: 100) + Array(0..<50))
        #expect(told.map(\.errorCode) == [.none] && told.first?.topics.first?.partitions.count == 150)
    }

    @Test func `groups and transactional ids are described some thousand times, and refused after that`() throws {
        let names = Array(repeating: "g", count: 40_000)
        try commit("g", partitions: 1, noteBytes: 1)
        var groups = DescribeGroupsRequest()
        groups.groups = names
        let described = try client.call(groups).groups.map(\.errorCode)
        #expect(described.count == names.count)
        #expect(described.first == ErrorCode.none && described.last == .invalidRequest)
        #expect(described[1000] == .none)
        var transactions = DescribeTransactionsRequest()
        transactions.transactionalIds = names
        let states = try client.call(transactions).transactionStates
        #expect(states.count == names.count && states.allSatisfy { $0.transactionalId == "g" })
        #expect(states[1000].errorCode == states[0].errorCode && states.last?.errorCode == .invalidRequest)
    }

    @Test func `producers of a partition are told again and again until it is too much`() throws {
        let partition = try #require(cluster.broker.partitions.table.value.find("t")?.partition(0))
        for id: Int64 in 0..<300 {
            var options = BatchOptions()
            options.producerId = id
            options.producerEpoch = 0
            options.baseSequence = 0
            _ = try partition.append(Batches.make(["v"], options: options), requiredAcks: -1, origin: .client)
        }
        var request = DescribeProducersRequest()
        var topic = DescribeProducersRequest.TopicRequest()
        topic.name = "t"
        topic.partitionIndexes = Array(repeating: 0, count: 1000)
        request.topics = [topic]
        let told = try client.call(request).topics.flatMap(\.partitions)
        #expect(told.count == 1000)
        let whole = told.filter { $0.errorCode == .none }
        #expect((2..<500).contains(whole.count) && whole.allSatisfy { $0.activeProducers.count == 300 })
        #expect(told.last?.errorCode == .invalidRequest)
    }
}
