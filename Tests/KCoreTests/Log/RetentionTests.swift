import Testing

@testable import KCore

@Suite struct RetentionTests {
    private let bench = LogBench()

    private func filled(_ count: Int = 20, _ change: (inout LogConfig) -> Void = { _ in }) throws -> Log {
        var config = LogConfig()
        config.segmentBytes = 200
        config.retentionMs = -1
        change(&config)
        let log = try bench.open(config)
        let start = bench.clock.wallMs
        for index in 0..<count { try log.append(["value \(index)"], timestamp: start + Int64(index) * 1000) }
        return log
    }

    @Test func `by time, whole segments go whose newest record is too old`() throws {
        let log = try filled { $0.retentionMs = 10_000 }
        let start = bench.clock.wallMs
        try log.deleteOldSegments(nowMs: start + 10_000)
        #expect(log.logStartOffset == 0)
        try log.deleteOldSegments(nowMs: start + 20_000)
        #expect(log.logStartOffset > 5 && log.logStartOffset <= 10)
        #expect(try log.values(from: log.logStartOffset).last == "value 19")
    }

    @Test func `when all has expired a new segment is rolled and the end stays`() throws {
        let log = try filled { $0.retentionMs = 1 }
        try log.deleteOldSegments(nowMs: bench.clock.wallMs + 100_000_000)
        #expect(log.segmentCount == 1)
        #expect(log.logStartOffset == 20)
        #expect(log.logEndOffset == 20)
        #expect(log.size == 0)
        #expect(try log.append(["next"]).baseOffset == 20)
        #expect(try log.deleteOldSegments(nowMs: bench.clock.wallMs) == 0)
    }

    @Test(arguments: 0..<4) func `retention that finds no room goes on where it was, and leaves no hole`(skip: Int)
        throws
    {
        let log = try filled { $0.retentionBytes = 600 }
        bench.disk.inject(InjectedError(operation: .rename, part: ".log", code: 28, skip: skip))
        #expect(throws: LogError.self) { try log.deleteOldSegments(nowMs: bench.clock.wallMs) }
        #expect(!log.isOffline)
        for index in 0..<8 { try log.append(["more \(index)"]) }
        try log.deleteOldSegments(nowMs: bench.clock.wallMs)
        #expect(log.logStartOffset > 16)
        let values = try log.values(from: log.logStartOffset)
        bench.disk.restart()
        let again = try LogBench(disk: bench.disk).open(log.config)
        #expect(again.logStartOffset == log.logStartOffset && again.logEndOffset == log.logEndOffset)
        #expect(try again.values(from: again.logStartOffset) == values)
    }

    @Test func `what retention left undone is done before a log begins anew`() throws {
        let log = try filled { $0.retentionBytes = 600 }
        bench.disk.inject(InjectedError(operation: .rename, part: ".log", code: 28))
        #expect(throws: LogError.self) { try log.deleteOldSegments(nowMs: bench.clock.wallMs) }
        try log.truncateFullyAndStart(at: 0)
        try log.append(["new"])
        bench.disk.restart()
        #expect(try LogBench(disk: bench.disk).open(log.config).values() == ["new"])
    }

    @Test func `old records that are written today make no segment at each look`() throws {
        let log = try filled(0) {
            $0.segmentBytes = 100_000
            $0.segmentMs = 60_000
        }
        bench.disk.setModificationTime(bench.clock.wallMs)
        for _ in 0..<5 {
            try log.append(["value"], timestamp: 1_000_000_000)
            bench.clock.advance(ms: 1000)
            try log.rollIfNeeded()
        }
        #expect(log.segmentCount == 1)
        bench.clock.advance(ms: 60_000)
        try log.rollIfNeeded()
        #expect(log.segmentCount == 2)
    }

    @Test func `on a full disk, where no segment can be begun, the older ones make room`() throws {
        let log = try filled { $0.retentionMs = 1 }
        let count = log.segmentCount
        bench.disk.failOpens(of: "00000000000000000020.log")
        #expect(try log.deleteOldSegments(nowMs: bench.clock.wallMs + 100_000_000) == count - 1)
        #expect(log.segmentCount == 1)
        #expect(log.logEndOffset == 20)
        bench.disk.failOpens(of: nil)
        #expect(try log.deleteOldSegments(nowMs: bench.clock.wallMs + 100_000_000) == 1)
        #expect(log.size == 0)
    }

    @Test func `files may be kept for as long as a setting can say`() throws {
        let log = try filled {
            $0.retentionMs = 1
            $0.fileDeleteDelayMs = .max
        }
        #expect(try log.deleteOldSegments(nowMs: bench.clock.wallMs + 100_000_000) > 0)
        bench.removals.removeDue(nowMs: bench.clock.monotonicMs + 100_000_000, disk: bench.disk, logger: .silent)
        #expect(bench.disk.paths.contains { $0.hasSuffix(".deleted") })
    }

    @Test func `by size, the oldest go until the rest fits`() throws {
        let log = try filled { $0.retentionBytes = 500 }
        try log.deleteOldSegments(nowMs: bench.clock.wallMs)
        #expect(log.size >= 500 && log.size < 700)
    }

    @Test func `nothing above the high watermark goes`() throws {
        let log = try filled { $0.retentionMs = 1 }
        log.highWatermark = 7
        try log.deleteOldSegments(nowMs: bench.clock.wallMs + 100_000_000)
        #expect(log.logStartOffset > 0 && log.logStartOffset <= 7)
    }

