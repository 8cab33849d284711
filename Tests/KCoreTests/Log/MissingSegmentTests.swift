import Testing

@testable import KCore

/// Starts with a segment's file gone and its indexes still there.
@Suite struct MissingSegmentTests {
    private let disk = SimulatedDisk()
    private let partition = TopicPartition(topic: "t", partition: 0)
    private let capture = PipeCapture()

    private func start(_ policy: LogConfig.CleanupPolicy = .delete) throws -> LogManager {
        var config = LogConfig()
        config.segmentBytes = 200
        config.cleanupPolicy = policy
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: ManualClock(),
            logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)), background: { $0() })
        manager.load { [config] _ in config }
        return manager
    }

    private func path(_ kind: SegmentFileKind, _ base: Int64) -> String {
        "/a/t-0/" + kind.fileName(baseOffset: base)
    }

    /// Four segments of two records each, stopped; then the log file of one is taken away.
    private func losing(_ base: Int64, isClean: Bool = true, _ policy: LogConfig.CleanupPolicy = .delete) throws
        -> [UInt8]
    {
        let manager = try start(policy)
        var config = LogConfig()
        config.segmentBytes = 200
        let log = try manager.createLog(partition, topicId: nil, config: config)
        for index in 0..<8 { try log.append(["value \(index)"]) }
        #expect(log.segmentCount == 4)
        try log.flush()
        manager.checkpointAll()
        if isClean { manager.shutdown() } else { disk.restart() }
        let contents = try #require(disk.contents(path(.log, base)))
        try disk.remove(path(.log, base))
        return contents
    }

    @Test(arguments: [Int64(0), 2, 4], [true, false])
    func `a hole is named and the log refused until the file is back`(base: Int64, isClean: Bool) throws {
        let contents = try losing(base, isClean: isClean)
        for _ in 0..<2 {
            let manager = try start()
            #expect(manager.log(for: partition) == nil)
            manager.shutdown()
            #expect(disk.contents(path(.offsetIndex, base)) != nil)
        }
        #expect(capture.text.contains(path(.log, base)))
        #expect(capture.text.contains("the offsets \(base) to \(base + 1)"))
        disk.plant(path(.log, base), contents)
        #expect(try start().log(for: partition)?.values() == (0..<8).map { "value \($0)" })
    }

    @Test func `who has no copy removes the indexes and goes on with the rest`() throws {
        _ = try losing(2)
        for kind in [SegmentFileKind.offsetIndex, .timeIndex] { try disk.remove(path(kind, 2)) }
        let log = try #require(try start().log(for: partition))
        #expect(try log.values() == [0, 1, 4, 5, 6, 7].map { "value \($0)" })
    }

    private func missing(_ path: String, _ range: ClosedRange<Int>) -> Int {
        let lines = capture.text.split(separator: "\n").filter { line in
            line.contains("ERROR") && line.contains("records are missing in front of a segment")
                && line.contains("path=\(path) from=\(range.lowerBound) to=\(range.upperBound)")
        }
        return lines.count
    }

    @Test func `a snapshot of a segment that is gone tells of the hole at the start`() throws {
        _ = try losing(2)
        for kind in [SegmentFileKind.offsetIndex, .timeIndex] { try disk.remove(path(kind, 2)) }
        disk.plant(path(.producerSnapshot, 2), try #require(disk.contents(path(.producerSnapshot, 8))))
        _ = try #require(try start().log(for: partition))
        #expect(missing(path(.log, 4), 2...3) == 1)
    }

    @Test func `a hole of which no file tells is named by its first reader`() throws {
        _ = try losing(2)
        for kind in [SegmentFileKind.offsetIndex, .timeIndex, .producerSnapshot] {
            try? disk.remove(path(kind, 2))
        }
        let log = try #require(try start().log(for: partition))
        #expect(missing(path(.log, 4), 2...3) == 0)
        for _ in 0..<2 { #expect(try log.values() == [0, 1, 4, 5, 6, 7].map { "value \($0)" }) }
        #expect(missing(path(.log, 4), 2...3) == 1)
    }

    private func gapped(_ policy: LogConfig.CleanupPolicy) throws -> Log {
        var config = LogConfig()
        config.cleanupPolicy = policy
        let log = try start(policy).createLog(partition, topicId: nil, config: config)
        for offset: Int64 in [0, 5] {
            var options = BatchOptions()
            options.baseOffset = offset
            let record = Record(offset: offset, timestamp: 1, key: Bytes("k"), value: Bytes("\(offset)"))
            _ = try log.append(try RecordBatchBuilder.batch([record], options), leaderEpoch: 0, origin: .replication)
        }
        return log
    }

    @Test func `a hole inside of a segment is named by its first reader`() throws {
        let log = try gapped(.delete)
        for _ in 0..<2 { #expect(try log.values(maxBytes: 1) == ["0", "5"]) }
        let lines = capture.text.split(separator: "\n").filter {
            $0.contains("records are missing in front of a batch")
        }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("path=\(path(.log, 0)) position=") == true)
        #expect(lines.first?.contains("from=1 to=4") == true)
    }

    @Test func `a hole inside of a segment of a compacted log is no loss`() throws {
        #expect(try gapped(.compact).values(maxBytes: 1) == ["0", "5"])
        #expect(!capture.text.contains("missing in front"))
    }

    @Test func `what a crash leaves in front of a log is named and removed`() throws {
        let contents = try losing(0, isClean: false)
        disk.plant(path(.log, 0) + ".deleted", contents)
        let log = try #require(try start().log(for: partition))
        #expect(log.logStartOffset == 2)
        #expect(capture.text.contains("WARN"))
        #expect(capture.text.contains(SegmentFileKind.offsetIndex.fileName(baseOffset: 0)))
        #expect(!disk.paths.contains { $0.contains("00000000000000000000") })
    }

    @Test func `in a compacted log a gap is no loss`() throws {
        _ = try losing(2, .compact)
        #expect(try start(.compact).log(for: partition)?.values().count == 6)
        #expect(!capture.text.contains("missing in front"))
    }
}
