import Testing

@testable import KCore

@Suite struct ClusterImageTests {
    private func topic(_ name: String, _ id: UInt64) -> MetadataLogRecord {
        var record = TopicRecord()
        record.name = name
        record.topicId = Uuid(high: 0, low: id)
        return .topic(record)
    }

    private func partition(_ id: UInt64, _ number: Int32) -> MetadataLogRecord {
        var record = PartitionRecord()
        record.topicId = Uuid(high: 0, low: id)
        record.partitionId = number
        record.replicas = [1, 2]
        record.isr = [1, 2]
        record.leader = 1
        record.leaderEpoch = 0
        record.partitionEpoch = 0
        return .partition(record)
    }

    private func remove(_ id: UInt64) -> MetadataLogRecord {
        var record = RemoveTopicRecord()
        record.topicId = Uuid(high: 0, low: id)
        return .removeTopic(record)
    }

    private func config(_ topic: String, _ name: String, _ value: String?) -> MetadataLogRecord {
        var record = ConfigRecord()
        record.resourceType = .topic
        record.resourceName = topic
        record.name = name
        record.value = value
        return .config(record)
    }

    private let empty = ClusterImage(clusterId: "c", controllerId: 1)

    @Test func `an image tells since when there are these topics and no others`() throws {
        var bench = try ClusterBench()
        let empty = bench.image.topicNamesOffset
        bench.create("a")
        let first = bench.image.topicNamesOffset
        #expect(first == bench.image.lastOffset && first > empty)
        bench.perform(IncrementalAlterConfigsRequest.of(.topic, "a", [("retention.ms", .set, "5")]))
        var more = CreatePartitionsRequest()
        var topic = CreatePartitionsRequest.CreatePartitionsTopic()
        (topic.name, topic.count) = ("a", 3)
        more.topics = [topic]
        bench.perform(more)
        #expect(bench.image.topic("a")?.partitions.count == 3 && bench.image.topicNamesOffset == first)
        bench.perform(DeleteTopicsRequest.of(names: ["a"]))
        #expect(bench.image.topicNamesOffset == bench.image.lastOffset && bench.image.lastOffset > first)
    }

    @Test func `a topic is found by name and by id, and older images do not see it`() throws {
        let (image, delta) = try empty.applying([topic("a", 1), partition(1, 1), partition(1, 0)])
        #expect(image.topic("a")?.partitions.count == 2)
        #expect(image.topic(id: Uuid(high: 0, low: 1)) === image.topic("a"))
        #expect(image.lastOffset == 2)
        #expect(delta.createdTopics.map { $0.name } == ["a"])
        #expect(delta.deletedTopics.isEmpty && delta.changedTopics.isEmpty)
        #expect(empty.topic("a") == nil)
    }

    @Test func `a deleted topic goes with its configuration`() throws {
        let (image, _) = try empty.applying([topic("a", 1), partition(1, 0), config("a", "x", "1")])
        #expect(image.configs(of: .topic("a")) == ["x": "1"])
        let (after, delta) = try image.applying([remove(1)])
        #expect(after.topic("a") == nil && after.topicCount == 0)
        #expect(after.configs(of: .topic("a")).isEmpty)
        #expect(delta.deletedTopics.map { $0.name } == ["a"])
        #expect(delta.changedConfigs.isEmpty)
    }

    @Test func `a topic that is deleted and made again is another one`() throws {
        let (image, _) = try empty.applying([topic("a", 1), partition(1, 0), config("a", "x", "1")])
        let (after, delta) = try image.applying([remove(1), topic("a", 2), partition(2, 0), config("a", "y", "2")])
        #expect(after.topic("a")?.id == Uuid(high: 0, low: 2))
        #expect(after.topic(id: Uuid(high: 0, low: 1)) == nil)
        #expect(after.configs(of: .topic("a")) == ["y": "2"])
        #expect(delta.createdTopics.count == 1 && delta.deletedTopics.count == 1)
    }

    @Test func `a topic that comes and goes at once was never there`() throws {
        let (image, delta) = try empty.applying([topic("a", 1), partition(1, 0), config("a", "x", "1"), remove(1)])
        #expect(image.topicCount == 0)
        #expect(delta.isEmpty)
    }

    @Test func `a new leader raises the leader epoch, every change the partition epoch`() throws {
        let (image, _) = try empty.applying([topic("a", 1), partition(1, 0)])
        var change = PartitionChangeRecord()
        change.topicId = Uuid(high: 0, low: 1)
        change.partitionId = 0
        change.isr = [2]
        var (after, delta) = try image.applying([.partitionChange(change)])
        #expect(delta.changedTopics.count == 1)
        #expect(after.partition(TopicPartition(topic: "a", partition: 0))?.leaderEpoch == 0)
        change.leader = 2
        (after, delta) = try after.applying([.partitionChange(change)])
        let partition = after.partition(TopicPartition(topic: "a", partition: 0))
        #expect(partition?.leader == 2 && partition?.leaderEpoch == 1 && partition?.partitionEpoch == 2)
        #expect(partition?.isr == [2])
    }

