import Synchronization
import Testing

@testable import KCore

@Suite struct ReadTests {
    private let bench = LogBench()

    private func filled(_ count: Int, segmentBytes: Int = 1 << 20) throws -> Log {
        var config = LogConfig()
        config.segmentBytes = segmentBytes
        config.indexIntervalBytes = 200
        let log = try bench.open(config)
        for index in 0..<count {
            try log.append(["value \(index)", "second \(index)"], timestamp: Int64(1000 + index * 10))
        }
        return log
    }

    @Test func `a read ends at a batch, within its limit`() throws {
        let log = try filled(200)
        let size = try #require(try log.read(from: 0, maxBytes: 1).batches().first).count
        for offset in stride(from: Int64(0), to: 400, by: 7) {
            for limit in [size * 3, size * 3 + 5, size * 70 + 1, 1 << 20] {
                let read = try log.read(from: offset, maxBytes: limit)
                #expect(read.records.count <= limit)
                let batches = try read.batches()
                #expect(try RecordBatchReader(batches[0]).header.baseOffset == offset / 2 * 2)
                #expect(read.firstOffset == offset / 2 * 2)
                let left = 200 - Int(offset / 2)
                #expect(batches.count >= min(left, limit / (size + 4)))
            }
        }
    }

    @Test func `a batch larger than the limit is read alone, or not at all`() throws {
        let log = try filled(100)
        for offset in [Int64(0), 51, 198] {
            #expect(try log.read(from: offset, maxBytes: 10).batches().count == 1)
            #expect(try log.read(from: offset, maxBytes: 10, minOneBatch: false).records.count == 0)
        }
    }

    @Test func `nothing at or above the limit is read`() throws {
        for segmentBytes in [1 << 20, 500] {
            let log = try LogBench().open(
                {
                    var config = LogConfig()
                    config.segmentBytes = segmentBytes
                    config.indexIntervalBytes = 200
                    return config
                }())
            for index in 0..<100 { try log.append(["value \(index)", "second \(index)"]) }
            for limit in stride(from: Int64(1), through: 200, by: 9) {
                let records = try log.records(from: 0, upTo: limit)
                // A batch that reaches beyond the limit is not read.
                #expect(records.count == Int(limit / 2 * 2))
                if limit < 200 { #expect(try log.read(from: limit, maxBytes: 1000, upTo: limit).records.count == 0) }
            }
        }
    }

    @Test func `the tail is read without the index, with the same result`() throws {
        let log = try filled(30)
        let mark = log.published.withLock { $0.look(56, maxBytes: 1 << 20, upTo: .max) }
        #expect(mark.tail != nil)
        #expect(try log.values(from: 56) == ["value 28", "second 28", "value 29", "second 29"])
        #expect(try log.values(from: 57) == ["second 28", "value 29", "second 29"])
    }

    @Test(arguments: [1 << 20, 600])
    func `who must not wait for the disk is told, and reads the same when it is in memory`(
        segmentBytes: Int
    ) throws {
        let log = try filled(200, segmentBytes: segmentBytes)
        bench.disk.makeCold(true)
        // The last appends are remembered, and nothing has to be looked up.
        #expect(try log.readCached(from: 398, maxBytes: 1000)?.records == log.read(from: 398, maxBytes: 1000).records)
        for offset in stride(from: Int64(0), to: 260, by: 13) {
            bench.disk.makeCold(true)
            #expect(try log.readCached(from: offset, maxBytes: 1000) == nil)
            let waited = try log.read(from: offset, maxBytes: 1000)
            bench.disk.makeCold(false)
            #expect(try log.readCached(from: offset, maxBytes: 1000)?.records == waited.records)
        }
        #expect(throws: LogError.self) { try log.readCached(from: 401, maxBytes: 1000) }
        #expect(try log.readCached(from: 400, maxBytes: 1000)?.records.count == 0)
    }

    @Test func `what was appended just now is sent unseen, later it is looked at`() throws {
        let log = try filled(10)
        func isRecent() throws -> Bool? {
            guard case .files(let regions) = try log.read(from: 18, maxBytes: 1000).records else { return nil }
            return regions.first.map { $0.inMemoryUntilMs > bench.clock.monotonicMs }
        }
        #expect(try isRecent() == true)
        bench.clock.advance(ms: 60_000)
        #expect(try isRecent() == false)
    }

    @Test func `a small append does not make what was appended long ago recent`() throws {
        let log = try filled(10)
        func isRecent(from offset: Int64, maxBytes: Int = 1000) throws -> Bool? {
            guard case .files(let regions) = try log.read(from: offset, maxBytes: maxBytes).records else { return nil }
            return regions.first.map { $0.inMemoryUntilMs > bench.clock.monotonicMs }
        }
        bench.clock.advance(ms: 60_000)
        try log.append(["just now"])
        #expect(try isRecent(from: 18) == false)
        #expect(try isRecent(from: 0, maxBytes: 200) == false)
        #expect(try isRecent(from: 20) == true)
    }

    @Test func `the times of batches are told from the first that is left to the end of the log`() throws {
        let log = try filled(60, segmentBytes: 500)
        var config = log.config
        config.retentionMs = -1
        config.retentionBytes = 600
        log.updateConfig(config)
        #expect(try log.deleteOldSegments(nowMs: bench.clock.wallMs) > 0)
        let start = log.logStartOffset
        #expect(start < 110)
        let all = stride(from: start + 2, through: 120, by: 2).map {
            BatchTime(endOffset: $0, maxTimestamp: 1000 + ($0 - 2) * 5)
        }
        for offset in [0, start - 1, start, start + 1] {
            #expect(try log.batchTimes(from: offset, count: 100) == BatchTimes(batches: all, endOffset: 120))
        }
        #expect(
            try log.batchTimes(from: 0, count: 3)
                == BatchTimes(batches: Array(all.prefix(3)), endOffset: start + 6))
        try log.truncateFullyAndStart(at: 200)
        #expect(try log.batchTimes(from: 7, count: 3) == BatchTimes(batches: [], endOffset: 200))
    }

