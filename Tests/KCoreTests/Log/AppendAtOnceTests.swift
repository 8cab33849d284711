import Synchronization
import Testing

@testable import KCore

/// Appends by a thread that must not wait for a disk.
@Suite struct AppendAtOnceTests {
    private let bench = LogBench()

    /// What `body` asks of the disk.
    private func questions(_ body: () throws -> Void) rethrows -> [String] {
        let heard = Heard<String>()
        bench.disk.interruption.withLock {
            $0 = SimulatedDisk.Interruption { operation, _ in heard.add("\(operation)") }
        }
        bench.disk.readHook.withLock { hook in hook = { _ in heard.add("read") } }
        defer {
            bench.disk.interruption.withLock { $0 = nil }
            bench.disk.readHook.withLock { $0 = nil }
        }
        try body()
        return heard.all
    }

    private func attempt(_ log: Log, _ value: String, epoch: Int32 = 5) throws -> AppendAttempt {
        try log.appendAtOnce(Batches.make([value]), leaderEpoch: epoch)
    }

    private func isDoneAtOnce(_ log: Log, _ value: String) throws -> Bool { isDone(try attempt(log, value)) }

    private func isDone(_ attempt: AppendAttempt) -> Bool {
        if case .done = attempt { return true }
        return false
    }

    /// Sees to it that an append would wait, and has done nothing; then has it done.
    private func appendLate(_ log: Log, _ value: String) throws {
        let (end, segments, files) = (log.logEndOffset, log.segmentCount, bench.environment.files.count)
        var late: PreparedAppend?
        let asked = try questions {
            if case .wouldWait(let records) = try attempt(log, value, epoch: 4) { late = records }
        }
        #expect(asked.isEmpty, "\(asked)")
        #expect(log.logEndOffset == end && log.segmentCount == segments)
        #expect(bench.environment.files.count == files)
        // Of another leader by now.
        let result = try log.append(try #require(late), leaderEpoch: 5)
        #expect(result.baseOffset == end && result.lastOffset == end)
        #expect(try log.values(from: end) == [value])
        #expect(log.leaderEpoch(at: end) == 5)
    }

    @Test func `what fits into files that are open is written and nothing else`() throws {
        let log = try bench.open()
        try log.append(["a"])
        for index in 0..<200 {
            let asked = try questions {
                guard case .done(let result) = try attempt(log, "b\(index)") else {
                    Issue.record("append \(index) would wait")
                    return
                }
                #expect(result.baseOffset == Int64(index + 1))
            }
            #expect(asked.allSatisfy { $0 == "write" } && !asked.isEmpty, "\(asked)")
        }
        #expect(log.logEndOffset == 201)
    }

    @Test func `a segment that is full is left to another thread`() throws {
        var config = LogConfig()
        config.segmentBytes = 500
        let log = try bench.open(config)
        try log.append(["first"])
        var count = 0
        while try isDoneAtOnce(log, "x") {
            count += 1
            guard count < 100 else { break }
        }
        #expect(count > 1 && log.segmentCount == 1)
        try appendLate(log, "next")
        #expect(log.segmentCount == 2)
        #expect(try isDoneAtOnce(log, "after"))
        #expect(log.logEndOffset == Int64(count) + 3)
    }

    @Test func `a segment that is too old is left to another thread`() throws {
        var config = LogConfig()
        config.segmentMs = 1000
        let log = try bench.open(config)
        try log.append(["first"], timestamp: 1_700_000_000_000)
        for (age, isTooOld) in [(Int64(1001), true), (1000, false)] {
            let batch = try Batches.make(["x"], timestamp: 1_700_000_000_000 + age)
            let attempt = try log.appendAtOnce(batch, leaderEpoch: 0)
            #expect(isDone(attempt) != isTooOld)
        }
    }

    @Test func `files that are not open are opened by another thread`() throws {
        let log = try bench.open()
        try log.append(["a"])
        log.closeFiles()
        try appendLate(log, "b")
        #expect(try isDoneAtOnce(log, "c"))
    }

    @Test(arguments: [true, false]) func `the first append after a start is left to another thread`(clean: Bool) throws
    {
        var log = try bench.open()
        for value in ["a", "b"] { try log.append([value]) }
        if clean { try log.close() } else { try log.flush() }
        bench.disk.restart()
        log = try bench.open(recoveryPoint: clean ? 0 : 2, clean: clean)
        log.closeFiles()
        try appendLate(log, "c")
        #expect(try isDoneAtOnce(log, "d"))
        #expect(try log.values() == ["a", "b", "c", "d"])
    }

    @Test func `who is appending is not waited for when it takes long`() throws {
        let log = try bench.open()
        try log.append(["a"])
        let batch = try Batches.make(["b"])
        let attempts = Heard<AppendAttempt?>()
        let pool = WorkerPool(name: "loop", threads: 1)
        defer { pool.stop() }
        try log.writer.withLock { _ in
            pool.submit { attempts.add(try? log.appendAtOnce(batch, leaderEpoch: 0)) }
            try eventually("the other thread has not waited") { !attempts.all.isEmpty }
        }
        guard case .wouldWait(let late)? = attempts.all[0] else {
            Issue.record("\(attempts.all)")
            return
        }
        #expect(log.logEndOffset == 1)
        #expect(try log.append(late, leaderEpoch: 0).baseOffset == 1)
    }

    private func end(_ log: Log, _ producerId: Int64, isCommit: Bool) throws -> AppendAttempt {
        var options = BatchOptions()
        (options.producerId, options.producerEpoch, options.baseSequence) = (producerId, 0, 0)
        options.isTransactional = true
        try log.append(["of a transaction"], options: options)
        let marker = EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: 1)
        let batch = try marker.batch(producerId: producerId, producerEpoch: 0, timestampMs: 1_700_000_000_000)
        return try log.appendAtOnce(batch, leaderEpoch: 0, origin: .coordinator)
    }

