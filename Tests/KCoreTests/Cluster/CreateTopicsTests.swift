import Testing

@testable import KCore

@Suite struct CreateTopicsTests {
    private func code(_ topic: CreateTopicsRequest.CreatableTopic, brokers: [Int32] = [1]) throws -> ErrorCode {
        var bench = try ClusterBench(brokers: brokers)
        let result = bench.perform(CreateTopicsRequest.of([topic])).topics[0]
        // Nothing half done, and a reason for everything.
        #expect(bench.records.isEmpty == (result.errorCode != .none))
        #expect((result.errorMessage == nil) == (result.errorCode == .none))
        return result.errorCode
    }

    @Test func `a topic gets an id, partitions, and is described in the answer`() throws {
        var bench = try ClusterBench()
        let result = bench.create("a", partitions: 3, configs: ["segment.bytes": "100"])
        #expect(result.errorCode == .none && result.numPartitions == 3 && result.replicationFactor == 1)
        let topic = try #require(bench.image.topic("a"))
        #expect(topic.id == result.topicId && !topic.id.isZero)
        for partition in topic.partitions {
            #expect(partition.leader == 1 && partition.isr == [1] && partition.leaderEpoch == 0)
            #expect(partition.directories == [Uuid(high: 7, low: 7)])
        }
        let configs = try #require(result.configs)
        #expect(configs.count == ConfigTable.topics.definitions.count)
        let own = configs.first { $0.name == "segment.bytes" }
        #expect(own?.value == "100" && own?.configSource == .dynamicTopic)
        let other = configs.first { $0.name == "retention.ms" }
        #expect(other?.value == "604800000" && other?.configSource == .default)
        #expect(bench.image.configs(of: .topic("a")) == ["segment.bytes": "100"])
    }

    @Test(arguments: ["", ".", "..", "a b", "a/b", "ä", String(repeating: "x", count: 250)])
    func `names that cannot be directories are refused`(name: String) throws {
        #expect(try code(.of(name)) == .invalidTopicException)
    }

    @Test(arguments: ["a", "...", "A-b_c.9", String(repeating: "x", count: 249)])
    func `names of letters, digits, dot, underscore and dash are fine`(name: String) throws {
        #expect(try code(.of(name)) == .none)
    }

    @Test func `the metadata log's name cannot be had`() throws {
        #expect(try code(.of("__cluster_metadata")) == .invalidRequest)
    }

    @Test func `a topic that is there, or would share its metrics' names, is refused`() throws {
        var bench = try ClusterBench()
        bench.create("a.b")
        #expect(bench.create("a.b").errorCode == .topicAlreadyExists)
        #expect(bench.create("a_b").errorCode == .invalidTopicException)
        let both = bench.perform(CreateTopicsRequest.of([.of("x.y"), .of("x_y")]))
        #expect(both.topics.map { $0.errorCode } == [.none, .invalidTopicException])
    }

    @Test func `a name that comes twice is refused once and not created`() throws {
        var bench = try ClusterBench()
        let response = bench.perform(CreateTopicsRequest.of([.of("a"), .of("b"), .of("a")]))
        #expect(response.topics.map { $0.name } == ["a", "b"])
        #expect(response.topics.map { $0.errorCode } == [.invalidRequest, .none])
        #expect(bench.image.topic("a") == nil && bench.image.topic("b") != nil)
    }

    @Test func `numbers must be positive, and -1 stands for the broker's default`() throws {
        #expect(try code(.of("a", partitions: 0)) == .invalidPartitions)
        #expect(try code(.of("a", partitions: -2)) == .invalidPartitions)
        #expect(try code(.of("a", replicationFactor: 0)) == .invalidReplicationFactor)
        #expect(try code(.of("a", replicationFactor: -2)) == .invalidReplicationFactor)
        #expect(try code(.of("a", replicationFactor: 2)) == .invalidReplicationFactor)
        #expect(try code(.of("a", partitions: 10_001)) == .policyViolation)
        var bench = try ClusterBench(
            brokers: [1, 2], properties: ["num.partitions": "5", "default.replication.factor": "2"])
        let result = bench.create("a", partitions: -1, replicationFactor: -1)
        #expect(result.numPartitions == 5 && result.replicationFactor == 2)
    }

