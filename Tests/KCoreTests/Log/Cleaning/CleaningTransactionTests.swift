import Testing

@testable import KCore

@Suite struct CleaningTransactionTests {
    @Test func `aborted records go, committed ones are compacted, open ones wait`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1", "b=1")
        try bench.put("a=aborted", options: bench.transactional(1))
        try bench.put("b=2", options: bench.transactional(2))
        try bench.end(1, isCommit: false)
        try bench.end(2, isCommit: true)
        try bench.roll()
        bench.clean()
        let keyed = try bench.contents().filter { $0.contains("=") && ($0.contains("a=") || $0.contains("b=")) }
        #expect(keyed == ["0:a=1", "3:b=2"])
        // Its last batch is there without records: readers still have to be told of the transaction.
        #expect(try bench.log.abortedTransactions(from: 0, upTo: 6).map(\.firstOffset) == [2])
    }

    @Test func `a marker goes when nothing of its transaction is left and its horizon has passed`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1", options: bench.transactional(1))
        try bench.end(1, isCommit: false)
        // The producer goes on, so that neither batch is its last.
        try bench.put("a=2", options: bench.transactional(1, sequence: 1))
        try bench.end(1, isCommit: true)
        try bench.put("x=1")
        try bench.roll()
        func controls() throws -> [Int64] { try bench.headers().filter(\.isControl).map(\.baseOffset) }
        func again() throws {
            try bench.put("x=1")
            try bench.roll()
            #expect(bench.clean() != nil)
        }
        bench.clean()
        #expect(try controls() == [1, 3])
        #expect(try bench.headers().first?.baseOffset == 1)
        try again()
        let marked = try #require(try bench.headers().first)
        #expect(marked.deleteHorizonMs == bench.nowMs + 1000)
        #expect(try controls() == [1, 3])
        bench.bench.clock.advance(ms: 1000)
        try again()
        // The commit's data is there, and so is its marker.
        #expect(try controls() == [3])
        #expect(try bench.contents().contains("2:a=2"))
    }

    @Test func `an index of before does not stay beside a cleaned segment that needs none`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1", options: bench.transactional(1))
        try bench.end(1, isCommit: false)
        try bench.put("a=2", options: bench.transactional(1, sequence: 1))
        try bench.end(1, isCommit: true)
        func again() throws {
            try bench.put("x=1")
            try bench.roll()
            bench.clean()
        }
        for _ in 0..<2 { try again() }
        bench.bench.clock.advance(ms: 1000)
        // The marker goes; the process dies before the index of before is out of the way.
        bench.bench.disk.inject(
            InjectedError(
                operation: .rename, part: "00000000000000000000.txnindex", code: 5, skip: 1, times: .max))
        try again()
        #expect(bench.log.isOffline)
        bench.bench.disk.restart()
        let fresh = LogBench(disk: bench.bench.disk, clock: bench.bench.clock)
        let log = try CleaningBench(fresh, recoveryPoint: bench.log.recoveryPoint).log
        #expect(try log.records().contains { $0.value?.utf8String == "2" })
        #expect(try log.abortedTransactions(from: 0, upTo: log.logEndOffset).isEmpty)
    }

    @Test func `the transaction index of a cleaned segment has what is still in it`() throws {
        let bench = try CleaningBench()
        for round in 0..<4 {
            try bench.put("a=\(round)", options: bench.transactional(1, sequence: Int32(round)))
            try bench.end(1, isCommit: false)
        }
        try bench.put("x=1")
        try bench.roll()
        #expect(try bench.log.abortedTransactions(from: 0, upTo: 9).count == 4)
        bench.clean()
        #expect(bench.log.mayHaveAborted(from: 7) && !bench.log.mayHaveAborted(from: 8))
        // The batches were there until now, and who has read them has to be told.
        #expect(try bench.log.abortedTransactions(from: 0, upTo: 9).count == 4)
        try bench.put("x=2")
        try bench.roll()
        bench.clean()
        // Of the last one a batch without records is kept.
        #expect(try bench.log.abortedTransactions(from: 0, upTo: 9).map(\.firstOffset) == [6])
        try bench.reopen(clean: true)
        #expect(try bench.log.abortedTransactions(from: 0, upTo: 9).map(\.firstOffset) == [6])
    }

    @Test func `who has read aborted records is told so although they were cleaned meanwhile`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1", options: bench.transactional(1))
        try bench.end(1, isCommit: false)
        try bench.put("x=1")
        try bench.roll()
        let read = try bench.log.read(from: 0, maxBytes: 1 << 20)
        bench.clean()
        #expect(try bench.log.abortedTransactions(in: read, from: 0, upTo: 3).map(\.firstOffset) == [0])
    }

    @Test func `a transaction whose marker is not flushed is cleaned only once it is`() throws {
        let bench = try CleaningBench { $0.segmentBytes = 200 }
        try bench.put("a=0")
        try bench.put("a=1", options: bench.transactional(1))
        try bench.roll()
        try bench.put("x=1")
        try bench.log.flush()
        try bench.end(1, isCommit: true)
        let end = bench.log.logEndOffset
        #expect(bench.clean() != nil)
        #expect(try bench.contents().first { $0.hasSuffix("a=0") } == nil)
        #expect(bench.log.recoveryPoint == end)
    }

    @Test func `a transaction that spans segments is aborted in all of them`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1")
        try bench.put("a=2", options: bench.transactional(1))
        try bench.roll()
        try bench.put("a=3", options: bench.transactional(1, sequence: 1))
        try bench.roll()
        try bench.put("b=1")
        try bench.end(1, isCommit: false)
        try bench.roll()
        bench.clean()
        #expect(try bench.contents().filter { $0.contains("a=") || $0.contains("b=") } == ["0:a=1", "3:b=1"])
    }
}
