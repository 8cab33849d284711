import Glibc
import Synchronization
import Testing

@testable import KCore

/// What is done about files that are gone while a broker runs.
@Suite struct LostDirectoryTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()

    private func open(_ directories: [String] = ["/a", "/b"]) throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: directories), disk: disk, clock: clock, background: { $0() })
        manager.load { _ in LogConfig() }
        return manager
    }

    private func create(_ manager: LogManager, _ number: Int32, _ config: LogConfig = LogConfig()) throws -> Log {
        try manager.createLog(TopicPartition(topic: "t", partition: number), topicId: nil, config: config)
    }

    private func exists(_ directory: String) -> Bool { disk.state.withLock { $0.names.directory(directory) != nil } }

    @Test func `a directory that is moved away is offline with the next look, and the others serve on`() throws {
        let manager = try open()
        let logs = try (0..<4).map { try create(manager, $0) }
        for log in logs { try log.append(["a"]) }
        try disk.rename("/b", to: "/b.away")
        manager.tick()
        #expect(manager.offlineDirectories.map(\.path) == ["/b"])
        for log in logs {
            let isLost = log.directoryPath.hasPrefix("/b/")
            #expect(isLost == ((try? log.append(["b"])) == nil))
        }
        #expect(try create(manager, 4).directoryPath.hasPrefix("/a/"))
        manager.shutdown()
        #expect(!exists("/b"))
    }

    @Test func `no log directory is made anew for a log that comes before anybody has looked`() throws {
        let manager = try open()
        for number in 0..<2 { try create(manager, Int32(number)).append(["a"]) }
        try disk.rename("/b", to: "/b.away")
        for number in 2..<6 { #expect(try create(manager, Int32(number)).directoryPath.hasPrefix("/a/")) }
        let names = (6..<9).map { TopicPartition(topic: "t", partition: $0) }
        manager.createLogs(names, topicId: nil, config: LogConfig())
        #expect(names.allSatisfy { manager.log(for: $0)?.directoryPath.hasPrefix("/a/") == true })
        #expect(manager.offlineDirectories.map(\.path) == ["/b"])
        #expect(!exists("/b"))
    }

    @Test func `an empty directory in the place of one with logs is not it`() throws {
        let directory = TemporaryDirectory()
        let paths = ["a", "b"].map { "\(directory.path)/\($0)" }
        let manager = try LogManager(LogManagerOptions(directories: paths), background: { $0() })
        for number in 0..<2 { try create(manager, Int32(number)).append(["a"]) }
        manager.tick()
        #expect(!manager.hasOfflineDirectory)
        try SystemDisk().rename(paths[1], to: paths[1] + ".away")
        try SystemDisk().createDirectory(paths[1], durable: false)
        manager.tick()
        #expect(manager.offlineDirectories.map(\.path) == [paths[1]])
        manager.shutdown()
    }

    @Test func `a directory that was exchanged for another with the same partitions is not it`() throws {
        let directory = TemporaryDirectory()
        let paths = ["a", "b"].map { "\(directory.path)/\($0)" }
        let manager = try LogManager(LogManagerOptions(directories: paths), background: { $0() })
        for number in 0..<2 { try create(manager, Int32(number)).append(["a"]) }
        let lost = try #require(manager.logs.first { $0.directoryPath.hasPrefix(paths[1] + "/") })
        try SystemDisk().rename(paths[1], to: paths[1] + ".away")
        try SystemDisk().createDirectory("\(paths[1])/\(lost.topicPartition)")
        manager.tick()
        #expect(manager.offlineDirectories.map(\.path) == [paths[1]])
        manager.shutdown()
    }

    @Test func `a lock that somebody has removed is taken anew, so that no other broker comes in`() throws {
        let directory = TemporaryDirectory()
        let options = LogManagerOptions(directories: [directory.path])
        let manager = try LogManager(options, background: { $0() })
        try SystemDisk().remove(directory.path + "/.lock")
        manager.tick()
        #expect(!manager.hasOfflineDirectory)
        #expect(throws: LogError.self) { try LogManager(options, background: { $0() }) }
        manager.shutdown()
        // Who came in between has it.
        let first = try LogManager(options, background: { $0() })
        try SystemDisk().remove(directory.path + "/.lock")
        let second = try LogManager(options, background: { $0() })
        first.tick()
        #expect(first.hasOfflineDirectory && !second.hasOfflineDirectory)
        for manager in [first, second] { manager.shutdown() }
    }

    @Test func `a lock that is given back is free, also where a process that is being started has the file open`()
        throws
    {
        let directory = TemporaryDirectory()
        let path = directory.path + "/.lock"
        var lock: (any AnyObject & Sendable)? = try SystemDisk().lock(path)
        let identity = try #require(try SystemDisk().identity(path))
        let copies = (Int32(3)..<65_536).filter { descriptor in
            var status = stat()
            return fstat(descriptor, &status) == 0 && status.st_ino == identity.number
                && status.st_dev == identity.device
        }.map { dup($0) }
        #expect(!copies.isEmpty && lock != nil)
        lock = nil
        _ = try SystemDisk().lock(path)
        for copy in copies { close(copy) }
    }

    @Test func `a partition's directory that is removed takes its log directory offline with the next flush or roll`()
        throws
    {
        for flushes in [true, false] {
            let directory = TemporaryDirectory()
            let manager = try LogManager(LogManagerOptions(directories: [directory.path]), background: { $0() })
            var config = LogConfig()
            config.segmentBytes = 200
            let log = try create(manager, 0, config)
            try log.append(["a"])
            try SystemDisk().removeTree(log.directoryPath)
            let point = log.recoveryPoint
            #expect(throws: LogError.self) {
                if flushes {
                    try log.append(["b"])
                    try log.flush()
                } else {
                    for index in 0..<10 { try log.append(["value \(index)"]) }
                }
            }
            #expect(log.recoveryPoint == point)
            #expect(manager.hasOfflineDirectory)
            manager.shutdown()
        }
    }

    @Test func `a lock that somebody has removed is no reason to give up a directory that has the rest`() throws {
        let directory = TemporaryDirectory()
        let manager = try LogManager(LogManagerOptions(directories: [directory.path]), background: { $0() })
        try SystemDisk().replaceFile(directory.path + "/meta.properties", with: Bytes("version=1"))
        try SystemDisk().remove(directory.path + "/.lock")
        manager.tick()
        #expect(!manager.hasOfflineDirectory)
        try create(manager, 0).append(["a"])
        manager.tick()
        #expect(!manager.hasOfflineDirectory)
        manager.shutdown()
    }

    @Test func `a log that misses a file of its own takes its directory offline`() throws {
        var config = LogConfig()
        config.segmentBytes = 200
        var manager = try open(["/a"])
        var log = try create(manager, 0, config)
        for index in 0..<10 { try log.append(["value \(index)"]) }
        manager.shutdown()
        manager = try open(["/a"])
        log = try #require(manager.log(for: TopicPartition(topic: "t", partition: 0)))
        try disk.remove("/a/t-0/00000000000000000000.log")
        #expect(throws: LogError.self) { try log.read(from: 0, maxBytes: 100) }
        #expect(manager.offlineDirectories.map(\.path) == ["/a"])
    }
}
