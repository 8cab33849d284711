import Synchronization
import Testing

@testable import KCore

@Suite struct GroupCommitTests {
    private let jobs = JobQueue()

    private func config(messages: Int64) -> LogConfig {
        var config = LogConfig()
        config.flushMessages = messages
        return config
    }

    private func partition(_ log: Log) -> Partition {
        Partition(
            topicPartition: log.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0, inSyncReplicas: 1)
    }

    @Test func `with flush.messages=1 what was acknowledged survives a loss of power`() throws {
        for seed in 0..<20 {
            let bench = LogBench()
            let log = try bench.open(config(messages: 1))
            let answers = Heard<LogError?>()
            for index in 0..<3 {
                let result = try log.append(["value \(index)"])
                #expect(result.awaitsFlush || log.recoveryPoint == result.lastOffset + 1)
                log.whenFlushed(to: result.lastOffset + 1, answers.add)
            }
            #expect(answers.all.map { $0?.code ?? .none } == [.none, .none, .none])
            var random = SimulatedDisk.Random(seed: UInt64(seed))
            bench.disk.crash(&random)
            let again = try LogBench(disk: bench.disk).open(config(messages: 1))
            #expect(try again.values() == ["value 0", "value 1", "value 2"])
        }
    }

    @Test func `one fsync serves all that was appended before it began`() throws {
        let bench = LogBench(flusher: jobs.add)
        let log = try bench.open(config(messages: 1))
        func operations(ofFlushAfter appends: Int) throws -> Int {
            let answers = Heard<LogError?>()
            for index in 0..<appends {
                let result = try log.append(["\(index)"])
                #expect(result.awaitsFlush)
                log.whenFlushed(to: result.lastOffset + 1, answers.add)
            }
            #expect(answers.all.isEmpty)
            #expect(jobs.count == 1)
            let before = bench.disk.operations
            jobs.run()
            #expect(answers.all.map { $0?.code ?? .none } == Array(repeating: ErrorCode.none, count: appends))
            return bench.disk.operations - before
        }
        // The first one also makes names durable.
        _ = try operations(ofFlushAfter: 1)
        #expect(try operations(ofFlushAfter: 1) == 1)
        #expect(try operations(ofFlushAfter: 50) == 1)
    }

    @Test func `records that must be on the disk are not shown before they are`() throws {
        let bench = LogBench(flusher: jobs.add)
        let log = try bench.open(config(messages: 1))
        let partition = partition(log)
        let woken = Atomic(0)
        let waiting = WaitingFetch(missingBytes: 1) { woken.add(1, ordering: .relaxed) }
        #expect(partition.wait(waiting, since: 0))
        _ = try partition.append(Batches.make(["a", "b"]), requiredAcks: 1, origin: .client)
        #expect(partition.highWatermark == 0)
        #expect(woken.load(ordering: .relaxed) == 0)
        #expect(log.logEndOffset == 2)
        jobs.run()
        #expect(partition.highWatermark == 2)
        #expect(woken.load(ordering: .relaxed) == 1)
    }

    @Test func `after a kill, records are shown once they have been flushed`() throws {
        let bench = LogBench(flusher: jobs.add)
        try bench.open(config(messages: 1)).append(["a"])
        bench.disk.restart()
        let next = LogBench(disk: bench.disk, flusher: jobs.add)
        let partition = partition(try next.open(config(messages: 1)))
        #expect(partition.highWatermark == 0)
        jobs.run()
        #expect(partition.highWatermark == 1)
    }

    @Test func `without flush.messages records are shown at once`() throws {
        let bench = LogBench(flusher: jobs.add)
        let partition = partition(try bench.open())
        let result = try partition.append(Batches.make(["a"]), requiredAcks: 1, origin: .client)
        #expect(!result.awaitsFlush)
        #expect(partition.highWatermark == 1)
        #expect(jobs.count == 0)
    }

    @Test func `a failed fsync acknowledges nothing, shows nothing, and takes the directory offline`() throws {
        let bench = LogBench(flusher: jobs.add)
        let log = try bench.open(config(messages: 1))
        let partition = partition(log)
        let answers = Heard<LogError?>()
        for _ in 0..<3 {
            let result = try partition.append(Batches.make(["a"]), requiredAcks: -1, origin: .client)
            log.whenFlushed(to: result.lastOffset + 1, answers.add)
        }
        bench.disk.failSyncs(true)
        jobs.run()
        #expect(answers.all.map { $0?.code ?? .none } == [.kafkaStorageError, .kafkaStorageError, .kafkaStorageError])
        #expect(partition.highWatermark == 0)
        #expect(log.isOffline)
    }

    @Test func `who waits for a log that is deleted is told to look elsewhere`() throws {
        let bench = LogBench(flusher: jobs.add)
        let log = try bench.open(config(messages: 1))
        let answers = Heard<LogError?>()
        log.whenFlushed(to: try log.append(["a"]).lastOffset + 1, answers.add)
        try log.delete()
        jobs.run()
        #expect(answers.all.map { $0?.code ?? .none } == [.notLeaderOrFollower])
    }

    @Test func `who waits for records that are cut off is told so`() throws {
        let bench = LogBench(flusher: jobs.add)
        let log = try bench.open(config(messages: 1))
        let answers = Heard<LogError?>()
        for value in ["a", "b"] { log.whenFlushed(to: try log.append([value]).lastOffset + 1, answers.add) }
        try log.truncate(to: 1)
        jobs.run()
        #expect(answers.all.map { $0?.code ?? .none } == [.none, .notLeaderOrFollower])
    }

