import Testing

@testable import KCore

@Suite struct DeleteTopicsTests {
    @Test func `topics are deleted by name and by id`() throws {
        var bench = try ClusterBench()
        bench.create("a")
        let id = bench.create("b").topicId
        var response = bench.perform(DeleteTopicsRequest.of(names: ["a"], ids: [id]))
        #expect(response.responses.map { $0.errorCode } == [.none, .none])
        #expect(response.responses.map { $0.name } == ["a", "b"])
        #expect(bench.image.topicCount == 0)
        var old = DeleteTopicsRequest()
        bench.create("c")
        old.topicNames = ["c"]
        response = bench.perform(old)
        #expect(response.responses.map { $0.errorCode } == [.none])
        #expect(bench.delta.deletedTopics.map { $0.name } == ["c"])
    }

    @Test func `what is not there has its own error for names and for ids`() throws {
        var bench = try ClusterBench()
        let response = bench.perform(DeleteTopicsRequest.of(names: ["x"], ids: [Uuid(high: 1, low: 1)]))
        #expect(response.responses.map { $0.errorCode } == [.unknownTopicOrPartition, .unknownTopicId])
        #expect(response.responses.map { $0.name } == ["x", nil])
        #expect(bench.records.isEmpty)
    }

    @Test func `a topic that is named twice is not deleted`() throws {
        var bench = try ClusterBench()
        let id = bench.create("a").topicId
        let twice = bench.perform(DeleteTopicsRequest.of(names: ["a", "a"]))
        #expect(twice.responses.map { $0.errorCode } == [.invalidRequest])
        #expect(
            bench.perform(DeleteTopicsRequest.of(ids: [id, id])).responses.map { $0.errorCode } == [.invalidRequest])
        #expect(bench.image.topic("a") != nil)
        let both = bench.perform(DeleteTopicsRequest.of(names: ["a"], ids: [id]))
        #expect(both.responses.map { $0.errorCode } == [.none, .invalidRequest])
    }

    @Test func `name and id together, or neither, are refused`() throws {
        var bench = try ClusterBench()
        var request = DeleteTopicsRequest.of(names: ["a"], ids: [.zero])
        request.topics[0].topicId = bench.create("a").topicId
        #expect(bench.perform(request).responses.map { $0.errorCode } == [.invalidRequest, .invalidRequest])
        #expect(bench.image.topic("a") != nil)
    }

    @Test func `nothing is deleted where deletion is switched off`() throws {
        var bench = try ClusterBench(properties: ["delete.topic.enable": "false"])
        bench.create("a")
        let response = bench.perform(DeleteTopicsRequest.of(names: ["a"]))
        #expect(response.responses.map { $0.errorCode } == [.topicDeletionDisabled])
        #expect(bench.image.topic("a") != nil)
    }
}

@Suite struct CreatePartitionsTests {
    private func request(
        _ name: String, _ count: Int32, assignments: [[Int32]]? = nil
    ) -> CreatePartitionsRequest {
        var topic = CreatePartitionsRequest.CreatePartitionsTopic()
        topic.name = name
        topic.count = count
        topic.assignments = assignments?.map { brokers in
            var assignment = CreatePartitionsRequest.CreatePartitionsAssignment()
            assignment.brokerIds = brokers
            return assignment
        }
        var request = CreatePartitionsRequest()
        request.topics = [topic]
        return request
    }

    @Test func `partitions are added behind those that are there`() throws {
        var bench = try ClusterBench(brokers: [1, 2])
        bench.create("a", partitions: 2, replicationFactor: 2)
        let before = try #require(bench.image.topic("a"))
        #expect(bench.perform(request("a", 5)).results.map { $0.errorCode } == [.none])
        let after = try #require(bench.image.topic("a"))
        #expect(after.partitions.count == 5 && after.id == before.id)
        #expect(Array(after.partitions[..<2]) == before.partitions)
        #expect(after.partitions.allSatisfy { Set($0.replicas) == [1, 2] })
        #expect(bench.delta.changedTopics.first?.before === before)
    }