    @Test(arguments: [1 << 20, 600]) func `a time is found as the first record at or after it`(segmentBytes: Int) throws
    {
        let log = try filled(100, segmentBytes: segmentBytes)
        for time in stride(from: Int64(990), to: 2010, by: 7) {
            let found = try log.offset(forTimestamp: time)
            let index = max(0, (time - 1000 + 9) / 10)
            if index < 100 {
                #expect(found == TimestampOffset(timestamp: 1000 + index * 10, offset: index * 2, leaderEpoch: 0))
            } else {
                #expect(found == nil)
            }
        }
        #expect(try log.maxTimestamp() == TimestampOffset(timestamp: 1990, offset: 198, leaderEpoch: 0))
        #expect(try log.offset(forTimestamp: 1500, upTo: 50) == nil)
    }

    @Test func `times that go back and forth are found where they first appear`() throws {
        let log = try bench.open()
        for time in [50, 20, 90, 10, 60] { try log.append(["\(time)"], timestamp: Int64(time)) }
        #expect(try log.offset(forTimestamp: 15)?.offset == 0)
        #expect(try log.offset(forTimestamp: 51)?.offset == 2)
        #expect(try log.offset(forTimestamp: 91) == nil)
        #expect(try log.maxTimestamp()?.offset == 2)
        #expect(try LogBench().open().maxTimestamp() == nil)
    }

    @Test(arguments: [1 << 20, 500]) func `times out of order are found at their first offset, whatever may be seen`(
        segmentBytes: Int
    ) throws {
        var config = LogConfig()
        config.segmentBytes = segmentBytes
        config.indexIntervalBytes = 150
        let log = try bench.open(config)
        var random = SeededGenerator(seed: 7)
        let times = (0..<120).map { Int64($0 * 5) + Int64.random(in: 0..<300, using: &random) }
        for time in times { try log.append(["at \(time)"], timestamp: time) }
        #expect(log.segmentCount > (segmentBytes == 500 ? 10 : 0))
        for upTo in [Int64(1), 2, 33, 77, 119, 120] {
            let seen = times.prefix(Int(upTo))
            for target in stride(from: Int64(0), to: 900, by: 11) {
                let expected = seen.firstIndex { $0 >= target }.map { Int64($0) }
                #expect(try log.offset(forTimestamp: target, upTo: upTo)?.offset == expected, "\(target) below \(upTo)")
            }
            let largest = try log.maxTimestamp(upTo: upTo)
            #expect(largest?.timestamp == seen.max())
            #expect(largest?.offset == seen.firstIndex(of: seen.max() ?? 0).map { Int64($0) })
        }
        #expect(try log.maxTimestamp(upTo: 0) == nil)
    }

    @Test func `a reader keeps what it reads while retention removes it`() throws {
        let log = try filled(60, segmentBytes: 500)
        let read = try log.read(from: 0, maxBytes: 400)
        var config = log.config
        config.retentionBytes = 600
        log.updateConfig(config)
        #expect(try log.deleteOldSegments(nowMs: bench.clock.wallMs) > 3)
        bench.removals.removeDue(nowMs: .max, disk: bench.disk, logger: .silent)
        #expect(try read.batches().count > 1)
        #expect(throws: LogError.self) { try log.read(from: 0, maxBytes: 400) }
    }
}
