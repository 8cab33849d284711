import FoundationEssentials
import Testing

@testable import KCore

/// A broker's start as far as logs and metadata go, in two log directories.
private struct Node {
    let logs: LogManager
    let cluster: EmbeddedCluster
    let partitions: PartitionManager

    init(_ disk: SimulatedDisk, _ directories: [String] = ["/a", "/b"], properties: [String: String] = [:]) throws {
        let clock = ManualClock()
        logs = try LogManager(
            LogManagerOptions(directories: directories), disk: disk, clock: clock, background: { $0() })
        var properties = properties
        properties["log.dirs"] = directories.joined(separator: ",")
        let config = try BrokerConfig(properties)
        EmbeddedCluster.giveUpUnknown(config, logs, disk: disk, logger: .silent)
        cluster = try EmbeddedCluster.open(
            config: config, offline: logs.offlineDirectories, disk: disk, clock: clock, logger: .silent,
            random: SystemRandomNumberGenerator())
        partitions = PartitionManager(
            logManager: logs, lostDirectories: cluster.lostDirectories, config: config, nodeId: 1, logger: .silent)
        let image = cluster.holder.image
        logs.load { [partitions] topic in partitions.logConfig(topic, image) }
        partitions.open(image)
        cluster.holder.addListener(partitions)
        _ = cluster.runner.perform(
            RegisterBroker(
                brokerId: 1, incarnationId: .zero, endpoints: [],
                logDirs: cluster.identity.directories.map(\.id) + partitions.missing.awaitedDirectories))
    }

    /// Creates `t` with four partitions and a record in each.
    func fill() throws {
        _ = cluster.runner.perform(CreateTopicsRequest.of([.of("t", partitions: 4)]))
        for partition in partitions.served {
            try partition.log.append(["record"])
            partition.log.highWatermark = 1
        }
    }

    func configure(_ name: String, _ value: String) {
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = .topic
        resource.resourceName = "t"
        var config = IncrementalAlterConfigsRequest.AlterableConfig()
        config.name = name
        config.value = value
        resource.configs = [config]
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        _ = cluster.runner.perform(request)
    }

    func stop() {
        cluster.runner.stop()
        logs.shutdown()
    }

    /// Which partitions of `t` are not served.
    var offline: Set<Int32> { partitions.table.value.find("t")?.offline ?? [] }
    var ends: [Int64] { partitions.served.map(\.log.logEndOffset) }
}

extension PartitionManager {
    fileprivate var served: [Partition] { table.value.find("t")?.partitions.compactMap { $0 } ?? [] }
}

@Suite struct MissingLogTests {
    private let disk = SimulatedDisk()

    private func filled() throws {
        let node = try Node(disk)
        try node.fill()
        #expect(node.ends == [1, 1, 1, 1])
        node.stop()
    }

    private func inSecond() throws -> Set<Int32> {
        Set(try disk.list("/b").compactMap { LogDirectoryName.parse($0.name)?.partition })
    }

    @Test func `partitions of a directory that comes up empty are offline until it is back`() throws {
        try filled()
        let lost = try inSecond()
        #expect(lost.count == 2)
        try disk.rename("/b", to: "/away")
        // The second time nothing but the registration remembers.
        for _ in 0..<2 {
            let node = try Node(disk)
            #expect(node.offline == lost)
            #expect(node.ends == [1, 1])
            node.stop()
            #expect(try inSecond().isEmpty)
        }
        try disk.remove("/b/meta.properties")
        for entry in try disk.list("/b") { try disk.remove("/b/" + entry.name) }
        try disk.remove("/b")
        try disk.rename("/away", to: "/b")
        let node = try Node(disk)
        #expect(node.offline.isEmpty && node.ends == [1, 1, 1, 1])
        node.stop()
    }

    @Test(arguments: [nil, "garbage", "version=9"])
    func `a directory whose meta properties cannot be read is offline, and the others are served`(text: String?) throws
    {
        try filled()
        let lost = try inSecond()
        let good = try #require(disk.contents("/b/meta.properties"))
        try disk.remove("/b/meta.properties")
        if let text { disk.plant("/b/meta.properties", Array(text.utf8)) }
        let node = try Node(disk)
        #expect(node.logs.offlineDirectories.map(\.path) == ["/b"])
        #expect(node.logs.offlineDirectories.first?.reason.contains("/b/meta.properties") == true)
        #expect(node.offline == lost)
        #expect(node.ends == [1, 1])
        node.stop()
        #expect(disk.contents("/b/meta.properties") == text.map { Array($0.utf8) })
        disk.plant("/b/meta.properties", good)
        let again = try Node(disk)
        #expect(again.offline.isEmpty && again.ends == [1, 1, 1, 1])
        again.stop()
    }

