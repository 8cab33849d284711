import Synchronization
import Testing

@testable import KCore

/// Two log directories, one of which is on a disk that does not answer.
@Suite struct DirectoryWorkersTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()
    private let stuck = JobQueue()
    private let sound = JobQueue()

    private var config: LogConfig {
        var config = LogConfig()
        config.flushMs = 1000
        return config
    }

    private func open() throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/stuck", "/sound"]), disk: disk, clock: clock, background: { $0() },
            workers: { path in DirectoryWorkers(path == "/stuck" ? stuck.add : sound.add) })
        manager.load { _ in config }
        return manager
    }

    /// A log in each directory.
    private func logs(_ manager: LogManager) throws -> (stuck: Log, sound: Log) {
        var logs: [String: Log] = [:]
        for number in Int32(0)..<2 {
            let partition = TopicPartition(topic: "t", partition: number)
            let log = try manager.createLog(partition, topicId: nil, config: config)
            logs[log.environment.directory.path] = log
        }
        return (try #require(logs["/stuck"]), try #require(logs["/sound"]))
    }

    private func runSound() {
        while sound.count > 0 { sound.run() }
    }

    @Test func `one directory is looked after while the jobs of another wait for its disk`() throws {
        let manager = try open()
        let logs = try logs(manager)
        for round in 0..<5 {
            // From then on it is known that the disk does not answer.
            if round < 2 { try logs.stuck.append(["value \(round)"]) }
            try logs.sound.append(["value \(round)"])
            clock.advance(ms: 300_000)
            manager.tick()
            runSound()
            #expect(logs.sound.recoveryPoint == Int64(round + 1))
        }
        let text = disk.contents("/sound/recovery-point-offset-checkpoint").map { String(decoding: $0, as: UTF8.self) }
        #expect(text?.hasSuffix(" 4\n") == true, "\(text ?? "")")
        #expect(disk.contents("/sound/replication-offset-checkpoint") != nil)
        #expect(logs.stuck.recoveryPoint == 0)
        #expect(disk.contents("/stuck/recovery-point-offset-checkpoint") == nil)
        // One of each kind, however often it was due.
        #expect(stuck.count == 5)
    }

    @Test func `when the disk answers again, its jobs come up again`() throws {
        let manager = try open()
        let logs = try logs(manager)
        try logs.stuck.append(["a"])
        clock.advance(ms: 300_000)
        manager.tick()
        let waiting = stuck.count
        #expect(waiting > 0)
        clock.advance(ms: 300_000)
        manager.tick()
        #expect(stuck.count == waiting)
        while stuck.count > 0 { stuck.run() }
        #expect(logs.stuck.recoveryPoint == 1)
        try logs.stuck.append(["b"])
        for _ in 0..<2 {
            clock.advance(ms: 300_000)
            manager.tick()
            while stuck.count > 0 { stuck.run() }
        }
        #expect(logs.stuck.recoveryPoint == 2)
        let text = disk.contents("/stuck/recovery-point-offset-checkpoint").map { String(decoding: $0, as: UTF8.self) }
        #expect(text?.hasSuffix(" 2\n") == true, "\(text ?? "")")
    }

    @Test func `no new log is put where the disk does not answer`() throws {
        let manager = try open()
        manager.tick()
        runSound()
        clock.advance(ms: 6000)
        func create(_ number: Int32) throws -> String {
            let partition = TopicPartition(topic: "new", partition: number)
            return try manager.createLog(partition, topicId: nil, config: config).directoryPath
        }
        for number in Int32(0)..<4 { #expect(try create(number).hasPrefix("/sound/")) }
        stuck.run()
        #expect(try create(4).hasPrefix("/stuck/"))
    }

    @Test func `who asks of partitions waits for the disks that they are on, and for no other`() throws {
        let manager = try open()
        let (stuckLog, soundLog) = try logs(manager)
        let ofBoth = Heard<[String]>()
        let ofOne = Heard<[String]>()
        func ask(_ logs: [Log?], _ heard: Heard<[String]>) {
            DirectoryWork.answers(to: logs, log: { $0 }) { logs in
                logs.map { $0?.directoryPath ?? "none" }
            } completion: {
                heard.add($0)
            }
        }
        let (stuckPath, soundPath) = (stuckLog.directoryPath, soundLog.directoryPath)
        ask([stuckLog, nil, soundLog, stuckLog], ofBoth)
        ask([soundLog, soundLog], ofOne)
        runSound()
        #expect(ofOne.all == [[soundPath, soundPath]] && ofBoth.all.isEmpty)
        stuck.run()
        #expect(ofBoth.all == [[stuckPath, "none", soundPath, stuckPath]])
        ask([], ofOne)
        ask([nil], ofOne)
        #expect(ofOne.all.suffix(2) == [[], ["none"]])
    }

    @Test func `flushes and open files of a directory are its own`() throws {
        let manager = try open()
        let logs = try logs(manager)
        let answers = Heard<LogError?>()
        for log in [logs.stuck, logs.sound] { log.whenFlushed(to: try log.append(["a"]).lastOffset + 1, answers.add) }
        runSound()
        #expect(answers.all.map { $0 == nil } == [true])
        #expect(logs.stuck.environment.files !== logs.sound.environment.files)
    }

    @Test func `a deleted partition is forgotten when no checkpoint names it`() throws {
        let manager = try open()
        let log = try logs(manager).sound
        try log.append(["a"])
        manager.checkpointAll()
        manager.checkpointHighWatermarks()
        try manager.deleteLog(log.topicPartition)
        func isKnown() -> Bool {
            manager.directories.contains { $0.stale.withLock { $0.contains(log.topicPartition) } }
        }
        #expect(isKnown())
        manager.checkpointAll()
        #expect(isKnown())
        manager.checkpointHighWatermarks()
        #expect(!isKnown())
    }
}
