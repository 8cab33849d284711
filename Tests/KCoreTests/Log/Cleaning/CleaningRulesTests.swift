import Synchronization
import Testing

@testable import KCore

@Suite struct CleaningRulesTests {
    @Test func `the last value of each key stays, at its offset`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1", "b=1", "a=2")
        try bench.put("c=1", "b=2")
        try bench.roll()
        try bench.put("a=3")
        let result = try #require(bench.clean())
        // The active segment does not count: what is in it may be lost with a leader, and a=2 with it.
        #expect(try bench.contents() == ["2:a=2", "3:c=1", "4:b=2", "5:a=3"])
        #expect(result.firstDirtyOffset == 0 && result.endOffset == 5)
        #expect(result.recordsRead == 5 && result.recordsKept == 3 && result.keys == 3)
        #expect(bench.clean() == nil)
    }

    @Test func `what is left of a batch keeps its first and last offset, its producer and its codec`() throws {
        let bench = try CleaningBench()
        var options = BatchOptions(compression: .lz4)
        options.producerId = 9
        options.producerEpoch = 2
        options.baseSequence = 0
        try bench.put("a=1", "b=1", "c=1", "a=2", options: options)
        try bench.put("c=2", "a=3")
        try bench.roll()
        bench.clean()
        let headers = try bench.headers()
        #expect(try bench.contents() == ["1:b=1", "4:c=2", "5:a=3"])
        let first = try #require(headers.first)
        #expect(first.baseOffset == 0 && first.lastOffset == 3 && first.recordCount == 1)
        #expect(first.producerId == 9 && first.producerEpoch == 2 && first.baseSequence == 0)
        #expect(first.attributes.compression == .lz4)
        #expect(headers.count == 2)
        #expect(bench.log.logEndOffset == 6)
    }

    @Test func `offsets that are gone are read from the next batch on`() throws {
        let bench = try CleaningBench()
        for index in 0..<30 { try bench.put("a=\(index)") }
        try bench.roll()
        bench.clean()
        #expect(try bench.contents() == ["29:a=29"])
        for offset in 0..<30 { #expect(try bench.log.values(from: Int64(offset)) == ["29"]) }
        #expect(try bench.log.read(from: 30, maxBytes: 100).records.count == 0)
    }

    @Test func `a read passes over segments that cleaning has emptied while there are records behind them`() throws {
        // So small that no two of them become one.
        let bench = try CleaningBench { $0.segmentBytes = 100 }
        var options = BatchOptions()
        options.producerEpoch = 0
        options.baseSequence = 0
        // The last batch of a producer stays, and its segment with it, without a record.
        for producer in 0..<6 {
            options.producerId = Int64(producer)
            try bench.put("a=\(producer)", options: options)
            try bench.roll()
            bench.clean()
        }
        let disk = bench.bench.disk
        let files = disk.paths.filter { $0.hasSuffix(".log") }.sorted().map { disk.contents($0)?.count }
        #expect(
            files.prefix(5).allSatisfy { $0 == RecordBatchHeader.size }, "there is something to pass over: \(files)")
        for offset in 0..<6 { #expect(try bench.log.values(from: Int64(offset)) == ["5"]) }
        let read = try bench.log.read(from: 0, maxBytes: 1)
        #expect(read.firstOffset == 5)
        // With nothing else in front of the limit a reader is at least told how far there is nothing.
        let limited = try bench.log.read(from: 0, maxBytes: 1 << 20, upTo: 5)
        #expect(limited.records.count > 0 && limited.firstOffset < 5)
    }

    @Test func `a tombstone stays until its horizon has passed`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1", "b=1")
        try bench.put("a")
        try bench.roll()
        try bench.put("z=1")
        bench.clean()
        #expect(try bench.contents() == ["1:b=1", "2:a", "3:z=1"])
        let horizon = try #require(try bench.headers()[1].deleteHorizonMs)
        #expect(horizon == bench.nowMs + 1000)
        // The record's own time is what it was.
        #expect(try bench.log.records(from: 2).first?.timestamp == bench.nowMs)
        bench.bench.clock.advance(ms: 999)
        try bench.roll()
        bench.clean()
        #expect(try bench.contents() == ["1:b=1", "2:a", "3:z=1"])
        #expect(try bench.headers()[1].deleteHorizonMs == horizon)
        bench.bench.clock.advance(ms: 1)
        try bench.put("y=1")
        try bench.roll()
        bench.clean()
        #expect(try bench.contents() == ["1:b=1", "3:z=1", "4:y=1"])
    }

    @Test func `a record without a key goes`() throws {
        let bench = try CleaningBench { $0.cleanupPolicy = .delete }
        try bench.log.append(["no key"])
        try bench.put("a=1")
        try bench.roll()
        #expect(bench.clean() == nil)
        var config = bench.log.config
        config.cleanupPolicy = .compact
        bench.log.updateConfig(config)
        #expect(bench.clean()?.recordsWithoutKey == 1)
        #expect(try bench.contents() == ["1:a=1"])
    }

    @Test func `nothing at or above the high watermark or in an open transaction is cleaned`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1")
        try bench.roll()
        try bench.put("a=2")
        try bench.roll()
        try bench.put("a=3")
        try bench.roll()
        bench.log.highWatermark = 2
        #expect(bench.clean()?.endOffset == 2)
        #expect(try bench.contents() == ["1:a=2", "2:a=3"])
        bench.log.highWatermark = .max
        try bench.put("a=4", options: bench.transactional(1))
        try bench.roll()
        try bench.put("a=5")
        try bench.roll()
        #expect(bench.clean()?.endOffset == 3)
        #expect(try bench.contents() == ["2:a=3", "3:a=4", "4:a=5"])
    }

    @Test func `a record is left alone until it is old enough`() throws {
        let bench = try CleaningBench { $0.minCompactionLagMs = 500 }
        try bench.put("a=1")
        try bench.roll()
        bench.bench.clock.advance(ms: 400)
        try bench.put("a=2")
        try bench.roll()
        #expect(bench.clean() == nil)
        bench.bench.clock.advance(ms: 100)
        #expect(bench.clean()?.endOffset == 1)
        #expect(try bench.contents() == ["0:a=1", "1:a=2"])
        bench.bench.clock.advance(ms: 400)
        #expect(bench.clean()?.endOffset == 2)
        #expect(try bench.contents() == ["1:a=2"])
    }

    @Test func `a log waits until enough of it is dirty, or something waits for too long`() throws {
        let bench = try CleaningBench {
            $0.minCleanableDirtyRatio = 0.5
            $0.maxCompactionLagMs = 10_000
            $0.segmentMs = .max
        }
        for index in 0..<6 { try bench.put("k\(index)=1") }
        try bench.roll()
        #expect(bench.clean() != nil)
        try bench.put("k0=2")
        try bench.roll()
        #expect(bench.clean() == nil)
        let range = try bench.log.cleanableRange(nowMs: bench.nowMs)
        #expect(range.cleanBytes > 0 && range.dirtyBytes > 0 && range.dirtyRatio < 0.5 && !range.isOverdue)
        bench.bench.clock.advance(ms: 10_001)
        #expect(bench.clean() != nil)
        #expect(try bench.contents().first == "1:k1=1")
        // What is in the active segment has to come out of it in time.
        try bench.put("k0=3")
        #expect(bench.log.segmentCount == 2)
        bench.bench.clock.advance(ms: 10_001)
        try bench.log.rollIfNeeded()
        #expect(bench.log.segmentCount == 3)
    }

    @Test func `a map that is full cleans as far as it reaches, and the next cleaning goes on from there`() throws {
        let bench = try CleaningBench(mapBytes: 24 * 4)
        try bench.put("a=1", "b=1", "c=1", "d=1", "a=2")
        try bench.put("b=2", "c=2", "d=2")
        try bench.roll()
        let first = try #require(bench.clean())
        #expect(first.isPartial && first.endOffset == 3 && first.mapUtilization == 1)
        var cleanings = 1
        while bench.clean() != nil { cleanings += 1 }
        #expect(cleanings > 2)
        #expect(try bench.contents() == ["4:a=2", "5:b=2", "6:c=2", "7:d=2"])
    }

    @Test func `small segments become one, and a segment stays below its limit`() throws {
        let bench = try CleaningBench()
        for index in 0..<60 { try bench.put("k\(index % 20)=\(index)") }
        try bench.roll()
        bench.clean()
        #expect(try bench.contents().count == 20)
        // By their sizes of before.
        #expect(bench.log.segmentCount > 5)
        try bench.put("z=1")
        try bench.roll()
        bench.clean()
        #expect(bench.log.segmentCount <= 5)
        for segment in bench.log.published.withLock({ $0.segments }) { #expect(segment.size <= 600) }
        #expect(try bench.contents().count == 21)
    }

    @Test func `segments whose offsets are too far apart stay apart`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1")
        try bench.roll()
        var far = BatchOptions()
        far.baseOffset = Int64(Int32.max) + 10
        far.partitionLeaderEpoch = 0
        let batch = try RecordBatchBuilder.batch(
            [Record(offset: far.baseOffset, timestamp: bench.nowMs, key: Bytes("b"), value: Bytes("1"))], far)
        _ = try bench.log.append(batch, leaderEpoch: 0, origin: .replication)
        try bench.roll()
        bench.clean()
        #expect(try bench.contents() == ["0:a=1", "\(far.baseOffset):b=1"])
        #expect(bench.log.segmentCount == 3)
    }

    @Test func `the last batch of a producer stays without records, so that its sequence is known`() throws {
        let bench = try CleaningBench()
        var options = BatchOptions()
        options.producerId = 5
        options.producerEpoch = 1
        options.baseSequence = 0
        try bench.put("a=1", options: options)
        options.baseSequence = 1
        try bench.put("a=2", "b=1", options: options)
        try bench.put("a=3", "b=2")
        try bench.roll()
        bench.clean()
        #expect(try bench.contents() == ["3:a=3", "4:b=2"])
        let header = try #require(try bench.headers().first)
        #expect(header.baseOffset == 1 && header.lastOffset == 2 && header.recordCount == 0)
        #expect(header.producerId == 5 && header.baseSequence == 1 && header.lastSequence == 2)
        // Read anew from the log alone, the producer is known as before.
        for path in bench.bench.disk.paths where path.hasSuffix(".snapshot") { try bench.bench.disk.remove(path) }
        try bench.reopen()
        options.baseSequence = 3
        #expect(try bench.put("c=1", options: options).baseOffset == 5)
        options.baseSequence = 1
        #expect(throws: LogError.self) { try bench.put("c=1", options: options) }
    }

    @Test func `a cleaned log is read whole by a start that knows no checkpoint`() throws {
        let bench = try CleaningBench { $0.segmentBytes = 300 }
        for round in 0..<4 {
            for index in 0..<12 { try bench.put("k\(index)=\(round) " + String(repeating: "x", count: index * 7 % 40)) }
        }
        try bench.roll()
        bench.clean()
        #expect(bench.log.segmentCount > 2)
        let expected = try bench.contents()
        let end = bench.log.logEndOffset
        try bench.reopen(recoveryPoint: 0)
        #expect(try bench.contents() == expected)
        #expect(bench.log.logEndOffset == end)
    }

    @Test func `the largest timestamp is of a record, not of a batch that has none left`() throws {
        let bench = try CleaningBench()
        var options = BatchOptions()
        options.producerId = 5
        options.producerEpoch = 0
        options.baseSequence = 0
        bench.bench.clock.advance(ms: 500)
        try bench.put("a=1", options: options)
        bench.bench.clock.advance(ms: -500)
        try bench.put("a=2")
        try bench.roll()
        bench.clean()
        #expect(try bench.headers().map(\.recordCount) == [0, 1])
        #expect(try bench.log.maxTimestamp()?.offset == 1)
        #expect(try bench.log.maxTimestamp(upTo: 1) == nil)
    }

    @Test func `where a cleaning ended is kept by its last batch`() throws {
        let bench = try CleaningBench()
        try bench.put("a=1")
        try bench.put("a")
        try bench.roll()
        bench.clean()
        bench.bench.clock.advance(ms: 1000)
        try bench.put("b=1")
        try bench.roll()
        bench.clean()
        #expect(try bench.contents() == ["2:b=1"])
        try bench.put("b=2")
        try bench.put("c")
        try bench.roll()
        bench.clean()
        bench.bench.clock.advance(ms: 1000)
        try bench.put("c=2")
        try bench.roll()
        bench.clean()
        #expect(try bench.contents() == ["3:b=2", "5:c=2"])
    }
}
