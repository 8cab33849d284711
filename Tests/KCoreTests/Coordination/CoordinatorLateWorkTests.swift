import Synchronization
import Testing

@testable import KCore

/// A partition whose log would have to wait for its disk, so that another thread has to append.
@Suite struct CoordinatorLateWorkTests: SumPartitionSuite {
    let bench = SumPartition()

    private func end(_ producer: CoordinatorProducer, isCommit: Bool = true) {
        // A reply that is refused is sent as well.
        let isOver = Monitor(false)
        let once: @Sendable (String) -> Void = { [answers] answer in
            let isFirst = isOver.update { isOver in
                defer { isOver = true }
                return !isOver
            }
            if isFirst { answers.all.update { $0.append(answer) } }
        }
        partition.endTransaction(
            CoordinatorTransactionEnd(
                producerId: producer.id, producerEpoch: producer.epoch, coordinatorEpoch: 0, isCommit: isCommit),
            CoordinatorReply<Void>({ once("ended") }, refusal: { once($0.name) }))
    }

    private func setBusy(_ isBusy: Bool) { log.state.withLock { $0.isBusy = isBusy } }

    /// Has an append of one record on its way.
    /// - Returns: what another thread is to do.
    private func leave(_ key: String = "a", _ number: Int = 1) throws -> CoordinatorLateWork {
        setBusy(true)
        add(key, number)
        partition.flush()
        #expect(partition.isLate)
        return try #require(partition.takeLateWork())
    }

    @Test func `while an append is on its way steps wait, and are made in the order in which they came`() throws {
        let work = try leave()
        #expect(partition.takeLateWork() == nil)
        add("a", 2)
        add("b", 1)
        partition.flush()
        #expect(partition.machine?.sums == ["a": 1] && answers.list.isEmpty && log.batchCount == 0)
        setBusy(false)
        partition.finishLateWork(work.run())
        partition.flush()
        #expect(answers.list == ["a=1", "a=3", "b=1"])
        #expect(log.batchCount == 2 && !partition.isLate)
        #expect(try reloaded().sums == partition.machine?.sums)
        #expect(try reloaded().offsets == partition.machine?.offsets)
    }

    @Test func `an answer still waits for the high watermark when its record is there`() throws {
        log.moveHighWatermark(to: 0)
        let work = try leave()
        #expect(partition.awaitedFrom == 0)
        partition.finishLateWork(work.run())
        partition.flush()
        #expect(log.batchCount == 1 && answers.list.isEmpty && partition.awaitedFrom == 0)
        log.moveHighWatermark(to: 1)
        partition.release()
        #expect(answers.list == ["a=1"] && partition.awaitedFrom == nil)
    }

    @Test func `steps of transactions and their ends keep their order with others, each waiting for the disk`() throws {
        let (first, second) = (CoordinatorProducer(id: 7, epoch: 2), CoordinatorProducer(id: 8, epoch: 0))
        setBusy(true)
        add("a", 1)
        add("a", 10, in: first)
        add("b", 10, in: second)
        add("a", 100)
        end(first)
        end(second, isCommit: false)
        add("a", 1000)
        partition.settle()
        #expect(answers.list == ["a=1", "a=1", "b=0", "a=101", "ended", "ended", "a=1111"])
        #expect(partition.machine?.sums == ["a": 1111])
        #expect(try reloaded().sums == ["a": 1111])
        #expect(try reloaded().offsets == partition.machine?.offsets)
        #expect(log.endOffset == 7)
    }

    @Test func `what the disk refuses late refuses everybody who waits, once`() throws {
        let work = try leave()
        add("b", 1)
        add("c", 1, in: CoordinatorProducer(id: 7, epoch: 0))
        end(CoordinatorProducer(id: 7, epoch: 0))
        log.state.withLock { $0.failure = .kafkaStorageError }
        partition.finishLateWork(work.run())
        #expect(answers.list == Array(repeating: "NOT_COORDINATOR", count: 4))
        #expect(partition.phase == .failed && partition.failures == 1 && !partition.isLate)
        #expect(log.batchCount == 0)
    }

