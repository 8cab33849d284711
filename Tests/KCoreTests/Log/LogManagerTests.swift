import Synchronization
import Testing

@testable import KCore

@Suite struct LogManagerTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()

    private func open(_ directories: [String] = ["/a"], _ config: LogConfig = LogConfig()) throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: directories), disk: disk, clock: clock, background: { $0() })
        manager.load { _ in config }
        return manager
    }

    private func partition(_ number: Int32) -> TopicPartition { TopicPartition(topic: "orders", partition: number) }

    @Test func `a log that was deleted while no checkpoint could be written is not missed, and its room is free`()
        throws
    {
        let manager = try open()
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        for index in 0..<5 { try log.append(["value \(index)"]) }
        try log.flush()
        manager.checkpointAll()
        manager.checkpointHighWatermarks()
        disk.failOpens(of: "-checkpoint.tmp")
        try manager.deleteLog(log.topicPartition)
        clock.advance(ms: LogConfig().fileDeleteDelayMs + 1)
        manager.tick()
        #expect(!disk.paths.contains { $0.hasSuffix(".log") })
        disk.restart()
        disk.failOpens(of: nil)
        let again = try open()
        #expect(again.promiseOfMissingLog(log.topicPartition) == nil)
        #expect(try again.createLog(partition(0), topicId: nil, config: LogConfig()).logEndOffset == 0)
        clock.advance(ms: 60_000)
        again.tick()
        again.tick()
        #expect(try !disk.list("/a").contains { $0.name.hasSuffix("-delete") })
    }

    @Test func `logs are there again after a clean stop, with id and offsets`() throws {
        var manager = try open()
        let id = Uuid.random()
        for number in 0..<5 {
            let log = try manager.createLog(partition(Int32(number)), topicId: id, config: LogConfig())
            for index in 0...number { try log.append(["\(index)"]) }
        }
        try #require(manager.log(for: partition(4))).advanceStartOffset(to: 3)
        manager.shutdown(brokerEpoch: 6)
        #expect(disk.contents("/a/.kafka_cleanshutdown") == Array("{\"version\":0,\"brokerEpoch\":6}".utf8))
        #expect(
            disk.contents("/a/log-start-offset-checkpoint").map { String(decoding: $0, as: UTF8.self) }
                == "0\n1\norders 4 3\n")
        manager = try open()
        #expect(disk.contents("/a/.kafka_cleanshutdown") == nil)
        for number in 0..<5 {
            let log = try #require(manager.log(for: partition(Int32(number))))
            #expect(log.logEndOffset == Int64(number + 1))
            #expect(log.topicId == id)
        }
        #expect(manager.log(for: partition(4))?.logStartOffset == 3)
    }

    @Test func `without a clean stop the checkpoint says what need not be read`() throws {
        let manager = try open()
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        try log.append(["a"])
        try log.flush()
        manager.checkpointAll()
        try log.append(["b"])
        disk.restart()
        let again = try #require(try open().log(for: partition(0)))
        #expect(try again.values() == ["a", "b"])
        #expect(again.recoveryPoint == 1)
    }

    @Test func `no new log takes the place of one that is damaged where it was flushed`() throws {
        let manager = try open()
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        for index in 0..<5 { try log.append(["value \(index)"]) }
        try log.flush()
        manager.checkpointAll()
        let path = "/a/orders-0/00000000000000000000.log"
        var contents = try #require(disk.contents(path))
        contents[contents.count / 2] ^= 1
        disk.restart()
        disk.plant(path, contents)
        let again = try open()
        #expect(again.log(for: partition(0)) == nil)
        #expect(throws: LogError.self) {
            try again.createLog(partition(0), topicId: nil, config: LogConfig())
        }
        #expect(disk.contents(path) == contents)
    }

    @Test func `a damaged log goes with its topic, and leaves its name to the next`() throws {
        let manager = try open()
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        for index in 0..<5 { try log.append(["value \(index)"]) }
        try log.flush()
        manager.checkpointAll()
        let path = "/a/orders-0/00000000000000000000.log"
        var contents = try #require(disk.contents(path))
        contents[contents.count / 2] ^= 1
        disk.restart()
        disk.plant(path, contents)
        let again = try open()
        try again.deleteLog(partition(0))
        #expect(try again.createLog(partition(0), topicId: nil, config: LogConfig()).logEndOffset == 0)
        #expect(disk.paths.contains { $0.contains("-delete/") })
        again.shutdown()
        let next = try open()
        #expect(next.log(for: partition(0))?.logEndOffset == 0)
        next.tick()
        #expect(!disk.paths.contains { $0.contains("-delete/") })
    }

    @Test func `a directory has one owner`() throws {
        let manager = try open()
        #expect(throws: LogError.self) { try open() }
        manager.shutdown()
        _ = try open()
    }

    @Test func `new logs go to the directory that has the fewest`() throws {
        let manager = try open(["/a", "/b", "/c"])
        for number in 0..<6 { _ = try manager.createLog(partition(Int32(number)), topicId: nil, config: LogConfig()) }
        #expect(manager.describeDirectories().map(\.sizes.count) == [2, 2, 2])
    }

    @Test func `a directory that fails takes its logs with it and no others`() throws {
        let manager = try open(["/a", "/b"])
        let logs = try (0..<2).map { try manager.createLog(partition(Int32($0)), topicId: nil, config: LogConfig()) }
        for log in logs { try log.append(["a"]) }
        disk.failSyncs(true)
        #expect(throws: LogError.self) { try logs[0].flush() }
        disk.failSyncs(false)
        #expect(throws: LogError.self) { try logs[0].append(["b"]) }
        try logs[1].append(["b"])
        #expect(manager.describeDirectories().map { $0.error != nil } == [true, false])
        let next = try manager.createLog(partition(2), topicId: nil, config: LogConfig())
        #expect(next.directoryPath.hasPrefix("/b/"))
        // Its directory is not marked as clean.
        manager.shutdown()
        #expect(disk.contents("/a/.kafka_cleanshutdown") == nil)
        #expect(disk.contents("/b/.kafka_cleanshutdown") != nil)
    }

    @Test func `a deleted log is renamed, and gone after a while or after a restart`() throws {
        let manager = try open()
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        try log.append(["a"])
        let read = try log.read(from: 0, maxBytes: 100)
        try manager.deleteLog(partition(0))
        #expect(manager.log(for: partition(0)) == nil)
        #expect(disk.paths.contains { $0.contains("-delete/") })
        #expect(try read.batches().count == 1)
        #expect(throws: LogError.self) { try log.append(["b"]) }
        // The name is free at once.
        let again = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        #expect(again.logEndOffset == 0)
        clock.advance(ms: LogConfig().fileDeleteDelayMs + 1)
        manager.tick()
        #expect(!disk.paths.contains { $0.contains("-delete/") })
    }

    @Test func `a flush that comes too late for a deleted log does no harm`() throws {
        let manager = try open()
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        try log.append(["a"], epoch: 3)
        try manager.deleteLog(partition(0))
        manager.directories[0].removals.removeDue(nowMs: .max, disk: disk, logger: .silent)
        try log.flush()
        #expect(throws: LogError.self) { try log.read(from: 0, maxBytes: 10) }
        #expect(throws: LogError.self) { try log.offset(forTimestamp: 0) }
        #expect(manager.describeDirectories().map(\.error) == [nil])
    }

    @Test func `the tick retains, and removes the files after the delay`() throws {
        var config = LogConfig()
        config.segmentBytes = 200
        config.retentionBytes = 300
        let manager = try open(["/a"], config)
        let log = try manager.createLog(partition(0), topicId: nil, config: config)
        for index in 0..<20 { try log.append(["value \(index)"]) }
        clock.advance(ms: manager.options.retentionCheckIntervalMs)
        manager.tick()
        #expect(log.size < 600)
        #expect(disk.paths.contains { $0.hasSuffix(".deleted") })
        clock.advance(ms: config.fileDeleteDelayMs + 1)
        manager.tick()
        #expect(!disk.paths.contains { $0.hasSuffix(".deleted") })
    }

    @Test func `the tick forgets idle producers as often as is said for them, however seldom it retains`() throws {
        var options = LogManagerOptions(directories: ["/a"])
        options.retentionCheckIntervalMs = .max
        (options.producerIdExpirationMs, options.producerIdExpirationCheckIntervalMs) = (5000, 7000)
        let manager = try LogManager(options, disk: disk, clock: clock, background: { $0() })
        manager.load { _ in LogConfig() }
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        _ = try log.append(Batches.idempotent(["v"], sequence: 0), leaderEpoch: 0)
        func known() -> Int { log.writer.withLock { $0.producers.count } }
        clock.advance(ms: 6999)
        manager.tick()
        #expect(known() == 1, "it is not looked")
        clock.advance(ms: 1)
        manager.tick()
        #expect(known() == 0)
    }

    @Test func `too many open files refuse a new log and leave the directory in use`() throws {
        let manager = try open(["/a"])
        disk.failOpens(of: ".log")
        #expect(throws: LogError.self) { try manager.createLog(partition(0), topicId: nil, config: LogConfig()) }
        disk.failOpens(of: ".tmp")
        #expect(throws: LogError.self) { try manager.createLog(partition(1), topicId: nil, config: LogConfig()) }
        disk.failOpens(of: nil)
        #expect(!manager.hasOfflineDirectory)
        try manager.createLog(partition(0), topicId: nil, config: LogConfig()).append(["a"])
    }

    @Test func `names of directories say what they are`() {
        #expect(LogDirectoryName.parse("orders-3") == partition(3))
        #expect(LogDirectoryName.parse("a-b-12") == TopicPartition(topic: "a-b", partition: 12))
        for name in ["orders", "orders-", "-3", "orders-+3", "orders-99999999999"] {
            #expect(LogDirectoryName.parse(name) == nil)
        }
        let deleted = LogDirectoryName.deleted(TopicPartition(topic: String(repeating: "t", count: 249), partition: 7))
        #expect(deleted.utf8.count <= 255)
        #expect(LogDirectoryName.isDeleted(deleted))
    }

    @Test func `a checkpoint that is none is reported, not believed`() throws {
        for text in ["", "1\n0\n", "0\n2\norders 0 5\n", "0\nx\n", "0\n1\norders 0\n", "0\n0\norders 0 1\n"] {
            disk.plant("/a/recovery-point-offset-checkpoint", Array(text.utf8))
            let checkpoint = OffsetCheckpoint(disk: disk, directory: "/a", name: OffsetCheckpoint.recoveryPointName)
            #expect(throws: LogError.self, "\(text)") { try checkpoint.read() }
        }
        _ = try open()
    }
}