    @Test func `records of a transaction take effect at its end, and not at all when it is aborted`() throws {
        let records = [topic("a", 1), partition(1, 0)]
        var builder = ImageBuilder(empty)
        try builder.apply(.beginTransaction(BeginTransactionRecord()))
        for record in records { try builder.apply(record) }
        #expect(builder.hasOpenTransaction)
        #expect(try builder.finish().image.topicCount == 0)
        try builder.apply(.endTransaction(EndTransactionRecord()))
        #expect(try builder.finish().image.topicCount == 1)
        let aborted = try empty.applying(
            [.beginTransaction(BeginTransactionRecord())] + records + [.abortTransaction(AbortTransactionRecord())])
        #expect(aborted.image.topicCount == 0)
        #expect(aborted.image.lastOffset == 3)
    }

    @Test func `records that contradict the image are refused`() throws {
        let (image, _) = try empty.applying([topic("a", 1), partition(1, 0)])
        #expect(throws: ImageError.self) { try image.applying([topic("a", 2)]) }
        #expect(throws: ImageError.self) { try image.applying([topic("b", 1)]) }
        #expect(throws: ImageError.self) { try image.applying([partition(3, 0)]) }
        #expect(throws: ImageError.self) { try image.applying([partition(1, 2)]) }
        #expect(throws: ImageError.self) { try image.applying([remove(3)]) }
        #expect(throws: ImageError.self) { try image.applying([remove(1), partition(1, 0)]) }
        #expect(throws: ImageError.self) { try image.applying([.endTransaction(EndTransactionRecord())]) }
    }

    @Test func `names that differ in dots and underscores are found to collide`() throws {
        let (image, _) = try empty.applying([topic("a.b_c", 1), partition(1, 0)])
        #expect(image.topicColliding(with: "a_b.c") == "a.b_c")
        #expect(image.topicColliding(with: "a-b-c") == nil)
        #expect(try image.applying([remove(1)]).image.topicColliding(with: "a_b.c") == nil)
    }

    @Test func `the records of an image make the same image again`() throws {
        var bench = try ClusterBench(brokers: [1, 2, 3])
        bench.create("a.b", partitions: 4, replicationFactor: 3, configs: ["segment.bytes": "100"])
        bench.create("c")
        bench.perform(AllocateProducerIds(brokerId: 1))
        let undescribed = MetadataLogRecord.unknown(frame: .init(apiKey: 21, version: 0), body: [0, 0])
        let (image, _) = try bench.image.applying([undescribed])
        var builder = ImageBuilder(ClusterImage(clusterId: "test", controllerId: 1))
        for record in image.records { try builder.apply(record) }
        #expect(try builder.finish(lastOffset: image.lastOffset).image == image)
        #expect(image.undescribed == [undescribed])
    }

    @Test func `access rules and quotas that nothing enforces are told of while they are there`() throws {
        var rule = AccessControlEntryRecord()
        rule.id = Uuid(high: 1, low: 1)
        var quota = ClientQuotaRecord()
        quota.key = "producer_byte_rate"
        #expect(empty.unenforcedRestrictions.isEmpty)
        let (image, _) = try empty.applying([.accessControlEntry(rule), .clientQuota(quota)])
        #expect(image.unenforcedRestrictions.count == 2)
        var gone = RemoveAccessControlEntryRecord()
        gone.id = rule.id
        quota.remove = true
        let (free, _) = try image.applying([.removeAccessControlEntry(gone), .clientQuota(quota)])
        #expect(free.unenforcedRestrictions.isEmpty)
    }

    @Test func `one change among ten thousand topics does not copy ten thousand`() throws {
        var records: [MetadataLogRecord] = []
        for number in 0..<10_000 as Range<UInt64> {
            records += [topic("t\(number)", number + 1), partition(number + 1, 0)]
        }
        var image = try empty.applying(records).image
        #expect(image.topicCount == 10_000)
        let start = SystemClock().monotonicMs
        for number in 0..<100 as Range<UInt64> {
            image = try image.applying([topic("n\(number)", 20_000 + number), partition(20_000 + number, 0)]).image
        }
        #expect(image.topicCount == 10_100)
        // Printed, not judged: a copy of everything would take seconds in a debug build.
        print("100 topics beside 10,000: \(SystemClock().monotonicMs - start) ms")
    }
}
