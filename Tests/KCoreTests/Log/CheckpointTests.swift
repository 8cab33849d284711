import Glibc
import Synchronization
import Testing

@testable import KCore

@Suite struct CheckpointTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()
    private let partition = TopicPartition(topic: "orders", partition: 0)

    private func open(_ config: LogConfig = LogConfig(), logger: Logger = .silent) throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, logger: logger, background: { $0() })
        manager.load { _ in config }
        return manager
    }

    private func text(_ name: String) -> String? {
        disk.contents("/a/" + name).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `high watermarks are kept in Kafka's file, and written only when they change`() throws {
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        try log.append(["a", "b"])
        log.highWatermark = 1
        clock.advance(ms: 5000)
        manager.tick()
        #expect(text("replication-offset-checkpoint") == "0\n1\norders 0 1\n")
        let operations = disk.operations
        clock.advance(ms: 5000)
        manager.tick()
        #expect(disk.operations == operations)
        log.highWatermark = 2
        manager.shutdown()
        #expect(text("replication-offset-checkpoint") == "0\n1\norders 0 2\n")
    }

    @Test func `what was shown before a kill stays visible, what was not waits for the flush`() throws {
        var config = LogConfig()
        let manager = try open(config)
        let log = try manager.createLog(partition, topicId: nil, config: config)
        try log.append(["a"])
        log.highWatermark = 1
        manager.checkpointHighWatermarks()
        try log.append(["b"])
        disk.restart()
        config.flushMessages = 1
        let jobs = JobQueue()
        var workers = DirectoryWorkers { $0() }
        workers.flusher = jobs.add
        let again = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, background: { $0() },
            workers: { _ in workers })
        again.load { [config] _ in config }
        let served = Partition(
            topicPartition: partition, topicId: Uuid.random(), log: try #require(again.log(for: partition)),
            leaderEpoch: 0, inSyncReplicas: 1)
        #expect(served.highWatermark == 1)
        jobs.run()
        #expect(served.highWatermark == 2)
    }

    @Test func `a log that is refused keeps its recovery point, so that the next start refuses it too`() throws {
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        for index in 0..<5 { try log.append(["value \(index)"]) }
        try log.flush()
        manager.checkpointAll()
        disk.restart()
        let path = "/a/orders-0/00000000000000000000.log"
        var contents = try #require(disk.contents(path))
        contents[contents.count / 2] ^= 1
        disk.plant(path, contents)
        for _ in 0..<3 {
            let again = try open()
            #expect(again.log(for: partition) == nil)
            again.checkpointAll()
            #expect(text("recovery-point-offset-checkpoint") == "0\n1\norders 0 5\n")
            disk.restart()
        }
        #expect(disk.contents(path) == contents)
    }

    @Test func `a directory with a log that is refused is not marked as stopped cleanly`() throws {
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        for index in 0..<5 { try log.append(["value \(index)"]) }
        try log.flush()
        manager.checkpointAll()
        disk.restart()
        let path = "/a/orders-0/00000000000000000000.log"
        var contents = try #require(disk.contents(path))
        contents[contents.count / 2] ^= 1
        disk.plant(path, contents)
        let again = try open()
        #expect(again.log(for: partition) == nil)
        again.shutdown()
        #expect(text(".kafka_cleanshutdown") == nil)
        #expect(try open().log(for: partition) == nil)
    }

    @Test func `after a truncation a full disk leaves no recovery point that promises too much`() throws {
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        for index in 0..<5 { try log.append(["value \(index)"]) }
        try log.flush()
        manager.checkpointAll()
        disk.failOpens(of: ".tmp")
        try log.truncate(to: 2)
        #expect(text("recovery-point-offset-checkpoint") == nil)
        #expect(!manager.hasOfflineDirectory)
        disk.failOpens(of: nil)
        manager.checkpointAll()
        #expect(text("recovery-point-offset-checkpoint") == "0\n1\norders 0 2\n")
    }

    @Test
    func
        `a deleted log that a checkpoint still names leaves its directory's name, until the checkpoint can be written`()
        throws
    {
        var manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        try log.append(["a"])
        try log.flush()
        manager.checkpointAll()
        try manager.deleteLog(partition)
        disk.failOpens(of: ".tmp")
        clock.advance(ms: 120_000)
        manager.tick()
        // There is room again, but the process dies.
        #expect(!disk.paths.contains { $0.contains("-delete/") })
        disk.restart()
        manager = try open()
        #expect(manager.state.withLock { $0.refused.isEmpty })
        disk.failOpens(of: nil)
        clock.advance(ms: 120_000)
        manager.tick()
        clock.advance(ms: 120_000)
        manager.tick()
        #expect(try disk.list("/a").allSatisfy { !$0.isDirectory })
        #expect(text("recovery-point-offset-checkpoint") == "0\n0\n")
    }

    @Test func `too many open files at the first checkpoint are no failure of the disk`() throws {
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        try log.append(["a"])
        disk.failOpens(of: ".tmp")
        disk.inject(InjectedError(operation: .sync, part: "/a", code: EMFILE, times: .max))
        manager.checkpointAll()
        #expect(!manager.hasOfflineDirectory)
        disk.failOpens(of: nil)
        disk.clearErrors()
        manager.checkpointAll()
        #expect(text("recovery-point-offset-checkpoint") == "0\n1\norders 0 0\n")
    }

    @Test func `a full disk leaves the older checkpoint, a broken one takes the directory offline`() throws {
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        manager.checkpointAll()
        try log.append(["a"])
        try log.flush()
        disk.setRoom(0)
        manager.checkpointAll()
        #expect(text("recovery-point-offset-checkpoint") == "0\n1\norders 0 0\n")
        #expect(!manager.hasOfflineDirectory)
        disk.setRoom(nil)
        disk.failSyncs(true)
        manager.checkpointAll()
        #expect(manager.hasOfflineDirectory)
    }

    @Test func `a log that had no room to be recovered is used once there is some`() throws {
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        for index in 0..<5 { try log.append(["value \(index)"]) }
        disk.restart()
        disk.failOpens(of: ".index")
        let again = try open()
        #expect(again.log(for: partition) == nil)
        #expect(throws: LogError.self) { try again.createLog(partition, topicId: nil, config: LogConfig()) }
        disk.failOpens(of: nil)
        let log2 = try again.createLog(partition, topicId: nil, config: LogConfig())
        #expect(try log2.values() == (0..<5).map { "value \($0)" })
        #expect(again.log(for: partition) === log2)
    }

    @Test(arguments: [Int64(6), 10]) func `what is cut off in front of a gap is not promised any more`(offset: Int64)
        throws
    {
        var manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        try log.append(["a", "b"])
        var options = BatchOptions()
        options.baseOffset = 9
        _ = try log.append(
            try RecordBatchBuilder.batch(
                [
                    Record(offset: 9, timestamp: 1, key: nil, value: Bytes("c")),
                    Record(offset: 10, timestamp: 1, key: nil, value: Bytes("d")),
                ],
                options), leaderEpoch: 0, origin: .replication)
        try log.flush()
        manager.checkpointAll()
        #expect(text("recovery-point-offset-checkpoint") == "0\n1\norders 0 11\n")
        // The one that follows the cut cannot be written.
        disk.inject(
            InjectedError(
                operation: .write, part: OffsetCheckpoint.recoveryPointName, code: EIO, skip: 1, times: .max))
        _ = try? log.truncate(to: offset)
        #expect(log.logEndOffset == 2)
        var random = SimulatedDisk.Random(seed: 1)
        disk.crash(&random)
        manager = try open()
        #expect(manager.log(for: partition)?.logEndOffset == 2)
    }

    @Test func `a log that was deleted is not missed, wherever a stop breaks off`() throws {
        for moment in 0..<40 {
            let disk = SimulatedDisk()
            func open() throws -> LogManager {
                let manager = try LogManager(
                    LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, background: { $0() })
                manager.load { _ in LogConfig() }
                return manager
            }
            var manager = try open()
            let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
            try log.append(["a", "b"])
            try log.flush()
            manager.checkpointAll()
            try manager.deleteLog(partition)
            disk.failAfter(moment)
            manager.shutdown()
            var random = SimulatedDisk.Random(seed: UInt64(moment))
            disk.crash(&random)
            manager = try open()
            #expect(try manager.createLog(partition, topicId: nil, config: LogConfig()).logEndOffset == 0)
        }
    }

    @Test func `a log that could not be made does not come back with the power`() throws {
        var manager = try open()
        let partition = TopicPartition(topic: "orders", partition: 7)
        disk.inject(InjectedError(operation: .write, part: "partition.metadata", code: 28))
        #expect(throws: LogError.self) {
            _ = try manager.createLog(partition, topicId: Uuid(high: 1, low: 2), config: LogConfig())
        }
        disk.clearErrors()
        for seed in UInt64(0)..<20 {
            var random = SimulatedDisk.Random(seed: seed)
            disk.crash(&random)
            manager = try open()
            #expect(manager.log(for: partition) == nil)
        }
    }

    @Test func `what power leaves of the epochs of a new log is no damage, of an older log it is`() throws {
        for isNew in [true, false] {
            let test = CheckpointTests()
            let manager = try test.open()
            let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
            try log.append(["a"], epoch: 3)
            if !isNew {
                try log.flush()
                manager.checkpointAll()
            }
            test.disk.restart()
            test.disk.plant("/a/orders-0/" + LeaderEpochs.fileName, [])
            let capture = PipeCapture()
            let again = try test.open(
                logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
            #expect(again.log(for: partition)?.leaderEpoch(at: 0) == 3)
            #expect(capture.text.contains("the leader epochs cannot be read") == !isNew)
        }
    }

    @Test func `a copy that Kafka was making for another directory is named and kept`() throws {
        let name = "/a/orders-0.0123456789abcdef0123456789abcdef-future"
        disk.plant("/a/meta", [])
        disk.plant(name + "/00000000000000000000.log", [1, 2, 3])
        let capture = PipeCapture()
        let manager = try open(logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
        #expect(manager.logs.isEmpty)
        #expect(capture.text.contains(name))
        manager.shutdown()
        #expect(disk.contents(name + "/00000000000000000000.log") == [1, 2, 3])
    }

    @Test func `recovery says what it did to each log, and what it came to`() throws {
        let manager = try open()
        for number in 0..<3 {
            let name = TopicPartition(topic: "orders", partition: Int32(number))
            let log = try manager.createLog(name, topicId: nil, config: LogConfig())
            for index in 0...number { try log.append(["\(index)"]) }
        }
        let path = "/a/orders-2/00000000000000000000.log"
        let contents = try #require(disk.contents(path))
        disk.restart()
        disk.plant(path, contents + [1, 2, 3])
        let capture = PipeCapture()
        _ = try open(logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
        let lines = capture.text.split(separator: "\n").filter { $0.contains(" recovery: ") }
        #expect(lines.count { $0.contains("log recovered") } == 3)
        let third = try #require(lines.first { $0.contains("partition=orders-2") })
        #expect(third.contains("logEndOffset=3 segments=1 bytes=\(contents.count + 3) removedBytes=3"))
        let sum = try #require(lines.last)
        #expect(sum.contains("all logs recovered logs=3 refused=0"))
        #expect(sum.contains("removedBytes=3"))
    }

    @Test func `after a clean stop there is nothing to tell`() throws {
        try open().createLog(partition, topicId: nil, config: LogConfig()).append(["a"])
        disk.restart()
        try open().shutdown()
        let capture = PipeCapture()
        _ = try open(logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
        #expect(!capture.text.contains("recover"))
    }

    @Test func `who wants to know hears of a directory that fails, once`() throws {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a", "/b"]), disk: disk, clock: clock, background: { $0() })
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        let heard = Heard<String>()
        manager.onDirectoryFailure { heard.add($0) }
        try log.append(["a"])
        disk.failSyncs(true)
        for _ in 0..<2 { #expect(throws: LogError.self) { try log.flush() } }
        #expect(heard.all == [parentDirectory(log.directoryPath)])
        #expect(manager.offlineDirectories.map(\.path) == heard.all)
    }
}
