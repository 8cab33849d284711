import Glibc
import Testing

@testable import KCore

@Suite struct TruncationTests {
    private let bench = LogBench()

    private func filled() throws -> (Log, LogConfig) {
        var config = LogConfig()
        config.segmentBytes = 200
        let log = try bench.open(config)
        for index in 0..<20 { try log.append(["value \(index)"]) }
        try log.flush()
        return (log, config)
    }

    private static let errors = [
        InjectedError(operation: .truncate, part: ".log", code: ENOSPC),
        InjectedError(operation: .truncate, part: ".index", code: ENOSPC),
        InjectedError(operation: .rename, part: ".log", code: ENOSPC),
        InjectedError(operation: .rename, part: ".log", code: ENOSPC, skip: 1),
        InjectedError(operation: .rename, part: ".timeindex", code: ENOSPC, skip: 2),
    ]

    @Test(arguments: 0..<errors.count) func `a truncation without room is repeated before anything is appended`(
        index: Int
    ) throws {
        let (log, config) = try filled()
        bench.disk.inject(Self.errors[index])
        let refusal = #expect(throws: LogError.self) { try log.truncate(to: 7) }
        #expect(refusal?.isTransient == true)
        #expect(!bench.health.isOffline)
        let second = #expect(throws: LogError.self) { try log.append(["not yet"]) }
        #expect(second?.isTransient == true)
        // Nothing promises what is half cut off.
        try log.flush()
        #expect(log.recoveryPoint <= 7)
        try log.rollIfNeeded()
        #expect(try log.deleteOldSegments(nowMs: bench.clock.wallMs) == 0)
        #expect(try log.truncate(to: 7))
        #expect(try log.append(["next"]).baseOffset == 7)
        let wanted = (0..<7).map { "value \($0)" } + ["next"]
        #expect(try log.values() == wanted)
        try log.flush()
        bench.disk.restart()
        let again = try LogBench(disk: bench.disk).open(config, recoveryPoint: log.recoveryPoint)
        #expect(try again.values() == wanted)
    }

    @Test(arguments: 0..<errors.count) func `so is one that begins anew`(index: Int) throws {
        let (log, config) = try filled()
        bench.disk.inject(Self.errors[index])
        do throws(LogError) {
            try log.truncateFullyAndStart(at: 50)
        } catch {
            #expect(error.isTransient)
            try log.truncateFullyAndStart(at: 50)
        }
        #expect((log.logStartOffset, log.logEndOffset) == (50, 50))
        #expect(try log.append(["next"]).baseOffset == 50)
        try log.flush()
        bench.disk.restart()
        let again = try LogBench(disk: bench.disk).open(config, recoveryPoint: log.recoveryPoint)
        #expect((again.logStartOffset, again.logEndOffset) == (50, 51))
    }

    @Test func `a log that is half cut off is not closed as one that is in order`() throws {
        let (log, config) = try filled()
        bench.disk.inject(Self.errors[0])
        #expect(throws: LogError.self) { try log.truncate(to: 7) }
        #expect(throws: LogError.self) { try log.close() }
        let again = try LogBench(disk: bench.disk).open(config, recoveryPoint: log.recoveryPoint)
        let values = try again.values()
        #expect(values == (0..<values.count).map { "value \($0)" })
    }

    @Test func `a cleaned log that is cut off in a gap promises nothing behind its last batch`() throws {
        let log = try bench.open()
        for offset in [Int64(0), 10, 20] {
            let batch = try Batches.make(["at \(offset)"])
            batch.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                RecordBatchHeader.stamp(baseOffset: offset, partitionLeaderEpoch: 0, at: base)
            }
            _ = try log.append(batch, leaderEpoch: 0, origin: .replication)
        }
        try log.flush()
        #expect(log.recoveryPoint == 21)
        bench.disk.inject(InjectedError(operation: .truncate, part: ".log", code: ENOSPC))
        #expect(throws: LogError.self) { try log.truncate(to: 15) }
        #expect(log.recoveryPoint == 11)
        try log.truncate(to: 15)
        #expect(log.logEndOffset == 11)
    }
}
