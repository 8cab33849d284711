import Synchronization
import Testing

@testable import KCore

@Suite struct LogTransactionTests {
    let bench = LogBench()

    private func write(
        _ log: Log, _ producerId: Int64, _ values: [String], epoch: Int16 = 0, sequence: Int32 = 0
    ) throws {
        var options = BatchOptions()
        options.producerId = producerId
        options.producerEpoch = epoch
        options.baseSequence = sequence
        options.isTransactional = true
        _ = try log.append(values, options: options)
    }

    private func end(
        _ log: Log, _ producerId: Int64, isCommit: Bool, epoch: Int16 = 0, coordinatorEpoch: Int32 = 0
    ) throws {
        let marker = EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: coordinatorEpoch)
        let batch = try marker.batch(producerId: producerId, producerEpoch: epoch, timestampMs: bench.clock.wallMs)
        _ = try log.append(batch, leaderEpoch: 0, origin: .coordinator)
    }

    private func code(_ body: () throws -> Void) -> ErrorCode? {
        do {
            try body()
            return nil
        } catch {
            return (error as? LogError)?.code ?? .unknownServerError
        }
    }

    private func stable(_ log: Log) -> Int64 { log.lastStableOffset(highWatermark: log.logEndOffset) }

    @Test func `an open transaction holds the last stable offset back until its marker`() throws {
        let log = try bench.open()
        try log.append(["a", "b"])
        try write(log, 1, ["c", "d"])
        try log.append(["e"])
        #expect(stable(log) == 2)
        try end(log, 1, isCommit: true)
        #expect(stable(log) == 6)
        #expect(try log.abortedTransactions(from: 0, upTo: 6).isEmpty)
    }

    @Test func `a transaction whose marker is not below the high watermark is not stable yet`() throws {
        let log = try bench.open()
        try write(log, 1, ["a"])
        try end(log, 1, isCommit: true)
        log.highWatermark = 1
        #expect(log.lastStableOffset(highWatermark: 1) == 0)
        log.highWatermark = 2
        #expect(log.lastStableOffset(highWatermark: 2) == 2)
    }

    @Test func `a transaction whose marker is replicated is decided and forgotten, though readers see only a part`()
        throws
    {
        let log = try bench.open()
        for round in 0..<20 {
            try write(log, 1, ["a"], sequence: Int32(round))
            try end(log, 1, isCommit: false)
            log.highWatermark = log.logEndOffset
            #expect(log.lastStableOffset(highWatermark: 1) == 1)
            #expect(log.published.withLock { $0.unstable.isEmpty })
        }
        #expect(try log.abortedTransactions(from: 0, upTo: 1).map(\.producerId) == [1])
    }

    @Test func `the first of several open transactions decides`() throws {
        let log = try bench.open()
        try write(log, 1, ["a"])
        try write(log, 2, ["b"])
        try write(log, 1, ["c"], sequence: 1)
        #expect(stable(log) == 0)
        try end(log, 1, isCommit: false)
        #expect(stable(log) == 1)
        try end(log, 2, isCommit: true)
        #expect(stable(log) == log.logEndOffset)
        #expect(
            try log.abortedTransactions(from: 0, upTo: 5)
                == [AbortedTransaction(producerId: 1, firstOffset: 0, lastOffset: 3, lastStableOffset: 1)])
    }

    @Test func `the index file is Kafka's, and is not there before something was aborted`() throws {
        let log = try bench.open()
        try write(log, 0x0102, ["a"])
        try end(log, 0x0102, isCommit: true)
        let path = bench.path + "/00000000000000000000.txnindex"
        #expect(try bench.disk.fileSize(path) == nil)
        try write(log, 0x0102, ["b", "c"], sequence: 1)
        try end(log, 0x0102, isCommit: false)
        try log.close()
        let bytes = try #require(try bench.disk.readFile(path))
        #expect(
            bytes.array == [0, 0] + [0, 0, 0, 0, 0, 0, 1, 2] + [0, 0, 0, 0, 0, 0, 0, 2] + [0, 0, 0, 0, 0, 0, 0, 4]
                + [0, 0, 0, 0, 0, 0, 0, 5])
    }

    @Test func `a marker for a producer that wrote nothing ends nothing and keeps its epochs`() throws {
        let log = try bench.open()
        try end(log, 9, isCommit: false, epoch: 4, coordinatorEpoch: 3)
        #expect(try log.abortedTransactions(from: 0, upTo: 1).isEmpty)
        #expect(code { try write(log, 9, ["a"], epoch: 3) } == .invalidProducerEpoch)
        #expect(
            code { try end(log, 9, isCommit: true, epoch: 4, coordinatorEpoch: 2) } == .transactionCoordinatorFenced)
        #expect(code { try end(log, 9, isCommit: true, epoch: 3, coordinatorEpoch: 3) } == .invalidProducerEpoch)
        #expect(code { try write(log, 9, ["a"], epoch: 4, sequence: 3) } == .outOfOrderSequenceNumber)
        #expect(code { try write(log, 9, ["a"], epoch: 4) } == nil)
    }

    @Test func `a batch outside of the transaction is refused while it is open`() throws {
        let log = try bench.open()
        try write(log, 7, ["a"])
        #expect(
            code { _ = try log.append(Batches.idempotent(["b"], sequence: 1), leaderEpoch: 0) } == .invalidTxnState)
        #expect(
            code { _ = try log.append(Batches.idempotent(["b"], epoch: 1, sequence: 0), leaderEpoch: 0) }
                == .invalidTxnState)
        try end(log, 7, isCommit: true)
        #expect(code { _ = try log.append(Batches.idempotent(["b"], sequence: 1), leaderEpoch: 0) } == nil)
    }

    @Test func `an epoch that is gone through a marker begins again at sequence 0`() throws {
        let log = try bench.open()
        try write(log, 1, ["a"])
        try end(log, 1, isCommit: false, epoch: 1)
        #expect(code { try write(log, 1, ["late"], sequence: 1) } == .invalidProducerEpoch)
        #expect(code { try write(log, 1, ["b"], epoch: 1, sequence: 1) } == .outOfOrderSequenceNumber)
        try write(log, 1, ["b"], epoch: 1)
        #expect(stable(log) == 2)
    }

    @Test func `clients may not write markers, and a coordinator none that cannot be read`() throws {
        let log = try bench.open()
        let marker = EndTransactionMarker(isCommit: true, coordinatorEpoch: 0)
        let batch = try marker.batch(producerId: 1, producerEpoch: 0, timestampMs: 0)
        #expect(code { _ = try log.append(batch, leaderEpoch: 0) } == .invalidRecord)
        var options = BatchOptions()
        options.producerId = 1
        options.producerEpoch = 0
        options.isTransactional = true
        options.isControl = true
        let builder = RecordBatchBuilder(options)
        try builder.append(timestamp: 0, key: Bytes([0]), value: Bytes([0]))
        let nonsense = try builder.close()
        #expect(code { _ = try log.append(nonsense, leaderEpoch: 0, origin: .coordinator) } == .invalidRecord)
        #expect(log.logEndOffset == 0)
    }

    @Test(arguments: [true, false]) func `transactions are known again after a stop`(clean: Bool) throws {
        var config = LogConfig()
        config.segmentBytes = 200
        let log = try bench.open(config)
        try write(log, 1, ["a"])
        try write(log, 2, ["b"])
        try end(log, 1, isCommit: false)
        try write(log, 1, ["c"], sequence: 1)
        try write(log, 3, ["d"])
        try end(log, 3, isCommit: false)
        try end(log, 1, isCommit: false)
        try log.append(["e"])
        #expect(log.segmentCount > 2)
        let before = try log.abortedTransactions(from: 0, upTo: .max)
        #expect(before.map(\.producerId) == [1, 3, 1])
        #expect(stable(log) == 1)
        let producers = log.writer.withLock { $0.producers }
        if clean { try log.close() } else { try log.flush() }
        let again = try LogBench(disk: bench.disk).open(config, clean: clean)
        #expect(try again.abortedTransactions(from: 0, upTo: .max) == before)
        #expect(stable(again) == 1)
        for (id, state) in again.writer.withLock({ $0.producers.states }) {
            #expect(state.transactionFirstOffset == producers.states[id]?.transactionFirstOffset)
            #expect(state.coordinatorEpoch == producers.states[id]?.coordinatorEpoch)
            #expect(state.lastSequence == producers.states[id]?.lastSequence)
        }
    }

    @Test func `recovery from a recovery point makes the indexes behind it anew and keeps the others`() throws {
        var config = LogConfig()
        config.segmentBytes = 300
        let log = try bench.open(config)
        for round in 0..<6 {
            try write(log, 1, ["a"], sequence: Int32(round))
            try end(log, 1, isCommit: round % 2 == 0)
        }
        try log.flush()
        let before = try log.abortedTransactions(from: 0, upTo: .max)
        #expect(before.count == 3)
        // What the last segment's index says was never promised.
        let last = log.published.withLock { $0.segments.last?.baseOffset ?? 0 }
        let path = bench.path + "/" + SegmentFileKind.transactionIndex.fileName(baseOffset: last)
        let file = try bench.disk.open(path, .create)
        try file.truncate(to: 0)
        try file.write(Bytes([UInt8](repeating: 0xEE, count: 90)), at: 0)
        let again = try LogBench(disk: bench.disk).open(config, recoveryPoint: 12)
        #expect(try again.abortedTransactions(from: 0, upTo: .max) == before)
    }

    @Test func `what is cut off takes its transactions with it`() throws {
        let log = try bench.open()
        try write(log, 1, ["a"])
        try end(log, 1, isCommit: false)
        try write(log, 1, ["b"], sequence: 1)
        try end(log, 1, isCommit: false)
        try log.truncate(to: 3)
        #expect(stable(log) == 2)
        #expect(try log.abortedTransactions(from: 0, upTo: .max).map(\.lastOffset) == [1])
        try log.truncate(to: 1)
        #expect(stable(log) == 0)
        #expect(try log.abortedTransactions(from: 0, upTo: .max).isEmpty)
        try log.truncateFullyAndStart(at: 10)
        #expect(stable(log) == 10)
    }

    @Test func `a range is told of the transactions that reach into it`() throws {
        var config = LogConfig()
        config.segmentBytes = 300
        let log = try bench.open(config)
        var ends: [Int64] = []
        for round in 0..<20 {
            try write(log, 1, ["a"], sequence: Int32(round))
            try end(log, 1, isCommit: false)
            ends.append(log.logEndOffset - 1)
        }
        for start in 0..<Int64(40) {
            for limit in (start + 1)...40 {
                let found = try log.abortedTransactions(from: start, upTo: limit).map(\.lastOffset)
                #expect(found == ends.filter { $0 >= start && $0 - 1 < limit })
            }
        }
        let read = try log.read(from: 4, maxBytes: 1)
        // The segment's index has no entry behind what was read, so that the whole segment is told of, and no other.
        let told = try log.abortedTransactions(in: read, from: 4, upTo: 40).map(\.lastOffset)
        #expect(told.first == 5 && told.count < 4)
    }

    @Test func `a damaged index is named and made anew`() throws {
        let log = try bench.open()
        try write(log, 1, ["a"])
        try end(log, 1, isCommit: false)
        try write(log, 2, ["b"])
        try end(log, 2, isCommit: false)
        try log.close()
        let path = bench.path + "/00000000000000000000.txnindex"
        for position in 0..<Int64(68) {
            let disk = bench.disk
            let original = try #require(try disk.readFile(path))
            var damaged = original.array
            damaged[Int(position)] ^= 0x80
            try disk.open(path, .update).write(Bytes(damaged), at: 0)
            let again = try LogBench(disk: disk).open(clean: true)
            // What an index says that is not one counts for nothing.
            if position % 34 == 0 { #expect(again.mayHaveAborted(from: 4)) }
            let found = try again.abortedTransactions(from: 0, upTo: .max)
            // A producer id that is too large cannot be told from a right one.
            let field = position % 34
            if !(2..<10).contains(field) || field == 2 { #expect(found.count == 2, "byte \(position)") }
            try disk.open(path, .update).write(original, at: 0)
        }
    }

    @Test(arguments: [Int64.max, .min, -1, 0], [0, 34])
    func `no number in an index is reckoned with before it is known to be one`(number: Int64, entry: Int) throws {
        let log = try bench.open()
        for id: Int64 in [1, 2] {
            try write(log, id, ["a"])
            try end(log, id, isCommit: false)
        }
        try log.close()
        let path = bench.path + "/00000000000000000000.txnindex"
        let original = try #require(bench.disk.contents(path))
        for field in [2, 10, 18, 26] {
            var damaged = original
            let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
            damaged.replaceSubrange(entry + field..<entry + field + 8, with: bytes)
            bench.disk.plant(path, damaged)
            let again = try LogBench(disk: bench.disk).open(clean: true)
            #expect(try again.abortedTransactions(from: 0, upTo: .max).count == 2, "field \(field)")
        }
    }

    @Test func `appends go on while a damaged index is made anew, and are in it`() throws {
        let log = try bench.open()
        try write(log, 1, ["a"])
        try end(log, 1, isCommit: false)
        try log.close()
        let path = bench.path + "/00000000000000000000.txnindex"
        bench.disk.flip(path, bit: 7, at: 0)
        let again = try LogBench(disk: bench.disk).open(clean: true)
        try write(again, 2, ["b"])
        let isFirst = Atomic(true)
        bench.disk.readHook.withLock { hook in
            hook = { [self] path in
                guard path.hasSuffix(".log"), isFirst.exchange(false, ordering: .relaxed) else { return }
                // Whoever appends now must not wait for what is being read.
                guard again.writer.withLockIfAvailable({ _ in true }) == true else {
                    Issue.record("the log is read under the writer's lock")
                    return
                }
                #expect(throws: Never.self) { try end(again, 2, isCommit: false) }
            }
        }
        let found = try again.abortedTransactions(from: 0, upTo: .max)
        bench.disk.readHook.withLock { $0 = nil }
        #expect(isFirst.load(ordering: .relaxed) == false)
        #expect(found.map(\.producerId) == [1, 2])
        #expect(again.mayHaveAborted(from: 3) && !again.mayHaveAborted(from: 4))
    }

    @Test(arguments: [true, false]) func `who reads behind all that was aborted needs no index`(clean: Bool) throws {
        var log = try bench.open()
        try write(log, 1, ["a"])
        try end(log, 1, isCommit: false)
        try log.append(["b", "c"])
        func needsIndex() -> [Bool] { (0..<log.logEndOffset).map { log.mayHaveAborted(from: $0) } }
        #expect(needsIndex() == [true, true, false, false])
        if clean { try log.close() } else { try log.flush() }
        log = try LogBench(disk: bench.disk).open(clean: clean)
        #expect(needsIndex() == [true, true, false, false])
        try write(log, 1, ["d"], sequence: 1)
        try end(log, 1, isCommit: false)
        #expect(needsIndex() == [true, true, true, true, true, true])
        #expect(!log.mayHaveAborted(from: 6))
    }

    @Test func `only indexes that have something for a reader are looked into`() throws {
        let log = try bench.open()
        try write(log, 1, ["a"])
        try end(log, 1, isCommit: false)
        try log.append(["b"])
        for number in 0..<3 {
            _ = try log.writer.withLock { (writer) throws(LogError) in
                try log.roll(at: writer.endOffset, log.config, &writer)
            }
            try log.append(["c\(number)"])
        }
        try write(log, 2, ["d"])
        try end(log, 2, isCommit: false)
        try log.close()
        let again = try LogBench(disk: bench.disk).open(clean: true)
        #expect(again.segmentCount == 4)
        let read = Heard<String>()
        // Which have something is known when they have been looked at once.
        #expect(try again.abortedTransactions(from: 2, upTo: .max).map(\.producerId) == [2])
        bench.disk.readHook.withLock { $0 = { if $0.hasSuffix(".txnindex") { read.add(lastComponent($0)) } } }
        #expect(try again.abortedTransactions(from: 2, upTo: .max).map(\.producerId) == [2])
        #expect(Set(read.all) == ["00000000000000000005.txnindex"])
        #expect(try again.abortedTransactions(from: 1, upTo: .max).map(\.producerId) == [1, 2])
        bench.disk.readHook.withLock { $0 = nil }
    }

    @Test func `a producer with an open transaction is never forgotten`() throws {
        let log = try bench.open()
        try write(log, 1, ["a"])
        try write(log, 2, ["b"])
        try end(log, 2, isCommit: true)
        log.expireProducers(nowMs: bench.clock.wallMs + bench.environment.producerIdExpirationMs + 1)
        #expect(log.writer.withLock { $0.producers.states.map(\.key).sorted() } == [1])
    }

    @Test func `deleted segments take their transactions along, and the start bounds the stable offset`() throws {
        let log = try bench.open()
        try write(log, 1, ["a", "b", "c"])
        log.highWatermark = 3
        try log.advanceStartOffset(to: 2)
        #expect(stable(log) == 2)
    }
}
