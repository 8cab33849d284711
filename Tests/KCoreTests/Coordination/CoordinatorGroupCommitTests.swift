import Synchronization
import Testing

@testable import KCore

/// Coordinators whose records count only when they are on stable storage.
@Suite struct CoordinatorGroupCommitTests {
    private let jobs = JobQueue()
    private let answers = Answers()
    private let bench: LogBench
    private let log: Log
    private let partition: CoordinatorPartition<SumMachine>

    init() throws {
        bench = LogBench(flusher: jobs.add)
        var config = LogConfig()
        config.flushMessages = 1
        log = try bench.open(config)
        let served = Partition(
            topicPartition: log.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0, inSyncReplicas: 1)
        partition = CoordinatorPartition(log: served, clock: bench.clock)
        partition.loaded(partition.beginLoading(), SumMachine(), nextOffset: 0)
    }

    private func add(_ number: Int, in producer: Int64) {
        partition.run(in: CoordinatorProducer(id: producer, epoch: 0), answers.reply) { machine, turn, reply in
            turn.send(machine.add("a", number, &turn), to: reply)
        }
    }

    /// Lets the flushes that are wanted happen.
    /// - Returns: what that cost the disk.
    private func keep() -> Int {
        let before = bench.disk.operations
        jobs.run()
        partition.release()
        return bench.disk.operations - before
    }

    @Test func `commits and ends of many transactions share one fsync, and are answered behind it`() throws {
        // The first one also makes names durable.
        add(1, in: 1000)
        partition.settle()
        _ = keep()
        #expect(answers.list.count == 1)
        for producer in Int64(0)..<50 { add(1, in: producer) }
        let ended = Atomic(0)
        for producer in Int64(0)..<50 {
            let end = CoordinatorTransactionEnd(
                producerId: producer, producerEpoch: 0, coordinatorEpoch: 0, isCommit: true)
            partition.endTransaction(
                end, CoordinatorReply<Void>({ ended.add(1, ordering: .relaxed) }, refusal: { _ in () }))
        }
        partition.settle()
        #expect(log.logEndOffset == 101 && log.recoveryPoint == 1)
        #expect(answers.list.count == 1 && ended.load(ordering: .relaxed) == 0)
        // The log's, and where a file was made the folder's.
        #expect(keep() <= 2)
        #expect(answers.list.count == 51 && ended.load(ordering: .relaxed) == 50)
        #expect(!answers.list.contains("NOT_COORDINATOR"))
        #expect(log.recoveryPoint == 101)
    }

    @Test func `who watches a log whose disk is lost is called, so that nobody waits for ever`() throws {
        let calls = Atomic(0)
        let served = Partition(
            topicPartition: log.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0, inSyncReplicas: 1)
        _ = log.environment.directory.fail(DiskError(.sync, path: bench.path, code: 5))
        served.whenHighWatermarkMoves(from: 0) { calls.add(1, ordering: .relaxed) }
        #expect(calls.load(ordering: .relaxed) == 1)
    }

    @Test func `where every third record is flushed, answers wait for that as those to producers do`() throws {
        var config = LogConfig()
        config.flushMessages = 3
        log.updateConfig(config)
        func commit(_ number: Int) {
            partition.run(answers.reply) { machine, turn, reply in turn.send(machine.add("b", number, &turn), to: reply)
            }
            partition.settle()
        }
        commit(1)
        commit(1)
        #expect(answers.list == ["b=1", "b=2"] && log.recoveryPoint == 0)
        commit(1)
        // Behind what waits nobody is answered either.
        partition.run(answers.reply) { machine, turn, reply in turn.send("\(machine.sums)", to: reply) }
        partition.settle()
        #expect(answers.list.count == 2 && partition.awaitedFlush == 3)
        _ = keep()
        #expect(answers.list == ["b=1", "b=2", "b=3", #"["b": 3]"#])
        #expect(log.recoveryPoint == 3 && partition.awaitedFlush == nil)
        commit(1)
        #expect(answers.list.last == "b=4")
    }
}