    @Test func `the end of a transaction is written at once unless nobody knows the index of aborted ones`() throws {
        var log = try bench.open()
        #expect(isDone(try end(log, 1, isCommit: true)))
        try log.close()
        bench.disk.restart()
        log = try bench.open(clean: true)
        #expect(isDone(try end(log, 2, isCommit: true)))
        guard case .wouldWait(let late) = try end(log, 3, isCommit: false) else {
            Issue.record("whether there are aborted transactions is not known")
            return
        }
        _ = try log.append(late, leaderEpoch: 0, origin: .coordinator)
        #expect(isDone(try end(log, 4, isCommit: false)))
        let aborted = try log.abortedTransactions(from: 0, upTo: log.logEndOffset)
        #expect(aborted.map(\.producerId) == [3, 4])
    }

    @Test func `who asks for a producer does not wait for who appends when it takes long`() throws {
        let log = try bench.open()
        #expect(log.checkAtOnce(producerId: 7, epoch: 0) == ErrorCode.none)
        let answers = Heard<ErrorCode?>()
        let pool = WorkerPool(name: "loop", threads: 1)
        defer { pool.stop() }
        try log.writer.withLock { _ in
            pool.submit { answers.add(log.checkAtOnce(producerId: 7, epoch: 0)) }
            try eventually("the other thread has not waited") { !answers.all.isEmpty }
        }
        #expect(answers.all == [nil])
    }

    @Test func `a log that is closed refuses at once`() throws {
        let log = try bench.open()
        try log.append(["a"])
        try log.close()
        #expect(throws: LogError.self) { try attempt(log, "b") }
    }

    @Test func `errors and duplicates are answered at once`() throws {
        let log = try bench.open()
        _ = try log.append(try Batches.idempotent(["a"], sequence: 0), leaderEpoch: 0)
        log.closeFiles()
        let again = try log.appendAtOnce(Batches.idempotent(["a"], sequence: 0), leaderEpoch: 0)
        guard case .done(let result) = again else {
            Issue.record("a duplicate needs no disk")
            return
        }
        #expect(result.isDuplicate && result.baseOffset == 0)
        #expect(throws: LogError.self) {
            try log.appendAtOnce(Batches.idempotent(["c"], sequence: 7), leaderEpoch: 0)
        }
    }

    @Test func `records that are appended late move the high watermark`() throws {
        let log = try bench.open()
        let partition = Partition(
            topicPartition: bench.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0, inSyncReplicas: 1)
        try log.append(["a"])
        log.closeFiles()
        guard case .wouldWait(let late) = try partition.appendAtOnce(Batches.make(["b"]), requiredAcks: -1) else {
            Issue.record("the file is not open")
            return
        }
        #expect(partition.highWatermark == 0)
        #expect(try partition.append(late, requiredAcks: -1).baseOffset == 1)
        #expect(partition.highWatermark == 2)
        guard case .done = try partition.appendAtOnce(Batches.make(["c"]), requiredAcks: -1) else {
            Issue.record("the file is open")
            return
        }
        #expect(partition.highWatermark == 3)
        partition.close()
        #expect(throws: LogError.self) { try partition.append(late, requiredAcks: -1) }
    }
}