    @Test func `a marker that is refused late, or a producer that is fenced, concerns nobody else`() throws {
        let producer = CoordinatorProducer(id: 7, epoch: 2)
        log.state.withLock { _ = $0.fenced.insert(producer) }
        setBusy(true)
        add("a", 1, in: producer)
        partition.settle()
        #expect(answers.list == ["INVALID_PRODUCER_EPOCH"])
        end(producer)
        let work = try #require(partition.takeLateWork())
        add("a", 2)
        log.state.withLock { $0.failure = .transactionCoordinatorFenced }
        partition.finishLateWork(work.run())
        log.state.withLock { $0.failure = nil }
        partition.settle()
        #expect(answers.list == ["INVALID_PRODUCER_EPOCH", "TRANSACTION_COORDINATOR_FENCED", "a=2"])
        #expect(partition.phase == .active)
    }

    @Test func `a partition that is given up meanwhile refuses once, and what comes then changes nothing`() throws {
        let work = try leave()
        add("b", 1)
        partition.fail(.notCoordinator)
        #expect(answers.list == ["NOT_COORDINATOR", "NOT_COORDINATOR"])
        // The log may get the record still: it is not to be loaded yet.
        #expect(partition.isLate)
        partition.finishLateWork(work.run())
        #expect(!partition.isLate && partition.phase == .failed && answers.list.count == 2)
        #expect(try reloaded().sums == ["a": 1])
    }

    @Test func `what nobody has begun is not waited for when the partition is given up`() {
        setBusy(true)
        add("a", 1)
        partition.flush()
        partition.fail(.notCoordinator)
        #expect(!partition.isLate && partition.takeLateWork() == nil && answers.list == ["NOT_COORDINATOR"])
    }

    @Test func `when the disk is lost, or known not to answer, nobody waits for it`() throws {
        for isLost in [true, false] {
            log.state.withLock { $0.isBusy = false }
            partition.loaded(partition.beginLoading(), SumMachine(), nextOffset: log.endOffset)
            let work = try leave()
            let before = answers.list.count
            log.state.withLock { ($0.isOffline, $0.isSilent) = (isLost, !isLost) }
            if isLost { partition.release() } else { add("b", 1) }
            #expect(answers.list.dropFirst(before).allSatisfy { $0 == "NOT_COORDINATOR" })
            #expect(answers.list.count == before + (isLost ? 1 : 2))
            #expect(partition.phase == .failed)
            log.state.withLock { $0.failure = .kafkaStorageError }
            partition.finishLateWork(work.run())
            log.state.withLock { ($0.isOffline, $0.isSilent, $0.failure) = (false, false, nil) }
        }
    }

    @Test func `nothing is due while requests may wait`() throws {
        partition.run(answers.reply) { machine, turn, reply in
            machine.nextTickMs = 0
            turn.send("due", to: reply)
        }
        let work = try leave()
        partition.tick()
        #expect(partition.machine?.nextTickMs == 0)
        partition.finishLateWork(work.run())
        partition.tick()
        #expect(partition.machine?.nextTickMs == nil)
    }

    @Test func `a step that nobody waits for is made later, or told to be owed`() throws {
        let owed = Heard<Int>()
        func perform(_ number: Int) {
            partition.perform { machine, turn in
                _ = machine.add("a", number, &turn)
            } refused: {
                owed.add(number)
            }
        }
        let work = try leave()
        perform(10)
        #expect(partition.machine?.sums == ["a": 1])
        partition.finishLateWork(work.run())
        #expect(partition.machine?.sums == ["a": 11] && owed.all.isEmpty)
        setBusy(false)
        partition.flush()
        _ = try leave("b", 1)
        perform(100)
        partition.fail(.notCoordinator)
        perform(1000)
        #expect(owed.all == [100, 1000])
    }

    @Test func `only so many requests wait, and the others are told to come back`() throws {
        let work = try leave()
        for _ in 0..<10_000 { add("a", 1) }
        #expect(answers.list.isEmpty)
        add("a", 1)
        #expect(answers.list == ["COORDINATOR_NOT_AVAILABLE"])
        // What nobody would ask for again is taken.
        partition.perform { machine, turn in
            _ = machine.add("b", 1, &turn)
        } refused: {
            Issue.record("it is lost")
        }
        partition.finishLateWork(work.run())
        setBusy(false)
        partition.flush()
        #expect(answers.list.count == 10_002 && answers.list.last == "a=10001")
        #expect(partition.machine?.sums["b"] == 1)
    }
}