    @Test func `replicas can be assigned by hand`() throws {
        var bench = try ClusterBench(brokers: [1, 2, 3])
        let request = CreateTopicsRequest.of([
            .of("a", partitions: -1, replicationFactor: -1, assignments: [[3, 1], [2, 3]])
        ])
        let result = bench.perform(request).topics[0]
        #expect(result.errorCode == .none && result.numPartitions == 2 && result.replicationFactor == 2)
        #expect(bench.image.topic("a")?.partitions.map { $0.replicas } == [[3, 1], [2, 3]])
        #expect(bench.image.topic("a")?.partitions.map { $0.leader } == [3, 2])
    }

    @Test func `an assignment by hand must make sense`() throws {
        func assigned(_ assignments: [[Int32]], partitions: Int32 = -1, factor: Int16 = -1) throws -> ErrorCode {
            let topic = CreateTopicsRequest.CreatableTopic.of(
                "a", partitions: partitions, replicationFactor: factor, assignments: assignments)
            return try code(topic, brokers: [1, 2, 3])
        }
        #expect(try assigned([[1, 2]]) == .none)
        #expect(try assigned([[1, 2]], partitions: 1) == .invalidRequest)
        #expect(try assigned([[1, 2]], factor: 2) == .invalidRequest)
        #expect(try assigned([[]]) == .invalidReplicaAssignment)
        #expect(try assigned([[1, 1]]) == .invalidReplicaAssignment)
        #expect(try assigned([[1, 9]]) == .invalidReplicaAssignment)
        #expect(try assigned([[1, 2], [3]]) == .invalidReplicaAssignment)
        var topic = CreateTopicsRequest.CreatableTopic.of(
            "a", partitions: -1, replicationFactor: -1, assignments: [[1], [2]])
        topic.assignments[1].partitionIndex = 2
        #expect(try code(topic, brokers: [1, 2]) == .invalidReplicaAssignment)
        topic.assignments[1].partitionIndex = 0
        #expect(try code(topic, brokers: [1, 2]) == .invalidReplicaAssignment)
    }

    @Test func `settings are checked, alone and together`() throws {
        #expect(try code(.of("a", configs: ["segment.byte": "100"])) == .invalidConfig)
        #expect(try code(.of("a", configs: ["segment.bytes": "x"])) == .invalidConfig)
        #expect(try code(.of("a", configs: ["segment.bytes": nil])) == .invalidConfig)
        #expect(try code(.of("a", configs: ["remote.storage.enable": "true"])) == .invalidConfig)
        let lags = ["min.compaction.lag.ms": "10", "max.compaction.lag.ms": "9"]
        #expect(try code(.of("a", configs: lags)) == .invalidConfig)
    }

    @Test func `a trial run answers the same and changes nothing`() throws {
        var bench = try ClusterBench()
        var request = CreateTopicsRequest.of([.of("a", partitions: 2), .of("b/")])
        request.validateOnly = true
        let response = bench.perform(request)
        #expect(response.topics.map { $0.errorCode } == [.none, .invalidTopicException])
        #expect(response.topics[0].numPartitions == 2)
        #expect(bench.records.isEmpty)
    }

    @Test(arguments: [(3, 3), (5, 3), (7, 2), (4, 1)])
    func `replicas are on different brokers and leaders are spread evenly`(brokers: Int, factor: Int) throws {
        var bench = try ClusterBench(brokers: (1...Int32(brokers)).map { $0 * 10 }, seed: UInt64(brokers))
        bench.create("a", partitions: Int32(brokers * 6), replicationFactor: Int16(factor))
        let partitions = try #require(bench.image.topic("a")).partitions
        var leaders: [Int32: Int] = [:]
        for partition in partitions {
            #expect(partition.replicas.count == factor && Set(partition.replicas).count == factor)
            leaders[partition.leader, default: 0] += 1
        }
        #expect(leaders.count == brokers)
        #expect(leaders.values.allSatisfy { $0 == 6 })
    }
}
