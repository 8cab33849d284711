import Testing

@testable import KCore

@Suite struct LogTests {
    let bench = LogBench()

    @Test func `what is appended is read back with dense offsets`() throws {
        let log = try bench.open()
        #expect(try log.append(["a", "b"]).baseOffset == 0)
        #expect(try log.append(["c"]).baseOffset == 2)
        #expect(log.logEndOffset == 3)
        #expect(try log.values() == ["a", "b", "c"])
        #expect(try log.records(from: 1).map(\.offset) == [1, 2])
    }

    @Test func `the leader's epoch is stamped and the checksum stays valid`() throws {
        let log = try bench.open()
        try log.append(["a"], epoch: 5)
        let batch = try #require(try log.read(from: 0, maxBytes: 1000).batches().first)
        let header = try RecordBatchReader(batch).header
        #expect(header.partitionLeaderEpoch == 5)
        #expect(log.latestEpoch == 5)
    }

    @Test func `an offset outside of the log is out of range, the end is empty`() throws {
        let log = try bench.open()
        try log.append(["a"])
        #expect(throws: LogError.self) { try log.read(from: 2, maxBytes: 100) }
        #expect(throws: LogError.self) { try log.read(from: -1, maxBytes: 100) }
        #expect(try log.read(from: 1, maxBytes: 100).records.count == 0)
    }

    @Test func `a full segment is rolled and reads go on in the next`() throws {
        var config = LogConfig()
        config.segmentBytes = 300
        let log = try bench.open(config)
        for index in 0..<40 { try log.append(["value \(index)"]) }
        #expect(log.segmentCount > 5)
        #expect(try log.values(maxBytes: 1) == (0..<40).map { "value \($0)" })
        #expect(try log.values(from: 17) == (17..<40).map { "value \($0)" })
    }

    @Test func `a log that was stopped cleanly opens as it was`() throws {
        var config = LogConfig()
        config.segmentBytes = 300
        let log = try bench.open(config)
        for index in 0..<20 { try log.append(["value \(index)"], epoch: Int32(index / 7)) }
        try log.close()
        let again = try LogBench(disk: bench.disk).open(config, clean: true)
        #expect(again.logEndOffset == 20)
        #expect(again.latestEpoch == 2)
        #expect(again.endOffset(forLeaderEpoch: 1)?.endOffset == 14)
        #expect(try again.values() == (0..<20).map { "value \($0)" })
    }

    @Test func `an append whose index cannot be opened has happened, once`() throws {
        var config = LogConfig()
        config.indexIntervalBytes = 0
        let bench = LogBench(maxOpenFiles: 8)
        let log = try bench.open(config)
        // More index entries than are kept in memory, so that the file is needed again and again.
        for index in 0..<400 {
            // Somebody else needs the descriptors.
            log.closeFiles()
            bench.disk.failOpens(of: index.isMultiple(of: 3) ? "index" : nil)
            do { try log.append(["value \(index)"]) } catch {}
        }
        bench.disk.failOpens(of: nil)
        let values = try log.values()
        #expect(values == values.reduce(into: []) { if $0.last != $1 { $0.append($1) } })
        #expect(values.count == Int(log.logEndOffset))
        #expect(!log.isOffline)
        // What recovery reads is all that was appended.
        bench.disk.restart()
        let again = try LogBench(disk: bench.disk).open(config)
        #expect(try again.values() == values)
    }

    @Test func `a log that nothing happened to is closed without touching the disk`() throws {
        var config = LogConfig()
        config.segmentBytes = 200
        let bench = LogBench()
        let log = try bench.open(config)
        for index in 0..<10 { try log.append(["value \(index)"]) }
        try log.close()
        var operations = bench.disk.operations
        let again = try bench.open(config, clean: true)
        try again.close()
        #expect(bench.disk.operations == operations)

        let changed = try bench.open(config, clean: true)
        try changed.append(["another"])
        operations = bench.disk.operations
        try changed.close()
        #expect(bench.disk.operations > operations)
        let last = try bench.open(config, clean: true)
        #expect(try last.values().count == 11)
        #expect(last.recoveryPoint == 11)
    }
}
