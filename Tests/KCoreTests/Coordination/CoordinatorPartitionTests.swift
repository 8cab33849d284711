import Synchronization
import Testing

@testable import KCore

@Suite struct CoordinatorPartitionTests: SumPartitionSuite {
    let bench = SumPartition()

    @Test func `a step sees what the step before it wrote, and both go to the log as one batch`() throws {
        add("a", 1)
        add("a", 2)
        #expect(answers.list.isEmpty && log.batchCount == 0)
        partition.flush()
        #expect(answers.list == ["a=1", "a=3"])
        #expect(log.batchCount == 1)
        #expect(try reloaded().sums == ["a": 3])
        #expect(try reloaded().offsets == partition.machine?.offsets)
    }

    @Test func `an answer waits until the high watermark has passed what was written before it`() {
        log.moveHighWatermark(to: 0)
        add("a", 1)
        partition.run(answers.reply) { machine, turn, reply in turn.send("read \(machine.sums)", to: reply) }
        partition.flush()
        add("b", 1)
        partition.flush()
        partition.release()
        #expect(answers.list.isEmpty)
        #expect(partition.awaitedFrom == 0)
        log.moveHighWatermark(to: 1)
        partition.release()
        #expect(answers.list == ["a=1", #"read ["a": 1]"#])
        log.moveHighWatermark(to: 2)
        partition.release()
        #expect(answers.list.last == "b=1")
    }

    @Test func `steps of many records make batches that a log of small segments takes`() throws {
        log.state.withLock { $0.maxBatchBytes = 1000 }
        for number in 0..<100 { add("key \(number)", number) }
        partition.flush()
        #expect(partition.phase == .active && answers.list.count == 100)
        partition.run(answers.reply) { machine, turn, reply in
            turn.allowDivision()
            for number in 0..<200 { _ = machine.add("key \(number)", 1, &turn) }
            turn.send("divided", to: reply)
        }
        partition.flush()
        #expect(partition.phase == .active && answers.list.last == "divided")
        #expect(log.batchCount > 6)
        #expect(try reloaded().sums == partition.machine?.sums)
        #expect(try reloaded().offsets == partition.machine?.offsets)
    }

    @Test func `a step that may not be divided and is too large fails, and nothing of it is in the log`() {
        log.state.withLock { $0.maxBatchBytes = 1000 }
        partition.run(answers.reply) { machine, turn, reply in
            for number in 0..<200 { _ = machine.add("key \(number)", 1, &turn) }
            turn.send("not divided", to: reply)
        }
        partition.flush()
        #expect(partition.phase == .failed && log.batchCount == 0)
        #expect(answers.list == ["UNKNOWN_SERVER_ERROR"])
    }

    @Test func `when the disk is lost before what was written is kept, who waits is refused`() {
        log.moveHighWatermark(to: 0)
        add("a", 1)
        partition.flush()
        partition.release()
        #expect(answers.list.isEmpty)
        log.state.withLock { $0.isOffline = true }
        partition.release()
        #expect(answers.list == ["NOT_COORDINATOR"])
        #expect(partition.phase == .failed && partition.awaitedFrom == nil)
    }

    @Test func `a step that only looks is answered without an append`() {
        partition.run(answers.reply) { machine, turn, reply in turn.send("\(machine.sums.count)", to: reply) }
        partition.flush()
        #expect(answers.list == ["0"])
        #expect(log.batchCount == 0)
    }

    @Test func `when the log refuses, everybody is refused once and the state is what the log says`() throws {
        add("a", 1)
        partition.flush()
        partition.run(answers.reply) { machine, turn, reply in machine.waiting["a"] = reply }
        log.state.withLock { $0.failure = .kafkaStorageError }
        add("a", 10)
        add("b", 10)
        partition.flush()
        #expect(partition.phase == .failed && partition.failures == 1)
        #expect(answers.list.sorted() == ["NOT_COORDINATOR", "NOT_COORDINATOR", "NOT_COORDINATOR", "a=1"])
        add("c", 1)
        #expect(answers.list.count == 5 && answers.list.last == "NOT_COORDINATOR")
        log.state.withLock { $0.failure = nil }
        let number = partition.beginLoading()
        add("c", 1)
        #expect(answers.list.last == "COORDINATOR_LOAD_IN_PROGRESS")
        partition.loaded(number, try reloaded(), nextOffset: log.endOffset)
        add("a", 1)
        partition.flush()
        #expect(answers.list.last == "a=2")
        #expect(partition.failures == 0)
        partition.fail(.notCoordinator)
        #expect(answers.list.count == 7)
    }

