import Synchronization
import Testing

@testable import KCore

/// Two log directories, one of which is on a disk that does not answer before the test wants it to.
@Suite struct HangingDiskTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()
    private let answers = Monitor(true)

    private func hang() {
        answers.update { $0 = false }
        let wait: @Sendable (String) -> Void = { [answers] path in
            guard path.hasPrefix("/stuck/") else { return }
            let hasAnswered = answers.wait(timeoutMs: 60_000) { $0 ? true : nil }
            if hasAnswered == nil { Issue.record("nobody had the disk answer for \(path)") }
        }
        disk.interruption.withLock { $0 = SimulatedDisk.Interruption { _, path in wait(path) } }
        disk.readHook.withLock { $0 = wait }
    }

    private func answer() { answers.update { $0 = true } }

    private func open(
        _ options: LogManagerOptions, logger: Logger = .silent, workers: ((String) -> DirectoryWorkers)? = nil
    ) throws -> LogManager {
        let manager = try LogManager(
            options, disk: disk, clock: clock, logger: logger, background: { $0() }, workers: workers)
        manager.load { _ in CleaningBench.config }
        for number in Int32(0)..<2 {
            let partition = TopicPartition(topic: "t", partition: number)
            try fill(try manager.createLog(partition, topicId: nil, config: CleaningBench.config))
        }
        return manager
    }

    private func fill(_ log: Log) throws {
        for index in 0..<40 {
            let builder = RecordBatchBuilder()
            try builder.append(timestamp: clock.wallMs, key: Bytes("k\(index % 3)"), value: Bytes("value \(index)"))
            _ = try log.append(try builder.close(), leaderEpoch: 0)
        }
    }

    private func batch(_ value: String) throws -> Bytes {
        let builder = RecordBatchBuilder()
        try builder.append(timestamp: clock.wallMs, key: Bytes("k"), value: Bytes(value))
        return try builder.close()
    }

    private func log(_ manager: LogManager, in directory: String) throws -> Log {
        try #require(manager.logs.first { $0.environment.directory.path == directory })
    }

    private func isClean(_ directory: String) -> Bool {
        disk.contents(directory + "/" + LogDirectoryName.cleanStopMarker) != nil
    }

    @Test func `a directory is cleaned while the disk of another one does not answer`() throws {
        var options = LogManagerOptions(directories: ["/stuck", "/sound"])
        options.cleaner.backoffMs = 1
        let manager = try open(options)
        let stuck = try log(manager, in: "/stuck")
        let sound = try log(manager, in: "/sound")
        hang()
        manager.startCleaning()
        for round in 1...3 {
            let end = sound.logEndOffset
            // The active segment is not cleaned.
            try eventually("round \(round) is cleaned") {
                sound.cleanedOffset.load(ordering: .acquiring) > end - 20
            }
            try fill(sound)
        }
        #expect(manager.cleanerStatus.last[stuck.topicPartition] == nil)
        answer()
        try eventually("the other log is cleaned, too") { manager.cleanerStatus.last[stuck.topicPartition] != nil }
        manager.shutdown()
    }

    @Test func `appends are refused while the disk is known not to answer, and taken when it answers again`() throws {
        let capture = PipeCapture()
        var options = LogManagerOptions(directories: ["/stuck", "/sound"])
        options.silentMs = 3000
        let manager = try open(
            options, logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor))
        ) { DirectoryWorkers.start(lastComponent($0), readers: 1) }
        let stuck = try log(manager, in: "/stuck")
        let sound = try log(manager, in: "/sound")
        let end = stuck.logEndOffset
        let directory = try #require(manager.directories.first { $0.path == "/stuck" })
        let other = try #require(manager.directories.first { $0.path == "/sound" })
        hang()
        let isAsked = Atomic(false)
        directory.workers.maker { [disk] in
            directory.health.watch.during {
                isAsked.store(true, ordering: .releasing)
                try? disk.createDirectory("/stuck/new")
            }
        }
        try eventually("the disk is asked") { isAsked.load(ordering: .acquiring) }
        for _ in 0..<4 {
            #expect(!directory.health.isSilent)
            manager.tick()
            // Seconds go by here in no time.
            try eventually("the sound disk has answered") { other.inProgress.withLock { $0.isEmpty } }
            clock.advance(ms: 1000)
        }
        manager.tick()
        #expect(directory.health.isSilent && !directory.health.isOffline)
        // On this thread: it would wait for the disk otherwise.
        do {
            _ = try stuck.append(try batch("a"), leaderEpoch: 0)
            Issue.record("an append goes to a disk that does not answer")
        } catch let error as LogError {
            #expect(error.code == .kafkaStorageError && error.isTransient)
        }
        #expect(stuck.logEndOffset == end)
        _ = try sound.append(try batch("b"), leaderEpoch: 0)
        answer()
        try eventually("the disk has answered") {
            directory.health.watch.isIdle && directory.inProgress.withLock { $0.isEmpty }
        }
        manager.tick()
        #expect(!directory.health.isSilent)
        #expect(try stuck.append(try batch("c"), leaderEpoch: 0).baseOffset == end)
        let said = capture.text.split(separator: "\n").filter { $0.contains("dir=/stuck") }
        #expect(said.count { $0.contains("does not answer") } == 1, "\(said)")
        #expect(said.count { $0.contains("answers again") } == 1, "\(said)")
        manager.shutdown()
    }

    @Test func `a new segment that is stuck holds up no thread that must not wait, and its records come first`() throws
    {
        let manager = try open(LogManagerOptions(directories: ["/stuck", "/sound"])) {
            DirectoryWorkers.start(lastComponent($0), readers: 1)
        }
        let stuck = try log(manager, in: "/stuck")
        let sound = try log(manager, in: "/sound")
        func attempt(_ log: Log, _ value: String) throws -> AppendAttempt {
            try log.appendAtOnce(try batch(value), leaderEpoch: 0)
        }
        let isAsked = Atomic(false)
        answers.update { $0 = false }
        disk.interruption.withLock {
            $0 = SimulatedDisk.Interruption { [answers] operation, path in
                // What is in memory can be written to.
                guard path.hasPrefix("/stuck/"), operation != .write else { return }
                if operation == .open, path.hasSuffix(".log") { isAsked.store(true, ordering: .releasing) }
                let hasAnswered = answers.wait(timeoutMs: 60_000) { $0 ? true : nil }
                if hasAnswered == nil { Issue.record("nobody had the disk answer for \(path)") }
            }
        }
        var late: PreparedAppend?
        for _ in 0..<1000 where late == nil {
            if case .wouldWait(let records) = try attempt(stuck, "first") { late = records }
        }
        let first = try #require(late)
        let end = stuck.logEndOffset
        stuck.environment.appends { _ = try? stuck.append(first, leaderEpoch: 0) }
        try eventually("the disk is asked for a new segment") { isAsked.load(ordering: .acquiring) }
        guard case .wouldWait(let second) = try attempt(stuck, "second") else {
            Issue.record("an append overtakes the new segment")
            return answer()
        }
        #expect(stuck.logEndOffset == end)
        // On this thread, and whether or not it has a segment to begin.
        let soundEnd = sound.logEndOffset
        if case .wouldWait(let records) = try attempt(sound, "sound") { _ = try sound.append(records, leaderEpoch: 0) }
        #expect(sound.logEndOffset == soundEnd + 1)
        answer()
        try eventually("the first is appended") { stuck.logEndOffset == end + 1 }
        #expect(try stuck.append(second, leaderEpoch: 0).baseOffset == end + 1)
        #expect(try stuck.values(from: end) == ["first", "second"])
        manager.shutdown()
    }

    @Test func `a stop does not wait for a disk that does not answer, and leaves only its directory unclean`() throws {
        let capture = PipeCapture()
        var options = LogManagerOptions(directories: ["/stuck", "/sound"])
        options.stopTimeoutMs = 100
        let manager = try open(
            options, logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
        hang()
        manager.shutdown()
        #expect(!isClean("/stuck"))
        try eventually("the other directory is marked as stopped") { isClean("/sound") }
        let said = capture.text.split(separator: "\n").filter { $0.contains("does not answer") }
        #expect(said.contains { $0.contains("dir=/stuck") })
        // Nothing that was written is false when it does after all.
        answer()
        try eventually("the directory is marked as stopped") { isClean("/stuck") }
    }
}
