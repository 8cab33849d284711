import Testing

@testable import KCore

/// Starts after a crash with logs in which compaction has left gaps, and no checkpoint that tells of them.
@Suite struct LostCheckpointTests {
    private let disk = SimulatedDisk()
    private let partition = TopicPartition(topic: "t", partition: 0)
    private let capture = PipeCapture()
    private static let checkpoint = "/a/recovery-point-offset-checkpoint"

    private var config: LogConfig {
        var config = LogConfig()
        config.segmentBytes = 200
        config.cleanupPolicy = .compact
        return config
    }

    private func start() throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: ManualClock(),
            logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)), background: { $0() })
        manager.load { [config] _ in config }
        return manager
    }

    /// Six records, two in a segment, and the process gone; the last one of the second segment is not there any more.
    private func crash(checkpoint: String?, hasSnapshot: Bool = true) throws {
        let manager = try start()
        let log = try manager.createLog(partition, topicId: nil, config: config)
        for index in 0..<6 {
            let builder = RecordBatchBuilder()
            try builder.append(timestamp: 1, key: Bytes("key \(index)"), value: Bytes("v\(index)"))
            _ = try log.append(try builder.close(), leaderEpoch: 0)
        }
        #expect(log.segmentCount == 3)
        try log.flush()
        manager.checkpointAll()
        disk.restart()
        let path = "/a/t-0/" + SegmentFileKind.log.fileName(baseOffset: 2)
        let contents = try #require(disk.contents(path))
        disk.plant(path, Array(contents.prefix(contents.count / 2)))
        let snapshot = "/a/t-0/" + SegmentFileKind.producerSnapshot.fileName(baseOffset: 4)
        #expect(disk.contents(snapshot) != nil)
        if !hasSnapshot { try disk.remove(snapshot) }
        if let checkpoint {
            disk.plant(Self.checkpoint, Array(checkpoint.utf8))
        } else {
            try disk.remove(Self.checkpoint)
        }
    }

    @Test(arguments: [nil, "garbage"] as [String?])
    func `behind a gap as compaction leaves it nothing is cut off`(checkpoint: String?) throws {
        try crash(checkpoint: checkpoint)
        let log = try #require(try start().log(for: partition))
        #expect(try log.values() == ["v0", "v1", "v2", "v4", "v5"])
        #expect(log.logEndOffset == 6)
        let line = capture.text.split(separator: "\n").first {
            $0.contains("offsets are missing as where compaction was")
        }
        #expect(line?.contains("partition=t-0 from=3 to=3") == true)
    }

    @Test func `a gap of which nothing says that everything in front of it had been there is what a crash has left`()
        throws
    {
        try crash(checkpoint: nil, hasSnapshot: false)
        #expect(try start().log(for: partition)?.values() == ["v0", "v1", "v2"])
    }

    @Test func `a compacted log is not refused for a gap when nobody knows what was promised`() throws {
        try crash(checkpoint: "garbage", hasSnapshot: false)
        #expect(try start().log(for: partition)?.values() == ["v0", "v1", "v2", "v4", "v5"])
    }

    @Test func `Kafka's compacted logs open as they are, also without its checkpoints`() throws {
        let files = try KafkaFiles.of(.killed)
        for (name, contents) in files where name.hasPrefix("compacted-0/") { disk.plant("/a/" + name, contents) }
        let compacted = TopicPartition(topic: "compacted", partition: 0)
        let log = try #require(try start().log(for: compacted))
        #expect(log.logEndOffset == 240)
        #expect(try log.records().contains { $0.offset >= 200 })
    }
}
