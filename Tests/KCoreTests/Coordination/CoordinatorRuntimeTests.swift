import Synchronization
import Testing

@testable import KCore

@Suite struct CoordinatorRuntimeTests {
    let answers = Answers()

    private func withRuntime(
        loops count: Int = 2,
        afterLoading: @escaping @Sendable (inout SumMachine, inout CoordinatorTurn<SumMachine.Record>) -> Void = {
            _, _ in
        },
        _ body: (CoordinatorRuntime<SumMachine>) throws -> Void
    ) throws {
        let workers = WorkerPool(name: "load", threads: 1)
        let loops = try EventLoopGroup(count: count, clock: SystemClock())
        defer {
            loops.stop(drainMs: 0)
            workers.stop()
        }
        let logger = Logger.silent
        try body(
            CoordinatorRuntime(
                loops: loops.loops, workers: workers, clock: SystemClock(), logger: logger,
                makeMachine: { _ in SumMachine() }, afterLoading: { afterLoading }))
    }

    private func add(_ runtime: CoordinatorRuntime<SumMachine>, _ partition: Int32, _ key: String, _ number: Int) {
        runtime.submit(to: partition, answers.reply) { machine, turn, reply in
            turn.send(machine.add(key, number, &turn), to: reply)
        }
    }

    @Test func `a partition is coordinated from the time that its log is loaded until it is given up`() throws {
        try withRuntime { runtime in
            add(runtime, 3, "a", 1)
            #expect(answers.wait(1).last == "NOT_COORDINATOR")
            let log = MemoryCoordinatorLog(3)
            _ = try log.append(
                RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("41"))]))
            log.state.withLock { $0.isHeld = true }
            runtime.lead(log)
            add(runtime, 3, "a", 1)
            #expect(answers.wait(2).last == "COORDINATOR_LOAD_IN_PROGRESS")
            log.state.withLock { $0.isHeld = false }
            while answers.list.last == "COORDINATOR_LOAD_IN_PROGRESS" {
                let before = answers.list.count
                add(runtime, 3, "a", 1)
                _ = answers.wait(before + 1)
            }
            #expect(answers.list.last == "a=42")
            runtime.submit(to: 3, answers.reply) { machine, _, reply in machine.waiting["a"] = reply }
            let before = answers.list.count
            runtime.resign(3)
            #expect(answers.wait(before + 1).last == "NOT_COORDINATOR")
            add(runtime, 3, "a", 1)
            #expect(answers.wait(before + 2).last == "NOT_COORDINATOR")
        }
    }

    @Test func `what is to be done after loading is done before the first request`() throws {
        let log = MemoryCoordinatorLog(0)
        _ = try log.append(RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("41"))]))
        try withRuntime(afterLoading: { _ = $0.add("a", 1000, &$1) }) { runtime in
            runtime.lead(log)
            repeat {
                let before = answers.list.count
                add(runtime, 0, "a", 1)
                _ = answers.wait(before + 1)
            } while answers.list.last == "COORDINATOR_LOAD_IN_PROGRESS"
            #expect(answers.list.last == "a=1042")
        }
    }

    @Test func `what is asked of all machines is done by those that are being loaded, too, before the first request`()
        throws
    {
        let log = MemoryCoordinatorLog(0)
        _ = try log.append(RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("41"))]))
        log.state.withLock { $0.isHeld = true }
        try withRuntime { runtime in
            runtime.lead(log)
            runtime.submitToAll { machine, turn in _ = machine.add("a", 1000, &turn) }
            add(runtime, 0, "a", 1)
            #expect(answers.wait(1).last == "COORDINATOR_LOAD_IN_PROGRESS")
            log.state.withLock { $0.isHeld = false }
            repeat {
                let before = answers.list.count
                add(runtime, 0, "a", 1)
                _ = answers.wait(before + 1)
            } while answers.list.last == "COORDINATOR_LOAD_IN_PROGRESS"
            #expect(answers.list.last == "a=1042")
        }
    }

    @Test func `what is asked of all machines is done again where the log did not take it, before the first request`()
        throws
    {
        let log = MemoryCoordinatorLog(0)
        _ = try log.append(RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("41"))]))
        try withRuntime { runtime in
            runtime.lead(log)
            try eventually("it is loaded") { sums(runtime) == [41] }
            log.state.withLock { $0.failure = .kafkaStorageError }
            runtime.submitToAll { machine, turn in _ = machine.add("a", 1000, &turn) }
            add(runtime, 0, "a", 1)
            #expect(answers.wait(1) == ["NOT_COORDINATOR"])
            log.state.withLock { $0.failure = nil }
            try eventually("it is loaded again") { !sums(runtime).isEmpty }
            add(runtime, 0, "a", 1)
            #expect(answers.wait(2).last == "a=1042")
        }
    }

    /// What those machines have for one key that are there.
    private func sums(_ runtime: CoordinatorRuntime<SumMachine>) -> [Int] {
        guard let asker = try? EventLoop() else { return [] }
        defer { asker.stop() }
        let found = Monitor<[Int]?>(nil)
        runtime.gather(on: asker) { machine, _ in
            machine.sums["a"] ?? -1
        } _: { sums, _ in
            found.update { $0 = sums }
        }
        return found.wait(timeoutMs: 30_000) { $0 } ?? []
    }

    @Test func `an answer that waits for the high watermark comes when it moves`() throws {
        try withRuntime { runtime in
            let log = MemoryCoordinatorLog(0)
            log.moveHighWatermark(to: 0)
            runtime.lead(log)
            add(runtime, 0, "a", 1)
            try eventually("it is appended") { log.endOffset == 1 }
            #expect(answers.list.isEmpty)
            log.moveHighWatermark(to: 1)
            #expect(answers.wait(1) == ["a=1"])
        }
    }

    @Test func `a high watermark that moves just before an answer begins to wait for it is not missed`() throws {
        try withRuntime { runtime in
            let log = MemoryCoordinatorLog(0)
            log.state.withLock { ($0.highWatermark, $0.nextHighWatermark) = (0, 1) }
            runtime.lead(log)
            add(runtime, 0, "a", 1)
            #expect(answers.all.wait(timeoutMs: 30_000) { $0.isEmpty ? nil : $0 } == ["a=1"])
        }
    }

    @Test func `an answer that waits for stable storage comes when its record is there, and an error when it cannot`()
        throws
    {
        try withRuntime { runtime in
            let log = MemoryCoordinatorLog(0)
            runtime.lead(log)
            for round in 1...3 {
                // The second one is told with the first.
                log.state.withLock { $0.awaitsFlush = true }
                add(runtime, 0, "a", 1)
                try eventually("somebody waits for the flush") { log.state.withLock { $0.flushWaiters.count == 1 } }
                log.state.withLock { $0.awaitsFlush = false }
                add(runtime, 0, "a", 1)
                try eventually("it is appended") { log.endOffset == Int64(2 * round) }
                #expect(answers.list.count == 2 * round - 2)
                log.flush(round == 3 ? LogError(.kafkaStorageError, "told to fail") : nil)
                _ = answers.wait(2 * round)
            }
            #expect(answers.list == ["a=1", "a=2", "a=3", "a=4", "NOT_COORDINATOR", "NOT_COORDINATOR"])
        }
    }

    @Test func `a partition that is taken over again waits for its new log`() throws {
        try withRuntime { runtime in
            let old = MemoryCoordinatorLog(0)
            old.moveHighWatermark(to: 0)
            runtime.lead(old)
            add(runtime, 0, "a", 1)
            try eventually("an answer waits") { old.state.withLock { !$0.wakes.isEmpty } }
            let new = MemoryCoordinatorLog(0)
            new.moveHighWatermark(to: 0)
            runtime.lead(new)
            #expect(answers.wait(1) == ["NOT_COORDINATOR"])
            add(runtime, 0, "a", 2)
            try eventually("it is appended") { new.endOffset == 1 }
            new.moveHighWatermark(to: 1)
            #expect(answers.all.wait(timeoutMs: 30_000) { $0.count == 2 ? $0 : nil } == ["NOT_COORDINATOR", "a=2"])
        }
    }

    @Test func `a partition whose log waits for a disk holds up no other one of its loop`() throws {
        try withRuntime(loops: 1) { runtime in
            let (stuck, sound) = (MemoryCoordinatorLog(0), MemoryCoordinatorLog(1))
            stuck.state.withLock { $0.isBusy = true }
            for log in [stuck, sound] { runtime.lead(log) }
            add(runtime, 0, "a", 1)
            try eventually("the disk is asked") { stuck.state.withLock { !$0.lateWork.isEmpty } }
            add(runtime, 0, "a", 10)
            add(runtime, 1, "b", 2)
            #expect(answers.wait(1) == ["b=2"])
            let asker = try EventLoop()
            defer { asker.stop() }
            let gathered = Monitor<[[String: Int]]?>(nil)
            runtime.gather(on: asker) { machine, _ in
                machine.sums
            } _: { sums, missing in
                gathered.update { $0 = missing == .none ? sums : [] }
            }
            #expect(gathered.wait(timeoutMs: 30_000) { $0 } == [["a": 1], ["b": 2]])
            #expect(stuck.batchCount == 0 && answers.list.count == 1)
            stuck.state.withLock { $0.isBusy = false }
            stuck.doLateWork()
            #expect(answers.wait(3) == ["b=2", "a=1", "a=11"])
        }
    }

    @Test func `what all are to do is done by a partition that waits for a disk, when it has answered`() throws {
        try withRuntime(loops: 1) { runtime in
            let log = MemoryCoordinatorLog(0)
            log.state.withLock { $0.isBusy = true }
            runtime.lead(log)
            add(runtime, 0, "a", 1)
            try eventually("the disk is asked") { log.state.withLock { !$0.lateWork.isEmpty } }
            runtime.submitToAll { machine, turn in _ = machine.add("a", 1000, &turn) }
            add(runtime, 0, "a", 1)
            log.state.withLock { $0.isBusy = false }
            log.doLateWork()
            #expect(answers.wait(2) == ["a=1", "a=1002"])
        }
    }

    @Test func `a log is not loaded before all is there that was on its way`() throws {
        try withRuntime { runtime in
            let log = MemoryCoordinatorLog(0)
            _ = try log.append(RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("40"))]))
            runtime.lead(log)
            try eventually("it is loaded") { log.state.withLock { $0.reads > 0 } }
            log.state.withLock { $0.isBusy = true }
            repeat {
                let before = answers.list.count
                add(runtime, 0, "a", 1)
                try eventually("the disk is asked, or it loads") {
                    answers.list.count > before || log.state.withLock { !$0.lateWork.isEmpty }
                }
            } while log.state.withLock { $0.lateWork.isEmpty }
            let before = answers.list.count
            runtime.resign(0)
            #expect(answers.wait(before + 1).last == "NOT_COORDINATOR")
            let reads = log.state.withLock { state in
                state.isBusy = false
                return state.reads
            }
            runtime.lead(log)
            add(runtime, 0, "a", 1)
            #expect(answers.wait(before + 2).last == "COORDINATOR_LOAD_IN_PROGRESS")
            #expect(log.state.withLock { $0.reads } == reads)
            log.doLateWork()
            repeat {
                let before = answers.list.count
                add(runtime, 0, "a", 1)
                _ = answers.wait(before + 1)
            } while answers.list.last == "COORDINATOR_LOAD_IN_PROGRESS"
            #expect(answers.list.last == "a=42")
        }
    }

    @Test func `all partitions are asked, on all loops, and the answers come on that of whoever asked`() throws {
        let asker = try EventLoop()
        defer { asker.stop() }
        try withRuntime { runtime in
            for partition in 0..<5 {
                runtime.lead(MemoryCoordinatorLog(Int32(partition)))
                add(runtime, Int32(partition), "a", partition)
            }
            _ = answers.wait(5)
            let gathered = Monitor<[Int]?>(nil)
            runtime.gather(on: asker) { machine, _ in
                asker.inLoop ? -2 : machine.sums["a"] ?? -1
            } _: { sums, missing in
                gathered.update { $0 = missing != .none || !asker.inLoop ? [] : sums.sorted() }
            }
            #expect(gathered.wait(timeoutMs: 30_000) { $0 } == [0, 1, 2, 3, 4])
        }
    }

    @Test func `who asks all partitions is told of those that cannot answer, beside what the others do`() throws {
        let asker = try EventLoop()
        defer { asker.stop() }
        try withRuntime { runtime in
            let damaged = MemoryCoordinatorLog(0)
            let batch = try RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("1"))])
            // A record of a length that there cannot be.
            batch.withUnsafeMutableBytes { $0[RecordBatchHeader.size] = 0xff }
            _ = try damaged.append(batch)
            damaged.state.withLock { $0.isHeld = true }
            for log in [damaged, MemoryCoordinatorLog(1)] { runtime.lead(log) }
            add(runtime, 1, "a", 5)
            _ = answers.wait(1)
            func gathered() -> String? {
                let gathered = Monitor<String?>(nil)
                runtime.gather(on: asker) { machine, _ in
                    machine.sums["a"] ?? -1
                } _: { sums, missing in
                    gathered.update { $0 = "\(sums) \(missing.name)" }
                }
                return gathered.wait(timeoutMs: 30_000) { $0 }
            }
            #expect(gathered() == "[5] COORDINATOR_LOAD_IN_PROGRESS")
            damaged.state.withLock { $0.isHeld = false }
            expectEventually("it has failed") { gathered() == "[5] COORDINATOR_NOT_AVAILABLE" }
        }
    }

    @Test func `keys go to the partitions that Kafka has them in`() {
        #expect(CoordinatorTopic.javaHash("") == 0)
        #expect(CoordinatorTopic.javaHash("group") == 98_629_247)
        #expect(CoordinatorTopic.javaHash("überß😀") == -1_078_023_281)
        // The hash of this one is the smallest number there is.
        #expect(CoordinatorTopic.javaHash("polygenelubricants") == .min)
        #expect(CoordinatorTopic.partition(of: "polygenelubricants", count: 50) == 0)
        #expect(CoordinatorTopic.partition(of: "group", count: 50) == 47)
    }
}
