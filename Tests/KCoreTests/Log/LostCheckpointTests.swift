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

    /// Records at these offsets, two in a segment, as one who copies them from a cleaned log has them; the process gone, and
    /// of the segment that begins at `segment` the last record gone.
    private func crash(_ offsets: [Int64], cutting segment: Int64, checkpoint: String?) throws {
        let manager = try start()
        let log = try manager.createLog(partition, topicId: nil, config: config)
        for offset in offsets {
            var options = BatchOptions()
            options.baseOffset = offset
            let record = Record(offset: offset, timestamp: 1, key: Bytes("key \(offset)"), value: Bytes("v\(offset)"))
            _ = try log.append(
                try RecordBatchBuilder.batch([record], options), leaderEpoch: 0, origin: .replication)
        }
        #expect(log.segmentCount == offsets.count / 2)
        try log.flush()
        manager.checkpointAll()
        disk.restart()
        let path = "/a/t-0/" + SegmentFileKind.log.fileName(baseOffset: segment)
        let contents = try #require(disk.contents(path))
        disk.plant(path, Array(contents.prefix(contents.count / 2)))
        if let checkpoint {
            disk.plant(Self.checkpoint, Array(checkpoint.utf8))
        } else {
            try disk.remove(Self.checkpoint)
        }
    }

    @Test(arguments: [nil, "garbage"] as [String?])
    func `behind gaps as compaction leaves them nothing is cut off`(checkpoint: String?) throws {
        try crash([0, 3, 4, 5, 6, 7], cutting: 4, checkpoint: checkpoint)
        let log = try #require(try start().log(for: partition))
        #expect(try log.values() == ["v0", "v3", "v4", "v6", "v7"])
        #expect(log.logEndOffset == 8)
        let line = capture.text.split(separator: "\n").first {
            $0.contains("offsets are missing as where compaction was")
        }
        #expect(line?.contains("partition=t-0 from=5 to=5") == true)
    }

    @Test func `of compaction the batches behind a gap tell, too`() throws {
        try crash([0, 1, 2, 5, 6, 7], cutting: 0, checkpoint: nil)
        #expect(try start().log(for: partition)?.values() == ["v0", "v2", "v5", "v6", "v7"])
    }

    @Test func `a hole that no other gap bears out is what a crash has left`() throws {
        try crash([0, 1, 2, 3, 4, 5], cutting: 2, checkpoint: nil)
        #expect(try start().log(for: partition)?.values() == ["v0", "v1", "v2"])
    }

    @Test func `a compacted log is not refused for a hole when nobody knows what was promised`() throws {
        try crash([0, 1, 2, 3, 4, 5], cutting: 2, checkpoint: "garbage")
        #expect(try start().log(for: partition)?.values() == ["v0", "v1", "v2", "v4", "v5"])
    }
}
