import Synchronization
import Testing

@testable import KCore

/// What is made and deleted while the disk of one of two log directories does not answer.
@Suite struct HangingMakerTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()
    private let answers = Monitor(true)
    private let capture = PipeCapture()

    private func hang() {
        answers.update { $0 = false }
        disk.interruption.withLock {
            $0 = SimulatedDisk.Interruption { [answers] _, path in
                guard path.hasPrefix("/stuck/") || path == "/stuck" else { return }
                let hasAnswered = answers.wait(timeoutMs: 60_000) { $0 ? true : nil }
                if hasAnswered == nil { Issue.record("nobody had the disk answer for \(path)") }
            }
        }
    }

    private func answer() { answers.update { $0 = true } }

    /// With a log in each directory, of which the first is in the one that will hang: the next goes there, too.
    ///
    /// A disk hangs that gets nowhere for five seconds, which a thread of the sound one is not late by.
    private func open(_ directories: [String] = ["/stuck", "/sound"]) throws -> LogManager {
        var options = LogManagerOptions(directories: directories)
        options.hangingMs = 5000
        options.answerTimeoutMs = 30_000
        let manager = try LogManager(
            options, disk: disk, clock: clock,
            logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)), background: { $0() },
            workers: { DirectoryWorkers.start(lastComponent($0), readers: 1) })
        manager.load { _ in LogConfig() }
        for number in 0..<directories.count { _ = try create(manager, "old", Int32(number)) }
        return manager
    }

    private func name(_ topic: String, _ number: Int32 = 0) -> TopicPartition {
        TopicPartition(topic: topic, partition: number)
    }

    @discardableResult
    private func create(_ manager: LogManager, _ topic: String, _ number: Int32 = 0) throws -> Log {
        try manager.createLog(name(topic, number), topicId: Uuid(high: 7, low: 7), config: LogConfig())
    }

    private func exists(_ path: String) -> Bool { disk.state.withLock { $0.names.directory(path) != nil } }

    private func isTransient(_ body: () throws -> Void) -> Bool {
        do { try body() } catch { return (error as? LogError)?.isTransient == true }
        return false
    }

    @Test func `a creation that is stuck holds up nothing in other directories`() throws {
        let manager = try open()
        hang()
        #expect(isTransient { try create(manager, "late") })
        for number in Int32(0)..<4 {
            let log = try create(manager, "new", number)
            #expect(log.directoryPath.hasPrefix("/sound/"))
            try log.append(["a"])
        }
        manager.createLogs((0..<3).map { name("several", $0) }, topicId: nil, config: LogConfig())
        #expect(
            (0..<3).allSatisfy { manager.log(for: name("several", $0))?.directoryPath.hasPrefix("/sound/") == true })
        try manager.deleteLog(name("new", 3))
        #expect(!exists("/sound/new-3"))
        // Nobody else makes what is being made already.
        #expect(isTransient { try create(manager, "late") } && !exists("/sound/late-0"))
        answer()
        try eventually("what was stuck is there") { manager.log(for: name("late")) != nil }
        #expect(try create(manager, "late").directoryPath == "/stuck/late-0")
        manager.shutdown()
        #expect(!manager.hasOfflineDirectory)
    }

    @Test func `partitions that are stuck do not keep those of the same topic from being made`() throws {
        let manager = try open()
        hang()
        let names = (0..<6).map { name("t", $0) }
        manager.createLogs(names, topicId: nil, config: LogConfig())
        #expect(names.filter { manager.log(for: $0) != nil }.count == 3)
        answer()
        try eventually("the others are there") { names.allSatisfy { manager.log(for: $0) != nil } }
        manager.shutdown()
    }

    @Test func `who waits behind much that gets done does not take the disk for one that hangs`() throws {
        let manager = try open()
        let directory = manager.directories[0]
        let pool = WorkerPool(name: "busy", threads: 2)
        defer { pool.stop() }
        let (begun, isOver) = (Monitor(false), Monitor(false))
        pool.submit {
            _ = manager.perform([
                DirectoryTask(directory: directory) { progress in
                    begun.update { $0 = true }
                    while isOver.wait(timeoutMs: 20, { $0 ? true : nil }) == nil { progress() }
                }
            ])
        }
        try eventually("the thread is busy") { begun.withLock { $0 } }
        let isDone = Monitor<[Bool]?>(nil)
        pool.submit {
            let results = manager.perform([DirectoryTask(directory: directory) { _ in }])
            isDone.update { $0 = results }
        }
        // Longer than anybody waits for a disk that hangs.
        #expect(isDone.wait(timeoutMs: 8000) { $0 } == nil)
        #expect(!directory.health.watch.isGivenUp)
        isOver.update { $0 = true }
        #expect(isDone.wait(timeoutMs: 20_000) { $0 } == [true])
        #expect(!directory.health.watch.isGivenUp)
        manager.shutdown()
    }

    @Test func `what is deleted while it is being made does not come up`() throws {
        let manager = try open()
        hang()
        #expect(isTransient { try create(manager, "t") })
        try manager.deleteLog(name("t"))
        let again = try create(manager, "t")
        #expect(again.directoryPath == "/sound/t-0")
        answer()
        try eventually("nothing is left of it") {
            !exists("/stuck/t-0") && !manager.directories[0].health.watch.isGivenUp
        }
        #expect(manager.log(for: name("t")) === again)
        manager.shutdown()
    }

    @Test func `a deletion that is stuck is made up for, and the name is free elsewhere`() throws {
        let manager = try open()
        let old = try #require(manager.logs.first { $0.directoryPath.hasPrefix("/stuck/") }).topicPartition
        hang()
        #expect(isTransient { try manager.deleteLog(old) })
        #expect(manager.log(for: old) == nil)
        let other = try #require(manager.logs.first).topicPartition
        try manager.deleteLog(other)
        #expect(try create(manager, old.topic, old.partition).directoryPath.hasPrefix("/sound/"))
        answer()
        try eventually("the directory is renamed") { !exists("/stuck/\(old)") }
        manager.shutdown()
    }

    @Test(arguments: [["/stuck", "/sound"], ["/stuck"]])
    func `a disk that does not answer for as long as it may takes its directory offline, if there is another`(
        directories: [String]
    ) throws {
        let manager = try open(directories)
        func tick(afterMs ms: Int64) throws {
            clock.advance(ms: ms)
            manager.tick()
            for directory in manager.directories where directory.path == "/sound" {
                try eventually("the sound disk has answered") { directory.inProgress.withLock { $0.isEmpty } }
            }
        }
        let log = try #require(manager.logs.first { $0.directoryPath.hasPrefix("/stuck/") })
        try log.append(["a"])
        let answered = Monitor<LogError?>(nil)
        hang()
        log.whenFlushed(to: 1) { error in answered.update { $0 = error } }
        try eventually("the disk is asked") { !log.environment.directory.watch.isIdle }
        try tick(afterMs: 0)
        // Of an hour in which nobody looked, two seconds count.
        try tick(afterMs: 3_600_000)
        for _ in 0..<27 {
            try tick(afterMs: 1000)
            #expect(!manager.hasOfflineDirectory)
        }
        for _ in 0..<3 { try tick(afterMs: 1000) }
        #expect(manager.offlineDirectories.map(\.path) == (directories.count > 1 ? ["/stuck"] : []))
        if manager.hasOfflineDirectory {
            let said = capture.text.split(separator: "\n").filter { $0.contains("a log directory is offline") }
            #expect(said.count == 1 && said[0].contains("the disk of /stuck does not answer"), "\(said)")
            log.giveUpFlushes()
            #expect(answered.withLock { $0 }?.code == .kafkaStorageError)
        }
        answer()
        manager.shutdown()
    }
}