    @Test func `too few replicas are told as a coordinator that is not available`() {
        log.state.withLock { $0.failure = .notEnoughReplicas }
        add("a", 1)
        partition.flush()
        #expect(answers.list == ["COORDINATOR_NOT_AVAILABLE"])
    }

    @Test func `a load that was overtaken changes nothing`() {
        let first = partition.beginLoading()
        let second = partition.beginLoading()
        partition.loaded(first, SumMachine(sums: ["old": 1]), nextOffset: 9)
        partition.loadFailed(first, lasts: true)
        #expect(partition.phase == .loading)
        #expect(!partition.failureLasts)
        partition.loaded(second, SumMachine(sums: ["new": 1]), nextOffset: 9)
        partition.loaded(second, SumMachine(), nextOffset: 9)
        #expect(partition.machine?.sums == ["new": 1])
    }

    @Test func `damage of the log is told from what passes`() {
        for lasts in [true, false] {
            partition.loadFailed(partition.beginLoading(), lasts: lasts)
            #expect(partition.phase == .failed)
            #expect(partition.failureLasts == lasts)
        }
        partition.loadFailed(partition.beginLoading(), lasts: true)
        partition.loaded(partition.beginLoading(), SumMachine(), nextOffset: 0)
        partition.fail(.notCoordinator)
        #expect(!partition.failureLasts)
    }

    @Test func `a record that cannot be written fails the partition and leaves nothing of its step in the log`() throws
    {
        add("a", 1)
        add("unwritable", 1)
        partition.flush()
        #expect(partition.phase == .failed)
        #expect(answers.list == ["UNKNOWN_SERVER_ERROR", "UNKNOWN_SERVER_ERROR"])
        #expect(log.batchCount == 0)
    }

    @Test func `a transaction's records are a batch of their producer and count when its marker is there`() throws {
        let producer = CoordinatorProducer(id: 7, epoch: 2)
        add("a", 1)
        add("a", 10, in: producer)
        add("a", 100)
        partition.flush()
        #expect(answers.list == ["a=1", "a=1", "a=101"])
        #expect(log.batchCount == 3)
        let end = CoordinatorTransactionEnd(producerId: 7, producerEpoch: 2, coordinatorEpoch: 0, isCommit: true)
        #expect(try reloaded().sums == ["a": 101])
        let reply = answers.reply
        partition.endTransaction(
            end,
            CoordinatorReply {
                reply.send("ended")
            } refusal: { _ in
            })
        #expect(answers.list.last == "ended")
        #expect(partition.machine?.sums == ["a": 111])
        #expect(try reloaded().sums == ["a": 111])
    }

    @Test func `a fenced producer writes nothing, and nobody else feels it`() {
        let producer = CoordinatorProducer(id: 7, epoch: 2)
        log.state.withLock { _ = $0.fenced.insert(producer) }
        add("a", 1)
        add("a", 10, in: producer)
        #expect(answers.list == ["a=1", "INVALID_PRODUCER_EPOCH"])
        #expect(partition.phase == .active && partition.machine?.pending.isEmpty == true)
    }

    @Test func `loading takes transactions as their markers say, and names what it cannot read`() throws {
        func record(_ offset: Int64, _ key: String?, _ value: String?) -> Record {
            Record(offset: offset, timestamp: 0, key: key.map { Bytes($0) }, value: value.map { Bytes($0) })
        }
        _ = try log.append(
            RecordBatchBuilder.batch([
                record(0, "a", "1"), record(1, "b", "no number"), record(2, "other", "no number"), record(3, nil, "5"),
                record(4, "c", "4"), record(5, "c", nil),
            ]))
        try log.appendTransaction([record(0, "a", "10")], producerId: 1, commits: true)
        try log.appendTransaction([record(0, "a", "100")], producerId: 2, commits: false)
        try log.appendTransaction([record(0, "a", "1000")], producerId: 3, commits: nil)
        var machine = SumMachine()
        var skipped: [Int64] = []
        let end = try CoordinatorLoader.load(log, into: &machine) { offset, _ in skipped.append(offset) }
        #expect(end == log.endOffset)
        #expect(machine.sums == ["a": 11])
        #expect(skipped == [1])
        #expect(machine.pending.keys.sorted() == [3])
    }

    @Test func `a damaged log is not loaded`() throws {
        add("a", 1)
        partition.flush()
        log.state.withLock { state in
            state.batches[0].withUnsafeMutableBytes { $0[$0.count - 1] ^= 1 }
        }
        var machine = SumMachine()
        #expect(throws: LogError.self) { try CoordinatorLoader.load(log, into: &machine) { _, _ in } }
    }
}