    @Test func `a compacted log only loses what lies below its start`() throws {
        let log = try filled {
            $0.retentionMs = 1
            $0.retentionBytes = 1
        }
        var config = log.config
        config.cleanupPolicy = .compact
        log.updateConfig(config)
        #expect(try log.deleteOldSegments(nowMs: .max) == 0)
        try log.advanceStartOffset(to: 9)
        #expect(log.logStartOffset == 9)
        #expect(try log.deleteOldSegments(nowMs: .max) > 0)
        #expect(log.logStartOffset == 9)
        #expect(try log.values(from: 9).count == 11)
        #expect(throws: LogError.self) { try log.read(from: 8, maxBytes: 10) }
        #expect(throws: LogError.self) { try log.advanceStartOffset(to: 21) }
    }

    @Test func `segments roll by time, by the records' own clock`() throws {
        let log = try bench.open(
            {
                var config = LogConfig()
                config.segmentMs = 5000
                return config
            }())
        let start = bench.clock.wallMs
        try log.append(["a"], timestamp: start)
        try log.append(["b"], timestamp: start + 5000)
        #expect(log.segmentCount == 1)
        try log.append(["c"], timestamp: start + 5001)
        #expect(log.segmentCount == 2)
        try log.append(["d"], timestamp: -1)
        #expect(log.segmentCount == 2)
    }

    @Test func `truncation cuts at a batch, forgets epochs and producers, and appends go on`() throws {
        let log = try bench.open()
        for index in 0..<10 {
            _ = try log.append(
                Batches.idempotent(["a", "b"], sequence: Int32(index * 2)), leaderEpoch: Int32(index / 4))
        }
        try log.truncate(to: 13)
        #expect(log.logEndOffset == 12)
        #expect(log.latestEpoch == 1)
        #expect(log.endOffset(forLeaderEpoch: 1)?.endOffset == 12)
        #expect(try log.append(Batches.idempotent(["c"], sequence: 12), leaderEpoch: 3).baseOffset == 12)
        try log.truncateFullyAndStart(at: 100)
        #expect(log.logStartOffset == 100 && log.logEndOffset == 100)
        #expect(try log.append(["x"]).baseOffset == 100)
    }

    // MARK: What says how old a segment is

    /// Twenty records a second apart, closed, in segments of a few each.
    private func stopped() throws -> (config: LogConfig, last: Int64) {
        var config = LogConfig()
        config.segmentBytes = 200
        config.retentionMs = 1_000_000
        let log = try bench.open(config)
        let start = bench.clock.wallMs
        for index in 0..<20 { try log.append(["value \(index)"], timestamp: start + Int64(index) * 1000) }
        try log.close()
        return (config, start + 19_000)
    }

    private var timeIndexes: [String] { bench.disk.paths.filter { $0.hasSuffix(".timeindex") } }

    @Test func `no damage in a time index removes a segment that is young enough`() throws {
        let (config, last) = try stopped()
        let path = try #require(timeIndexes.first)
        let original = try #require(bench.disk.contents(path))
        var damaged: [[UInt8]] = [[], Array(original.dropLast(12))]
        for position in 0..<original.count {
            for bit in 0..<8 {
                var one = original
                one[position] ^= 1 << UInt8(bit)
                damaged.append(one)
            }
        }
        for contents in damaged {
            bench.disk.plant(path, contents)
            let log = try LogBench(disk: bench.disk).open(config, clean: true)
            log.highWatermark = log.logEndOffset
            #expect(try log.deleteOldSegments(nowMs: last + 900_000) == 0)
            #expect(log.logStartOffset == 0)
        }
    }

    @Test func `an index that names a time to come keeps no segment for ever`() throws {
        let (config, last) = try stopped()
        let path = try #require(timeIndexes.first)
        var contents = try #require(bench.disk.contents(path))
        contents[contents.count - 12] = 0x70
        bench.disk.plant(path, contents)
        let log = try LogBench(disk: bench.disk).open(config, clean: true)
        #expect(try log.deleteOldSegments(nowMs: last + 1_000_001) > 3)
    }

    @Test func `a segment whose batches cannot be read goes by the time of its file`() throws {
        let (config, last) = try stopped()
        let path = try #require(timeIndexes.first)
        bench.disk.plant(path, [])
        let log = bench.path + "/00000000000000000000.log"
        bench.disk.flip(log, bit: 3, at: 16)
        // The simulated disk's files are from 1970.
        let again = try LogBench(disk: bench.disk).open(config, clean: true)
        #expect(try again.deleteOldSegments(nowMs: last) == 1)
    }

    @Test func `a crash while all segments go leaves a log that goes on where it ended`() throws {
        for seed in 0..<300 {
            let bench = LogBench()
            var config = LogConfig()
            config.retentionMs = 1
            let log = try bench.open(config)
            for index in 0..<5 { try log.append(["value \(index)"], timestamp: 0) }
            try log.flush()
            var random = SimulatedDisk.Random(seed: UInt64(seed))
            bench.disk.failAfter(Int.random(in: 1...14, using: &random))
            _ = try? log.deleteOldSegments(nowMs: bench.clock.wallMs)
            bench.disk.crash(&random)
            let again = try LogBench(disk: bench.disk).open(config, recoveryPoint: 5)
            #expect(again.logEndOffset == 5, "seed \(seed)")
        }
    }
}