    @Test func `a batch that comes again is acknowledged no earlier than it was the first time`() throws {
        let bench = LogBench(flusher: jobs.add)
        let log = try bench.open(config(messages: 1))
        for isDuplicate in [false, true] {
            let result = try log.append(Batches.idempotent(["a"], sequence: 0), leaderEpoch: 0)
            #expect(result.isDuplicate == isDuplicate)
            #expect(result.awaitsFlush)
        }
        jobs.run()
        let result = try log.append(Batches.idempotent(["a"], sequence: 0), leaderEpoch: 0)
        #expect(result.isDuplicate)
        #expect(!result.awaitsFlush)
    }

    @Test func `with flush.messages=3 the append that makes three waits`() throws {
        let bench = LogBench(flusher: jobs.add)
        let partition = partition(try bench.open(config(messages: 3)))
        for (index, awaits) in [false, false, true].enumerated() {
            let result = try partition.append(Batches.make(["\(index)"]), requiredAcks: 1, origin: .client)
            #expect(result.awaitsFlush == awaits)
            #expect(partition.highWatermark == Int64(index + 1))
        }
        jobs.run()
        #expect(partition.log.recoveryPoint == 3)
        #expect(try !partition.append(Batches.make(["d"]), requiredAcks: 1, origin: .client).awaitsFlush)
    }

    @Test func `flush.ms flushes what has waited that long, and nothing that has not changed`() throws {
        let disk = SimulatedDisk()
        let clock = ManualClock()
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, background: { $0() })
        var config = LogConfig()
        config.flushMs = 5000
        let log = try manager.createLog(TopicPartition(topic: "t", partition: 0), topicId: nil, config: config)
        try log.append(["a"])
        clock.advance(ms: 4000)
        manager.tick()
        #expect(log.recoveryPoint == 0)
        clock.advance(ms: 1000)
        manager.tick()
        #expect(log.recoveryPoint == 1)
        let operations = disk.operations
        clock.advance(ms: 6000)
        manager.tick()
        #expect(disk.operations == operations)
    }

    @Test func `a log that is always busy lets other logs flush in between`() throws {
        let bench = LogBench(flusher: jobs.add)
        let log = try bench.open(config(messages: 1))
        let answers = Heard<Int>()
        @Sendable func goOn(_ count: Int) {
            guard count < 3, let result = try? log.append(["\(count)"]) else { return }
            log.whenFlushed(to: result.lastOffset + 1) { _ in
                answers.add(count)
                goOn(count + 1)
            }
        }
        goOn(0)
        for count in 0..<3 {
            // As it would stand behind the others in the flushers' row.
            #expect(jobs.count == 1)
            jobs.run()
            #expect(answers.all == Array(0...count))
        }
    }

    @Test func `a flush that had no room is tried again, and what it shows is shown then`() throws {
        let disk = SimulatedDisk()
        let clock = ManualClock()
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, background: { $0() })
        let log = try manager.createLog(
            TopicPartition(topic: "t", partition: 0), topicId: nil, config: config(messages: 1))
        let partition = partition(log)
        // The leader epochs are to be written, and cannot be.
        disk.failOpens(of: ".tmp")
        let woken = Atomic(0)
        #expect(partition.wait(WaitingFetch(missingBytes: 1) { woken.add(1, ordering: .relaxed) }, since: 0))
        let result = try partition.append(Batches.make(["a"]), requiredAcks: -1, origin: .client)
        let answers = Heard<LogError?>()
        log.whenFlushed(to: result.lastOffset + 1, answers.add)
        #expect(answers.all.map { $0?.isTransient } == [true])
        #expect(partition.highWatermark == 0)
        for hasRoom in [false, true] {
            if hasRoom { disk.failOpens(of: nil) }
            clock.advance(ms: manager.options.flushCheckIntervalMs)
            manager.tick()
            #expect(partition.highWatermark == (hasRoom ? 1 : 0))
            #expect(woken.load(ordering: .relaxed) == (hasRoom ? 1 : 0))
        }
    }

    @Test func `with flush.messages=3 a flush that had no room is tried again as well`() throws {
        let disk = SimulatedDisk()
        let clock = ManualClock()
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, background: { $0() })
        let log = try manager.createLog(
            TopicPartition(topic: "t", partition: 0), topicId: nil, config: config(messages: 3))
        disk.failOpens(of: ".tmp")
        for value in ["a", "b", "c"] { try log.append([value]) }
        #expect(log.recoveryPoint == 0)
        disk.failOpens(of: nil)
        clock.advance(ms: manager.options.flushCheckIntervalMs)
        manager.tick()
        #expect(log.recoveryPoint == 3)
    }

    @Test func `a log can be flushed any number of times`() throws {
        // With each flush more stack, and this would end in a crash.
        let bench = LogBench()
        let log = try bench.open(config(messages: 1))
        let partition = partition(log)
        for _ in 0..<30_000 { log.flushObserver.withLock { _ in } }
        _ = try partition.append(Batches.make(["a"]), requiredAcks: 1, origin: .client)
        #expect(partition.highWatermark == 1)
    }

    @Test func `records that need not be flushed any more are shown`() throws {
        let bench = LogBench(flusher: jobs.add)
        let partition = partition(try bench.open(config(messages: 1)))
        _ = try partition.append(Batches.make(["a"]), requiredAcks: 1, origin: .client)
        #expect(partition.highWatermark == 0)
        partition.updateConfig(config(messages: .max))
        #expect(partition.highWatermark == 1)
    }
}
