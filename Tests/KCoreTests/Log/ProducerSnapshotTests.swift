import Synchronization
import Testing

@testable import KCore

@Suite struct ProducerSnapshotTests {
    private let jobs = JobQueue()
    private let bench: LogBench

    init() { bench = LogBench(background: jobs.add) }

    private var snapshots: [String] { bench.disk.paths.filter { $0.hasSuffix(".snapshot") } }

    private var config: LogConfig {
        var config = LogConfig()
        config.segmentBytes = 300
        return config
    }

    /// Appends until there are so many segments.
    /// - Returns: the sequence number that comes next.
    private func fill(_ log: Log, segments: Int, from first: Int32 = 0) throws -> Int32 {
        var sequence = first
        while log.segmentCount < segments {
            _ = try log.append(Batches.idempotent(["v"], sequence: sequence), leaderEpoch: 0)
            sequence += 1
        }
        return sequence
    }

    private func read(at offset: Int64) throws -> ProducerStates? {
        let path = bench.path + "/" + SegmentFileKind.producerSnapshot.fileName(baseOffset: offset)
        return ProducerSnapshot.read(Bytes(try #require(bench.disk.contents(path))), endOffset: offset)
    }

    @Test func `an append that begins a segment leaves the producers to the background`() throws {
        let log = try bench.open(config)
        let next = try fill(log, segments: 2)
        #expect(snapshots.isEmpty)
        for sequence in next..<next + 2 {
            _ = try log.append(Batches.idempotent(["v"], sequence: sequence), leaderEpoch: 0)
        }
        jobs.run()
        let base = try #require(log.published.withLock { $0.segments.last?.baseOffset })
        // As they were where the segment begins.
        let producers = try #require(try read(at: base))
        #expect(producers.states[7]?.lastSequence == Int32(base) - 1)
        #expect(log.recoveryPoint == log.logEndOffset)
    }

    @Test func `of several segments that begin before the background comes the newest has a snapshot`() throws {
        let log = try bench.open(config)
        _ = try fill(log, segments: 4)
        jobs.run()
        let base = try #require(log.published.withLock { $0.segments.last?.baseOffset })
        #expect(try read(at: base)?.states[7]?.lastSequence == Int32(base) - 1)
    }

    @Test func `no snapshot is written of what was cut off meanwhile`() throws {
        let log = try bench.open(config)
        _ = try fill(log, segments: 2)
        try log.truncate(to: 1)
        jobs.run()
        #expect(snapshots.isEmpty)
        _ = try log.append(Batches.idempotent(["v"], sequence: 1), leaderEpoch: 0)
        #expect(try LogBench(disk: bench.disk).open(config).producerStates[7]?.lastSequence == 1)
    }

    @Test func `without room for a snapshot the records are flushed all the same`() throws {
        let log = try bench.open(config)
        _ = try fill(log, segments: 2)
        bench.disk.inject(InjectedError(operation: .write, part: ".snapshot", code: 28, times: 1))
        jobs.run()
        #expect(log.recoveryPoint == log.logEndOffset)
        #expect(!log.isOffline)
    }
}
