import Glibc
import Synchronization
import Testing

@testable import KCore

/// Partitions with more than one directory, and directories of which nobody knows.
@Suite struct SurplusTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()

    private func open(
        _ directories: [String] = ["/a", "/b"], topicId: Uuid? = nil, logger: Logger = .silent
    ) throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: directories), disk: disk, clock: clock, logger: logger, background: { $0() })
        manager.load(topicId: { _ in topicId }, configFor: { _ in LogConfig() })
        return manager
    }

    private func partition(_ number: Int32) -> TopicPartition { TopicPartition(topic: "orders", partition: number) }

    /// A directory that has been used and stopped.
    private func fill(
        _ directory: String, _ values: [String], topicId: Uuid? = nil, epoch: Int32 = 0
    ) throws {
        let manager = try open([directory])
        let log = try manager.createLog(partition(0), topicId: topicId, config: LogConfig())
        for value in values { try log.append([value], epoch: epoch) }
        manager.shutdown()
    }

    private func directories(_ directory: String) throws -> [String] {
        try disk.list(directory).filter(\.isDirectory).map(\.name).sorted()
    }

    // MARK: Moved

    private func move(_ name: String, from: String, to: String) throws {
        for path in disk.paths where path.hasPrefix("\(from)/\(name)/") {
            disk.plant(to + path.dropFirst(from.utf8.count), try #require(disk.contents(path)))
        }
        try disk.removeTree("\(from)/\(name)")
    }

    @Test func `a partition that was moved to another directory keeps its start`() throws {
        try fill("/a", (0..<6).map { "value \($0)" })
        var manager = try open(["/a"])
        let log = try #require(manager.log(for: partition(0)))
        log.highWatermark = 6
        try log.advanceStartOffset(to: 3)
        manager.shutdown()
        try open(["/b"]).shutdown()
        try move("orders-0", from: "/a", to: "/b")
        for _ in 0..<2 {
            manager = try open()
            #expect(manager.log(for: partition(0))?.directoryPath == "/b/orders-0")
            #expect(manager.log(for: partition(0))?.logStartOffset == 3)
            manager.shutdown()
        }
    }

    @Test func `a partition that was moved after a kill keeps what it was promised`() throws {
        let manager = try open(["/a"])
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        for index in 0..<6 { try log.append(["value \(index)"]) }
        try log.flush()
        manager.checkpointAll()
        disk.restart()
        try open(["/b"]).shutdown()
        try move("orders-0", from: "/a", to: "/b")
        let path = "/b/orders-0/00000000000000000000.log"
        disk.flip(path, bit: 1, at: 100)
        let before = disk.contents(path)
        #expect(try open().log(for: partition(0)) == nil)
        #expect(disk.contents(path) == before)
    }

    // MARK: Twice

    @Test func `of a partition in two directories the one that goes on longest is used, and the other is left alone`()
        throws
    {
        try fill("/a", ["a", "b"])
        try fill("/b", ["a", "b", "c"])
        let other = disk.contents("/a/orders-0/00000000000000000000.log")
        for _ in 0..<2 {
            let capture = PipeCapture()
            let manager = try open(logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
            #expect(try manager.log(for: partition(0))?.values() == ["a", "b", "c"])
            let line = try #require(
                capture.text.split(separator: "\n").first { $0.contains("several log directories") })
            for part in ["orders-0", "/a/orders-0", "used=/b/orders-0"] { #expect(line.contains(part), "\(line)") }
            // The rest of the broker lives.
            try manager.createLog(partition(1), topicId: nil, config: LogConfig()).append(["d"])
            manager.shutdown()
        }
        #expect(disk.contents("/a/orders-0/00000000000000000000.log") == other)
        #expect(disk.contents("/a/.kafka_cleanshutdown") != nil)
    }

    @Test func `a higher leader epoch tells the newer log, not its length`() throws {
        try fill("/a", ["a", "b", "c"], epoch: 3)
        try fill("/b", ["a", "x"], epoch: 4)
        #expect(try open().log(for: partition(0))?.values() == ["a", "x"])
    }

    @Test func `the log of the topic that there is wins over one of an earlier topic of that name`() throws {
        let id = Uuid.random()
        try fill("/a", ["a", "b", "c"], topicId: Uuid.random(), epoch: 9)
        try fill("/b", ["x"], topicId: id)
        let manager = try open(topicId: id)
        #expect(try manager.log(for: partition(0))?.values() == ["x"])
        try manager.deleteLog(partition(0))
        #expect(try directories("/a").allSatisfy(LogDirectoryName.isDeleted))
        #expect(try directories("/b").allSatisfy(LogDirectoryName.isDeleted))
    }

    @Test func `when one of two cannot be opened neither is used, nor given up`() throws {
        try fill("/a", ["a", "b", "c"])
        try fill("/b", ["a"])
        let path = "/a/orders-0/00000000000000000000.log"
        disk.flip(path, bit: 1, at: 30)
        try disk.remove("/a/.kafka_cleanshutdown")
        let damaged = disk.contents(path)
        for _ in 0..<2 {
            let manager = try open()
            #expect(manager.log(for: partition(0)) == nil)
            #expect(throws: LogError.self) { try manager.createLog(partition(0), topicId: nil, config: LogConfig()) }
            manager.shutdown()
        }
        #expect(disk.contents(path) == damaged)
        #expect(disk.contents("/b/orders-0/00000000000000000000.log") != nil)
    }

    // MARK: Half done

    @Test func `a log that had no room to be made leaves nothing behind`() throws {
        let manager = try open()
        for suffix in [".tmp", ".log", ".timeindex"] {
            disk.failOpens(of: suffix)
            #expect(throws: LogError.self) {
                try manager.createLog(partition(0), topicId: Uuid.random(), config: LogConfig())
            }
            #expect(try directories("/a") == [])
            #expect(try directories("/b") == [])
        }
        disk.failOpens(of: nil)
        try manager.createLog(partition(0), topicId: nil, config: LogConfig()).append(["a"])
    }

    @Test func `a directory that could not be renamed is, before its name is used again`() throws {
        let manager = try open(["/a"])
        try manager.createLog(partition(0), topicId: nil, config: LogConfig()).append(["old"])
        disk.inject(InjectedError(operation: .rename, part: "/a/orders-0", code: ENOSPC, times: 2))
        #expect(throws: LogError.self) { try manager.deleteLog(partition(0)) }
        // Still no room: no new log takes up the old one's records.
        let refusal = #expect(throws: LogError.self) {
            try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        }
        #expect(refusal?.isTransient == true)
        let log = try manager.createLog(partition(0), topicId: nil, config: LogConfig())
        #expect(log.logEndOffset == 0)
        #expect(try directories("/a").count { LogDirectoryName.isDeleted($0) } == 1)
    }

    @Test func `a directory that could not be renamed is when there is time`() throws {
        let manager = try open(["/a"])
        try manager.createLog(partition(0), topicId: nil, config: LogConfig()).append(["old"])
        disk.inject(InjectedError(operation: .rename, part: "/a/orders-0", code: ENOSPC))
        #expect(throws: LogError.self) { try manager.deleteLog(partition(0)) }
        clock.advance(ms: manager.options.checkpointIntervalMs)
        manager.tick()
        #expect(try directories("/a").allSatisfy(LogDirectoryName.isDeleted))
        #expect(!manager.hasOfflineDirectory)
    }

    @Test func `a directory that nobody knows of is put aside, and not taken for the new log`() throws {
        let manager = try open(["/a"])
        disk.plant("/a/orders-0/00000000000000000000.log", [1, 2, 3])
        #expect(try manager.createLog(partition(0), topicId: nil, config: LogConfig()).logEndOffset == 0)
        let aside = try #require(try directories("/a").first { $0.hasSuffix("-stray") })
        #expect(disk.contents("/a/\(aside)/00000000000000000000.log") == [1, 2, 3])
    }

    // MARK: Many at a time

    @Test func `the logs of a topic are made with one sync of each log directory`() throws {
        let manager = try open()
        let syncs = Heard<String>()
        disk.interruption.withLock { $0 = .init { if $0 == .sync, ["/a", "/b"].contains($1) { syncs.add($1) } } }
        let names = (0..<50).map { partition(Int32($0)) }
        let id = Uuid.random()
        manager.createLogs(names, topicId: id, config: LogConfig())
        #expect(syncs.all.sorted() == ["/a", "/b"])
        #expect(manager.describeDirectories().map(\.sizes.count) == [25, 25])
        #expect(names.allSatisfy { manager.log(for: $0)?.topicId == id })
        disk.interruption.withLock { $0 = nil }
        var random = SimulatedDisk.Random(seed: 3)
        disk.crash(&random)
        let again = try open()
        #expect(names.allSatisfy { again.log(for: $0)?.topicId == id })
    }

    @Test func `what has no room is left to be asked for`() throws {
        let manager = try open(["/a"])
        disk.inject(InjectedError(operation: .createDirectory, part: "orders-2", code: ENOSPC))
        disk.inject(InjectedError(operation: .open, part: "orders-1/0", code: ENOSPC))
        manager.createLogs((0..<4).map { partition($0) }, topicId: nil, config: LogConfig())
        #expect(manager.logs.map(\.topicPartition) == [partition(0)])
        #expect(!manager.hasOfflineDirectory)
        for number in 0..<4 {
            let log = try manager.createLog(partition(Int32(number)), topicId: nil, config: LogConfig())
            #expect(log.logEndOffset == 0)
        }
    }
}
