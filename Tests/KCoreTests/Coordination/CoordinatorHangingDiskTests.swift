import Synchronization
import Testing

@testable import KCore

/// Coordinators whose logs are in two log directories, one of which is on a disk that does not answer.
@Suite struct CoordinatorHangingDiskTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()
    private let answers = Answers()
    private let hasAnswered = Monitor(false)
    private let isAsked = Monitor(false)

    private var wasAsked: Bool { isAsked.withLock { $0 } }

    private func open() throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/stuck", "/sound"]), disk: disk, clock: clock, background: { $0() },
            workers: { DirectoryWorkers.start(lastComponent($0), readers: 1) })
        manager.load { _ in CleaningBench.config }
        return manager
    }

    /// - Parameter sum: what its log says for `a`; nil for an empty log.
    private func partition(_ number: Int32, _ manager: LogManager, sum: Int? = nil) throws -> Partition {
        let name = TopicPartition(topic: "__sums", partition: number)
        let log = try manager.createLog(name, topicId: nil, config: CleaningBench.config)
        let partition = Partition(
            topicPartition: name, topicId: Uuid.random(), log: log, leaderEpoch: 0, inSyncReplicas: 1)
        if let sum {
            let batch = try RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("\(sum)"))])
            _ = try partition.append(batch, requiredAcks: -1, origin: .coordinator)
        }
        return partition
    }

    /// From now on nothing comes back but what goes to memory.
    private func hang() {
        disk.interruption.withLock {
            $0 = SimulatedDisk.Interruption { [hasAnswered, isAsked] operation, path in
                guard path.hasPrefix("/stuck/"), operation != .write else { return }
                if operation == .open, path.hasSuffix(".log") { isAsked.update { $0 = true } }
                if hasAnswered.wait(timeoutMs: 60_000, { $0 ? true : nil }) == nil {
                    Issue.record("nobody had the disk answer for \(path)")
                }
            }
        }
    }

    /// Runs `body` with coordinators on one loop, and lets the disk answer at the end.
    private func withRuntime(_ manager: LogManager, _ body: (CoordinatorRuntime<SumMachine>) throws -> Void) throws {
        let loops = try EventLoopGroup(count: 1, clock: SystemClock())
        let workers = WorkerPool(name: "load", threads: 1)
        defer {
            hasAnswered.update { $0 = true }
            loops.stop(drainMs: 0)
            workers.stop()
            manager.shutdown()
        }
        try body(
            CoordinatorRuntime(
                loops: loops.loops, workers: workers, clock: SystemClock(), logger: .silent,
                makeMachine: { _ in SumMachine() }))
    }

    private func add(_ runtime: CoordinatorRuntime<SumMachine>, _ partition: Int32, to reply: Answers) {
        runtime.submit(to: partition, reply.reply) { machine, turn, reply in
            turn.send(machine.add("a", 1, &turn), to: reply)
        }
    }

    /// - Returns: the answer of a partition that may be loading yet.
    private func addWhenLoaded(_ runtime: CoordinatorRuntime<SumMachine>, _ partition: Int32) -> String? {
        repeat {
            let before = answers.list.count
            add(runtime, partition, to: answers)
            _ = answers.wait(before + 1)
        } while answers.list.last == "COORDINATOR_LOAD_IN_PROGRESS"
        return answers.list.last
    }

    @Test func `a new segment that is stuck holds up one partition, and its requests are answered in their order`()
        throws
    {
        let manager = try open()
        try withRuntime(manager) { runtime in
            let partitions = try [partition(0, manager), partition(1, manager)]
            for partition in partitions { runtime.lead(partition) }
            let stuck = try #require(partitions.firstIndex { $0.log.directoryPath.hasPrefix("/stuck/") })
            // Their files are open.
            for number in 0...1 { add(runtime, Int32(number), to: answers) }
            #expect(answers.wait(2) == ["a=1", "a=1"])
            hang()
            var count = 2
            while !wasAsked, count < 1000 {
                add(runtime, Int32(stuck), to: answers)
                count += 1
                try eventually("it is appended, or the disk asked for a new segment") {
                    answers.list.count == count || wasAsked
                }
            }
            #expect(wasAsked)
            for _ in 0..<3 { add(runtime, Int32(stuck), to: answers) }
            let sound = Answers()
            for _ in 0..<20 { add(runtime, Int32(1 - stuck), to: sound) }
            #expect(sound.wait(20).last == "a=21")
            #expect(answers.list.count == count - 1)
            hasAnswered.update { $0 = true }
            let all = answers.wait(count + 3)
            #expect(all.dropFirst(2) == (2..<count + 3).map { "a=\($0)" }[...])
            #expect(partitions[stuck].log.logEndOffset == Int64(count + 2))
        }
    }

    @Test func `a log that cannot be read holds up the loading of no other one`() throws {
        let manager = try open()
        let partitions = try [partition(0, manager, sum: 40), partition(1, manager, sum: 40)]
        let stuck = try #require(partitions.firstIndex { $0.log.directoryPath.hasPrefix("/stuck/") })
        let isRead = Monitor(false)
        disk.readHook.withLock {
            $0 = { [hasAnswered] path in
                guard path.hasPrefix("/stuck/") else { return }
                isRead.update { $0 = true }
                if hasAnswered.wait(timeoutMs: 60_000, { $0 ? true : nil }) == nil { Issue.record("no answer") }
            }
        }
        try withRuntime(manager) { runtime in
            runtime.lead(partitions[stuck])
            try eventually("the log is read") { isRead.withLock { $0 } }
            runtime.lead(partitions[1 - stuck])
            #expect(addWhenLoaded(runtime, Int32(1 - stuck)) == "a=41")
            // Nor consumers of what else is there.
            let consumer = Monitor(false)
            partitions[stuck].log.environment.readers?.submit { consumer.update { $0 = true } }
            try eventually("a consumer is read for") { consumer.withLock { $0 } }
        }
    }

    @Test func `consumers of what is cold hold up no loading`() throws {
        let manager = try open()
        let partition = try partition(0, manager, sum: 40)
        let readers = try #require(partition.log.environment.readers)
        let consumer = Monitor(false)
        readers.submit { [hasAnswered] in
            consumer.update { $0 = true }
            if hasAnswered.wait(timeoutMs: 20_000, { $0 ? true : nil }) == nil { Issue.record("no answer") }
        }
        try withRuntime(manager) { runtime in
            try eventually("a consumer is read for") { consumer.withLock { $0 } }
            runtime.lead(partition)
            #expect(addWhenLoaded(runtime, 0) == "a=41")
        }
    }
}
