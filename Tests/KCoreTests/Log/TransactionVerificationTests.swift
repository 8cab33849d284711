import Synchronization
import Testing

@testable import KCore

@Suite struct TransactionVerificationTests {
    let bench = LogBench()

    private func open() throws -> Log {
        var environment = bench.environment
        environment.verifiesTransactions = true
        try bench.disk.createDirectory(bench.path)
        return try LogLoader(
            topicPartition: bench.topicPartition, folder: PartitionFolder(path: bench.path, files: environment.files),
            environment: environment, config: LogConfig()
        ).load()
    }

    private func write(_ log: Log, epoch: Int16 = 0, sequence: Int32 = 0) throws {
        var options = BatchOptions()
        options.producerId = 7
        options.producerEpoch = epoch
        options.baseSequence = sequence
        options.isTransactional = true
        _ = try log.append(["v"], options: options)
    }

    private func abort(_ log: Log, epoch: Int16 = 0) throws {
        let marker = EndTransactionMarker(isCommit: false, coordinatorEpoch: 0)
        let batch = try marker.batch(producerId: 7, producerEpoch: epoch, timestampMs: 0)
        _ = try log.append(batch, leaderEpoch: 0, origin: .coordinator)
    }

    private func isRefused(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return false
        } catch {
            return (error as? LogError)?.code == .invalidTxnState
        }
    }

    @Test func `a transaction begins only after its coordinator was asked, and goes on without asking`() throws {
        let log = try open()
        #expect(isRefused { try write(log) })
        let number = try #require(log.beginVerification(of: 7, epoch: 0))
        #expect(isRefused { try write(log) })
        log.confirmTransaction(of: 7, number)
        try write(log)
        #expect(log.beginVerification(of: 7, epoch: 0) == nil)
        try write(log, sequence: 1)
        #expect(log.logEndOffset == 2)
    }

    @Test func `a batch that comes behind the marker opens nothing, whenever its coordinator was asked`() throws {
        let log = try open()
        let number = try #require(log.beginVerification(of: 7, epoch: 0))
        try abort(log)
        log.confirmTransaction(of: 7, number)
        #expect(isRefused { try write(log) })
        let again = try #require(log.beginVerification(of: 7, epoch: 0))
        log.confirmTransaction(of: 7, again)
        try abort(log)
        #expect(isRefused { try write(log) })
        #expect(log.lastStableOffset(highWatermark: 2) == 2)
    }

    @Test func `a coordinator is told whether a transaction may write here before it does`() throws {
        let log = try open()
        #expect(log.check(producerId: 7, epoch: 0) == .invalidTxnState)
        let number = try #require(log.beginVerification(of: 7, epoch: 0))
        #expect(log.check(producerId: 7, epoch: 0) == .invalidTxnState)
        log.confirmTransaction(of: 7, number)
        #expect(log.check(producerId: 7, epoch: 0) == .none)
        #expect(log.check(producerId: 7, epoch: 1) == .invalidTxnState)
        try write(log)
        #expect(log.check(producerId: 7, epoch: 0) == .none)
        try abort(log, epoch: 1)
        #expect(log.check(producerId: 7, epoch: 0) == .invalidProducerEpoch)
        #expect(log.check(producerId: 7, epoch: 1) == .invalidTxnState)
    }

    @Test func `what was confirmed for one epoch says nothing of another`() throws {
        let log = try open()
        let number = try #require(log.beginVerification(of: 7, epoch: 3))
        log.confirmTransaction(of: 7, number)
        #expect(isRefused { try write(log, epoch: 2) })
        try write(log, epoch: 3)
    }

    @Test func `batches outside of transactions and those of coordinators need no word`() throws {
        let log = try open()
        _ = try log.append(Batches.idempotent(["v"], sequence: 0), leaderEpoch: 0)
        try log.append(["plain"])
        #expect(log.logEndOffset == 2)
    }

    @Test func `a forged epoch has no part in the transaction that is open`() throws {
        let log = try open()
        let number = try #require(log.beginVerification(of: 7, epoch: 0))
        log.confirmTransaction(of: 7, number)
        try write(log)
        #expect(log.beginVerification(of: 7, epoch: 3) != nil, "the coordinator is asked, who knows better")
        #expect(isRefused { try write(log, epoch: 3) })
        #expect(log.check(producerId: 7, epoch: 3) == .invalidTxnState)
        try write(log, sequence: 1)
        try abort(log)
        #expect(log.lastStableOffset(highWatermark: 3) == 3)
    }

    @Test func `a zombie that goes on does not put its successor's confirmation out`() throws {
        let log = try open()
        let number = try #require(log.beginVerification(of: 7, epoch: 1))
        let late = try #require(log.beginVerification(of: 7, epoch: 0))
        log.confirmTransaction(of: 7, number)
        log.confirmTransaction(of: 7, late)
        #expect(isRefused { try write(log) })
        try write(log, epoch: 1)
    }

    @Test func `the marker of one transaction does not put out what was confirmed for the next, which has its epoch`()
        throws
    {
        let log = try open()
        let first = try #require(log.beginVerification(of: 7, epoch: 0, hasOwnEpoch: true))
        log.confirmTransaction(of: 7, first)
        try write(log)
        // Its producer does not wait for the marker before it goes on.
        let second = try #require(log.beginVerification(of: 7, epoch: 1, hasOwnEpoch: true))
        try write(log, sequence: 1)
        try abort(log, epoch: 1)
        log.confirmTransaction(of: 7, second)
        try write(log, epoch: 1)
        #expect(log.lastStableOffset(highWatermark: 4) == 3)
    }

    @Test func `an epoch that the coordinator does not know does not keep the producer's own out`() throws {
        let log = try open()
        let forged = try #require(log.beginVerification(of: 7, epoch: 1000))
        #expect(try #require(log.beginVerification(of: 7, epoch: 0)) == TransactionVerifications.never)
        log.refuseTransaction(of: 7, forged)
        let number = try #require(log.beginVerification(of: 7, epoch: 0))
        // What is refused late is another epoch's.
        log.refuseTransaction(of: 7, forged)
        log.confirmTransaction(of: 7, number)
        try write(log)
    }

    @Test func `the first batch that was asked for begins the transaction of a producer that is not known`() throws {
        let log = try open()
        _ = try #require(log.beginVerification(of: 7, epoch: 0, sequence: 3))
        let number = try #require(log.beginVerification(of: 7, epoch: 0, sequence: 4))
        log.confirmTransaction(of: 7, number)
        func code(of sequence: Int32) throws -> ErrorCode {
            do {
                try write(log, sequence: sequence)
                return .none
            } catch let error as LogError {
                return error.code
            }
        }
        #expect(try code(of: 4) == .outOfOrderSequenceNumber)
        #expect(try code(of: 3) == .none)
        #expect(try code(of: 4) == .none)
        #expect(log.logEndOffset == 2)
    }

    /// Runs `body` on another thread while somebody has the log who does not let go of it.
    private func whileBusy(_ log: Log, _ body: @escaping @Sendable () -> Void) throws {
        let isDone = Monitor(false)
        let pool = WorkerPool(name: "loop", threads: 1)
        defer { pool.stop() }
        try log.writer.withLock { _ in
            pool.submit {
                body()
                isDone.update { $0 = true }
            }
            try eventually("the other thread has not waited") { isDone.withLock { $0 } }
        }
    }

    @Test func `nobody who asks, or is answered, waits for who has the log`() throws {
        let log = try open()
        let number = try #require(log.beginVerification(of: 7, epoch: 0))
        let refused = try #require(log.beginVerification(of: 9, epoch: 1000))
        let begun = Heard<Int?>()
        try whileBusy(log) {
            log.confirmTransaction(of: 7, number)
            log.refuseTransaction(of: 9, refused)
            begun.add(log.beginVerification(of: 9, epoch: 0))
            #expect(log.hasOpenTransaction(of: 7) == nil)
        }
        #expect(begun.all.first != TransactionVerifications.never)
        try write(log)
        #expect(log.hasOpenTransaction(of: 7) == true)
    }

    @Test func `who asks once more than has to be changes nothing`() throws {
        let log = try open()
        log.confirmTransaction(of: 7, try #require(log.beginVerification(of: 7, epoch: 0)))
        try write(log)
        let begun = Heard<Int?>()
        try whileBusy(log) { begun.add(log.beginVerification(of: 7, epoch: 0)) }
        let first = try #require(begun.all.first)
        // Whether it has begun could not be told.
        let number = try #require(first)
        log.confirmTransaction(of: 7, number)
        try write(log, sequence: 1)
        try abort(log)
        #expect(isRefused { try write(log, sequence: 2) })
        #expect(log.lastStableOffset(highWatermark: 3) == 3)
    }
}
