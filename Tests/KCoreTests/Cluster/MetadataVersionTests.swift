import Testing

@testable import KCore

@Suite struct MetadataVersionTests {
    /// The newest version of a kind of record that Kafka reads at a level (its class MetadataVersion).
    private func newest(_ apiKey: Int16, at level: Int16) -> Int16 {
        switch apiKey {
        case RegisterBrokerRecord.apiKey: level >= 17 ? 3 : level >= 8 ? 2 : 1
        case BrokerRegistrationChangeRecord.apiKey: level >= 17 ? 2 : 1
        case PartitionRecord.apiKey, PartitionChangeRecord.apiKey: level >= 23 ? 2 : level >= 17 ? 1 : 0
        default: 0
        }
    }

    private func check(_ records: [MetadataLogRecord], at level: Int16) throws {
        #expect(!records.isEmpty)
        for record in records {
            var decoder = WireDecoder(try record.value(), version: 0, flexible: true)
            let frame = try MetadataRecordFrame.read(&decoder)
            #expect(frame.version <= newest(frame.apiKey, at: level), "\(record) at level \(level)")
        }
    }

    @Test(arguments: MetadataVersion.supported)
    func `no record is of a version that the cluster's level does not have`(level: Int16) throws {
        var bench = try ClusterBench(level: level)
        try check(bench.records, at: level)
        bench.create("a", partitions: 2, configs: ["segment.bytes": "100"])
        try check(bench.records, at: level)
        var more = CreatePartitionsRequest()
        var topic = CreatePartitionsRequest.CreatePartitionsTopic()
        (topic.name, topic.count) = ("a", 3)
        more.topics = [topic]
        bench.perform(more)
        try check(bench.records, at: level)
        bench.perform(IncrementalAlterConfigsRequest.of(.topic, "a", [("retention.ms", .set, "5")]))
        try check(bench.records, at: level)
        bench.perform(AllocateProducerIds(brokerId: 1))
        try check(bench.records, at: level)
        var again = RegisterBroker(
            brokerId: 1, incarnationId: .zero, endpoints: [], logDirs: [Uuid(high: 7, low: 7)])
        again.afterUncleanStop = true
        bench.perform(again)
        #expect(bench.image.topic("a")?.partition(2)?.leaderEpoch == 1)
        try check(bench.records, at: level)
        try check(bench.image.records, at: level)
        #expect(bench.image.topic("a")?.partition(2)?.directories.isEmpty == (level < 17))
        #expect(bench.image.brokers[1]?.logDirs.isEmpty == (level < 17))
        bench.perform(DeleteTopicsRequest.of(names: ["a"]))
        try check(bench.records, at: level)
    }

    @Test func `several directories are named at any level, since one can be left out at the next start`() throws {
        var bench = try ClusterBench(level: 14)
        let both = [Uuid(high: 7, low: 7), Uuid(high: 8, low: 8)]
        bench.perform(RegisterBroker(brokerId: 1, incarnationId: .zero, endpoints: [], logDirs: both))
        #expect(bench.image.brokers[1]?.logDirs == both)
        let again = try ClusterImage(clusterId: "c").applying(bench.image.records).image
        #expect(again.brokers[1]?.logDirs == both)
    }

    @Test func `a snapshot leaves out the directories that a log has above its level`() throws {
        var bench = try ClusterBench(level: 14)
        bench.create("a")
        var broker = try #require(bench.image.brokers[1]?.registration)
        broker.logDirs = [Uuid(high: 7, low: 7)]
        let topic = try #require(bench.image.topic("a"))
        var partition = topic.partitions[0].record(topicId: topic.id, partition: 0)
        partition.directories = broker.logDirs
        let image = try bench.image.applying([.registerBroker(broker), .partition(partition)]).image
        #expect(image.topic("a")?.partition(0)?.directories == broker.logDirs)
        try check(image.records, at: 14)
    }
}
