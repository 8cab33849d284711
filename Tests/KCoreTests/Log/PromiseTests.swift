import Glibc
import Testing

@testable import KCore

/// What the checkpoints promise of a log, and what becomes of one that does not keep it.
@Suite struct PromiseTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()
    private let partition = TopicPartition(topic: "orders", partition: 0)
    private let path = "/a/orders-0/00000000000000000000.log"

    private func open(logger: Logger = .silent) throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, logger: logger, background: { $0() })
        manager.load { _ in LogConfig() }
        return manager
    }

    private func filled(_ count: Int = 5) throws -> LogManager {
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        for index in 0..<count { try log.append(["value \(index)"]) }
        return manager
    }

    private func batchSize() throws -> Int { try #require(disk.contents(path)).count / 5 }

    private var startsText: String? {
        disk.contents("/a/" + OffsetCheckpoint.logStartOffsetName).map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Starts

    @Test(arguments: 0..<20) func `deleted records stay deleted and no offset is given twice, whatever power takes`(
        seed: UInt64
    ) throws {
        let manager = try filled()
        let log = try #require(manager.log(for: partition))
        log.highWatermark = 5
        try log.advanceStartOffset(to: 3)
        manager.checkpointAll()
        try log.append(["not flushed"])
        var random = SimulatedDisk.Random(seed: seed)
        disk.crash(&random)
        let again = try #require(try open().log(for: partition))
        #expect(again.logStartOffset == 3)
        #expect(try again.values(from: 3).prefix(2) == ["value 3", "value 4"])
    }

    @Test func `a checkpoint names no start that is not on stable storage`() throws {
        let manager = try filled()
        let log = try #require(manager.log(for: partition))
        log.highWatermark = 5
        // No room for the leader epochs: the log is not flushed, and the records can be deleted all the same.
        disk.failOpens(of: ".tmp")
        try log.advanceStartOffset(to: 3)
        disk.failOpens(of: nil)
        #expect(log.logStartOffset == 3)
        #expect(log.recoveryPoint == 0)
        manager.checkpointAll()
        #expect(startsText == "0\n0\n")
        try log.flush()
        manager.checkpointAll()
        #expect(startsText == "0\n1\norders 0 3\n")
    }

    @Test func `a start behind the end costs no record when nothing else says that the log had been there`() throws {
        try filled().shutdown()
        let contents = disk.contents(path)
        disk.plant("/a/" + OffsetCheckpoint.logStartOffsetName, Array("0\n1\norders 0 900\n".utf8))
        for isClean in [true, false] {
            if !isClean { disk.restart() }
            let capture = PipeCapture()
            let manager = try open(logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
            #expect(manager.log(for: partition) == nil)
            #expect(throws: LogError.self) { try manager.createLog(partition, topicId: nil, config: LogConfig()) }
            #expect(disk.contents(path) == contents)
            let line = try #require(capture.text.split(separator: "\n").first { $0.contains("cannot be used") })
            for part in ["orders-0", "offset 5", "start 900", "log-start-offset-checkpoint", path] {
                #expect(line.contains(part), "\(line)")
            }
            // Nor does the next start think otherwise.
            manager.checkpointAll()
        }
    }

    @Test func `a truncation that is interrupted brings no deleted record back, nor refuses the log`() throws {
        for operations in 1..<40 {
            let test = PromiseTests()
            let manager = try test.filled()
            let log = try #require(manager.log(for: partition))
            log.highWatermark = 5
            try log.advanceStartOffset(to: 3)
            try log.flush()
            manager.checkpointAll()
            test.disk.failAfter(operations)
            _ = try? log.truncateFullyAndStart(at: operations % 2 == 0 ? 50 : 4)
            var random = SimulatedDisk.Random(seed: UInt64(operations))
            test.disk.crash(&random)
            let again = try #require(try test.open().log(for: partition), "after \(operations) operations")
            #expect(again.logStartOffset >= 3, "after \(operations) operations")
            #expect(again.logEndOffset >= again.logStartOffset)
        }
    }

    @Test func `a line of the starts that is damaged is named and costs no other log its start`() throws {
        try filled().shutdown()
        disk.plant("/a/" + OffsetCheckpoint.logStartOffsetName, Array("0\n2\nother 0 1x\norders 0 3\n".utf8))
        let capture = PipeCapture()
        let manager = try open(logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
        #expect(manager.log(for: partition)?.logStartOffset == 3)
        #expect(capture.text.contains("/a/log-start-offset-checkpoint, line 3:"))
    }

    @Test func `a start is written only together with a high watermark that bears it out`() throws {
        let manager = try filled()
        let log = try #require(manager.log(for: partition))
        log.highWatermark = 5
        try log.advanceStartOffset(to: 3)
        disk.inject(InjectedError(operation: .open, part: OffsetCheckpoint.highWatermarkName, code: ENOSPC))
        manager.checkpointAll()
        #expect(startsText == nil)
        manager.checkpointAll()
        #expect(startsText == "0\n1\norders 0 3\n")
        #expect(
            disk.contents("/a/" + OffsetCheckpoint.highWatermarkName).map { String(decoding: $0, as: UTF8.self) }
                == "0\n1\norders 0 5\n")
    }

    @Test func `after a loss of power a log whose deleted records are gone begins where they ended`() throws {
        let bench = LogBench()
        try bench.open().append(["a", "b"])
        let log = try LogBench(disk: bench.disk).open(startOffset: 7, highWatermark: 9)
        #expect(log.logStartOffset == 7)
        #expect(try log.append(["next"]).baseOffset == 7)
    }

    // MARK: Ends

    @Test(arguments: [true, false]) func `a log that ends in front of what had been flushed is refused`(
        isClean: Bool
    ) throws {
        let manager = try filled()
        if isClean {
            manager.shutdown()
        } else {
            try #require(manager.log(for: partition)).flush()
            manager.checkpointAll()
            disk.restart()
        }
        // Cut off between two batches: what is left is sound.
        let whole = try #require(disk.contents(path))
        let rest = Array(whole.prefix(try batchSize() * 3))
        disk.plant(path, rest)
        let capture = PipeCapture()
        let again = try open(logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
        #expect(again.log(for: partition) == nil)
        let line = try #require(capture.text.split(separator: "\n").first { $0.contains("cannot be used") })
        for part in ["orders-0", "at offset 3", "up to 5", path] { #expect(line.contains(part), "\(line)") }
        #expect(disk.contents(path) == rest)
        again.shutdown()
        #expect(try open().log(for: partition) == nil)
    }

    @Test func `a directory without its segments is refused when they had been flushed`() throws {
        let manager = try filled()
        try #require(manager.log(for: partition)).flush()
        manager.checkpointAll()
        disk.restart()
        for name in disk.paths where name.hasPrefix("/a/orders-0/0") { try disk.remove(name) }
        let again = try open()
        #expect(again.log(for: partition) == nil)
        #expect(throws: LogError.self) { try again.createLog(partition, topicId: nil, config: LogConfig()) }
    }

    @Test func `a segment that is missing among what had been flushed is reported`() throws {
        var config = LogConfig()
        config.segmentBytes = 200
        let bench = LogBench()
        let log = try bench.open(config)
        for index in 0..<30 { try log.append(["value \(index)"]) }
        try log.flush()
        let names = bench.disk.paths.filter { $0.hasSuffix(".log") }
        try bench.disk.remove(names[names.count - 2])
        let capture = PipeCapture()
        var environment = bench.environment
        environment.logger = Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor))
        let missing = try #require(SegmentFileKind.parse(String(names[names.count - 2].suffix(24))))
        _ = try LogLoader(
            topicPartition: bench.topicPartition,
            folder: PartitionFolder(path: bench.path, files: OpenFiles(disk: bench.disk, limit: 100)),
            environment: environment, config: config, recoveryPoint: missing.0 + 1
        ).load()
        #expect(capture.text.contains("are missing partition=t-0 from=\(missing.0) to="))
    }
}