    @Test func `a number that is no increase is refused`() throws {
        var bench = try ClusterBench()
        bench.create("a", partitions: 2)
        for count in [2, 1, 0, -1] as [Int32] {
            #expect(bench.perform(request("a", count)).results[0].errorCode == .invalidPartitions)
        }
        #expect(bench.perform(request("x", 3)).results[0].errorCode == .unknownTopicOrPartition)
        #expect(bench.perform(request("a", 10_003)).results[0].errorCode == .policyViolation)
        #expect(bench.image.topic("a")?.partitions.count == 2)
    }

    @Test func `an internal topic keeps its number of partitions`() throws {
        var bench = try ClusterBench()
        for name in ["__consumer_offsets", "__transaction_state"] {
            bench.create(name, partitions: 3)
            #expect(bench.perform(request(name, 4)).results[0].errorCode == .policyViolation)
            #expect(bench.image.topic(name)?.partitions.count == 3)
        }
    }

    @Test func `new replicas can be assigned by hand`() throws {
        var bench = try ClusterBench(brokers: [1, 2])
        bench.create("a", partitions: 1, replicationFactor: 1)
        #expect(bench.perform(request("a", 3, assignments: [[2], [1]])).results[0].errorCode == .none)
        #expect(bench.image.topic("a")?.partitions[1...].map { $0.replicas } == [[2], [1]])
        for wrong in [[[2]], [[2], [1], [1]], [[1, 2], [1]], [[3], [1]]] as [[[Int32]]] {
            let result = bench.perform(request("a", 5, assignments: wrong)).results[0]
            #expect(result.errorCode == .invalidReplicaAssignment, "\(wrong)")
        }
    }

    @Test func `a trial run changes nothing, and a name that comes twice is refused`() throws {
        var bench = try ClusterBench()
        bench.create("a")
        var trial = request("a", 2)
        trial.validateOnly = true
        #expect(bench.perform(trial).results[0].errorCode == .none)
        #expect(bench.records.isEmpty)
        var twice = request("a", 2)
        twice.topics.append(twice.topics[0])
        #expect(bench.perform(twice).results.map { $0.errorCode } == [.invalidRequest])
        #expect(bench.records.isEmpty)
    }
}

@Suite struct ProducerIdTests {
    @Test func `no two blocks have an id in common`() throws {
        var bench = try ClusterBench(brokers: [1, 2])
        var next: Int64 = 0
        for broker in [1, 2, 1] as [Int32] {
            let block = bench.perform(AllocateProducerIds(brokerId: broker))
            #expect(block.ids == next..<next + 1000)
            next += 1000
        }
        #expect(bench.image.nextProducerId == 3000)
    }

    @Test func `a broker that is not registered, or was registered again, gets none`() throws {
        var bench = try ClusterBench()
        #expect(bench.perform(AllocateProducerIds(brokerId: 9)).errorCode == .brokerIdNotRegistered)
        let epoch = bench.image.brokers[1]?.epoch ?? -1
        #expect(bench.perform(AllocateProducerIds(brokerId: 1, brokerEpoch: epoch)).errorCode == .none)
        #expect(bench.perform(AllocateProducerIds(brokerId: 1, brokerEpoch: epoch + 1)).errorCode == .staleBrokerEpoch)
    }
}

@Suite struct RegisterBrokerTests {
    private func register(_ bench: inout ClusterBench, afterUncleanStop: Bool) {
        let request = RegisterBroker(
            brokerId: 1, incarnationId: .zero, endpoints: [], logDirs: [], afterUncleanStop: afterUncleanStop)
        bench.perform(request)
    }

    @Test func `leader epochs begin anew only after an unclean stop`() throws {
        var bench = try ClusterBench()
        bench.create("a", partitions: 2)
        let epoch = bench.image.brokers[1]?.epoch ?? 0
        register(&bench, afterUncleanStop: false)
        #expect(bench.image.topic("a")?.partitions.map { $0.leaderEpoch } == [0, 0])
        #expect(bench.image.brokers[1]?.epoch ?? 0 > epoch)
        register(&bench, afterUncleanStop: true)
        #expect(bench.image.topic("a")?.partitions.map { $0.leaderEpoch } == [1, 1])
        #expect(bench.image.topic("a")?.partitions.map { $0.leader } == [1, 1])
    }
}