    @Test func `without the metadata's own nothing can be said`() throws {
        try filled()
        disk.plant("/a/meta.properties", Array("garbage".utf8))
        #expect(throws: MetadataStoreError.self) { try Node(disk) }
    }

    @Test(arguments: ["version: 0\ntopic_id: !", ""])
    func `a topic id that cannot be read is written anew`(contents: String) throws {
        try filled()
        let path = try #require(disk.paths.first { $0.hasSuffix("/t-1/partition.metadata") })
        let before = try #require(disk.contents(path))
        disk.plant(path, Array(contents.utf8))
        let node = try Node(disk)
        #expect(node.offline.isEmpty && node.ends == [1, 1, 1, 1])
        #expect(disk.contents(path) == before)
        node.stop()
    }

    @Test func `a directory that is left out keeps its partitions offline, and new ones are made elsewhere`() throws {
        try filled()
        let lost = try inSecond()
        let node = try Node(disk, ["/a"])
        var more = CreatePartitionsRequest()
        var topic = CreatePartitionsRequest.CreatePartitionsTopic()
        (topic.name, topic.count) = ("t", 6)
        more.topics = [topic]
        _ = node.cluster.runner.perform(more)
        #expect(node.offline == lost)
        #expect(node.ends == [1, 1, 0, 0])
        node.stop()
    }

    @Test(arguments: [true, false])
    func `a partition that checkpoints tell of is not begun anew`(isClean: Bool) throws {
        try filled()
        let gone = try #require(try inSecond().min())
        try remove("/b/t-\(gone)")
        if !isClean { try disk.remove("/b/" + LogDirectoryName.cleanStopMarker) }
        for _ in 0..<2 {
            let node = try Node(disk)
            #expect(node.offline == [gone])
            node.logs.checkpointAll()
            node.stop()
        }
    }

    @Test func `a topic that may lose records begins anew, and one that is deleted is forgotten`() throws {
        try filled()
        let gone = try #require(try inSecond().min())
        try remove("/b/t-\(gone)")
        var node = try Node(disk)
        node.configure("unclean.leader.election.enable", "true")
        #expect(node.partitions.mayOpenMore(nowMs: 1000))
        node.partitions.openMore(nowMs: 1000)
        #expect(node.offline.isEmpty)
        #expect(node.ends.sorted() == [0, 1, 1, 1])
        node.stop()

        let other = try #require(try inSecond().max())
        node = try Node(disk)
        #expect(node.offline.isEmpty)
        node.configure("unclean.leader.election.enable", "false")
        node.stop()
        try remove("/b/t-\(other)")
        node = try Node(disk)
        #expect(node.offline == [other])
        var request = DeleteTopicsRequest()
        request.topicNames = ["t"]
        _ = node.cluster.runner.perform(request)
        _ = node.cluster.runner.perform(CreateTopicsRequest.of([.of("t", partitions: 4)]))
        #expect(node.offline.isEmpty && node.ends == [0, 0, 0, 0])
        node.stop()
        node = try Node(disk)
        #expect(node.offline.isEmpty && node.ends == [0, 0, 0, 0])
        node.stop()
    }

    @Test func `a log whose topic id is another one is kept and refused, not removed`() throws {
        try filled()
        let path = "/a/t-\(try #require(try partitionsInFirst().min()))/\(PartitionMetadataFile.name)"
        disk.plant(path, PartitionMetadataFile.write(topicId: Uuid(high: 1, low: 1)).array)
        let node = try Node(disk)
        #expect(node.offline.count == 1)
        #expect(node.ends == [1, 1, 1])
        node.stop()
        #expect(disk.contents(path) != nil)
    }

    @Test func `without the metadata nothing is begun beside other directories' partitions`() throws {
        try filled()
        try disk.rename("/a", to: "/away")
        #expect(throws: MetadataStoreError.self) { try Node(disk) }
        #expect(try disk.list("/a").allSatisfy { $0.name == LogDirectoryName.lockFile })
        #expect(try inSecond().count == 2)
    }

    private func partitionsInFirst() throws -> Set<Int32> {
        Set(
            try disk.list("/a").compactMap { LogDirectoryName.parse($0.name) }.filter { $0.topic == "t" }
                .map(\.partition))
    }

    private func remove(_ path: String) throws {
        for entry in try disk.list(path) { try disk.remove(path + "/" + entry.name) }
        try disk.remove(path)
    }
}
