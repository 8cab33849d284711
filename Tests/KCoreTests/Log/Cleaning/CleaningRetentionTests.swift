import Synchronization
import Testing

@testable import KCore

/// Retention that comes in between while a log is cleaned (`cleanup.policy=compact,delete`).
@Suite struct CleaningRetentionTests {
    private func filled(segmentBytes: Int) throws -> CleaningBench {
        let bench = try CleaningBench { $0.cleanupPolicy = [.compact, .delete] }
        for index in 0..<24 { try bench.put("k\(index % 7)=\(index)", "x=\(index)") }
        try bench.roll()
        // What has no records left goes by the time of its file.
        bench.bench.disk.setModificationTime(bench.nowMs)
        // As many as fit become one.
        var config = bench.log.config
        config.segmentBytes = segmentBytes
        bench.log.updateConfig(config)
        return bench
    }

    private let latest = Set((17..<24).map { "k\($0 % 7)=\($0)" } + ["x=23"])

    private func removeOldest(_ bench: CleaningBench) throws {
        let second = bench.log.published.withLock { $0.segments[1].baseOffset }
        try bench.log.advanceStartOffset(to: second)
        _ = try bench.log.deleteOldSegments(nowMs: bench.nowMs)
        #expect(bench.log.firstSegmentOffset == second)
    }

    private func cleaning(_ bench: CleaningBench, goOn: @escaping (Int) -> Bool = { _ in true }) throws -> Cleaning {
        let range = try bench.log.cleanableRange(nowMs: bench.nowMs)
        return Cleaning(
            bench.log, range, map: bench.map, bufferBytes: 256, nowMs: bench.nowMs,
            goOn: { read, written in goOn(read + written) })
    }

    private func expectCleaned(_ bench: CleaningBench, _ what: String) throws {
        let values = try bench.contents().map { String($0.split(separator: ":", maxSplits: 1)[1]) }
        #expect(Set(values) == latest && values.count == latest.count, "\(what): \(values)")
        #expect(!bench.files.contains { SwapFiles.isLeftover($0) }, "\(what)")
        #expect(bench.log.cleanedOffset.load(ordering: .acquiring) == bench.log.logEndOffset, "\(what)")
    }

    @Test(arguments: [600, 1400, 1 << 20])
    func `what retention leaves is cleaned, whenever it removes the oldest segment`(segmentBytes: Int) throws {
        var steps = 1
        var moment = 1
        while moment < steps || moment == 1 {
            let bench = try filled(segmentBytes: segmentBytes)
            let cleaning = try cleaning(bench)
            var step = 0
            while try cleaning.step() {
                step += 1
                if step == moment { try removeOldest(bench) }
            }
            steps = max(steps, step)
            try expectCleaned(bench, "step \(moment) of \(steps)")
            moment += 1
        }
        #expect(steps >= 5)
    }

    @Test(arguments: [600, 1 << 20])
    func `what retention leaves is cleaned, also when it comes while a segment is read`(segmentBytes: Int) throws {
        var calls = 1
        var moment = 1
        while moment <= calls {
            let bench = try filled(segmentBytes: segmentBytes)
            var call = 0
            let cleaning = try cleaning(bench) { _ in
                call += 1
                if call == moment { #expect(throws: Never.self) { try removeOldest(bench) } }
                return true
            }
            while try cleaning.step() {}
            calls = call
            try expectCleaned(bench, "read \(moment) of \(calls)")
            moment += 1
        }
        #expect(calls > 10)
    }

    /// Producers with aborted transactions that end in the first and in the second segment, and committed records later.
    private func transactional() throws -> CleaningBench {
        let bench = try CleaningBench { $0.cleanupPolicy = [.compact, .delete] }
        try bench.put("t=aborted", options: bench.transactional(1))
        try bench.put("u=aborted", options: bench.transactional(2))
        try bench.end(1, isCommit: false)
        try bench.roll()
        try bench.put("x=0")
        try bench.end(2, isCommit: false)
        try bench.roll()
        try bench.put("x=1")
        try bench.roll()
        try bench.put("t=kept", options: bench.transactional(1, sequence: 1))
        try bench.put("u=kept", options: bench.transactional(2, sequence: 1))
        try bench.end(1, isCommit: true)
        try bench.roll()
        try bench.end(2, isCommit: true)
        try bench.roll()
        return bench
    }

    @Test(arguments: [1, 2])
    func `no record is taken for aborted because retention has removed the marker`(segments: Int) throws {
        for moment in 1...5 {
            let bench = try transactional()
            let cleaning = try cleaning(bench)
            var step = 0
            while try cleaning.step() {
                step += 1
                guard step == moment else { continue }
                for _ in 0..<segments { try removeOldest(bench) }
            }
            #expect(step > moment)
            let values = try bench.contents().map { String($0.split(separator: ":", maxSplits: 1)[1]) }
            #expect(values.contains("t=kept") && values.contains("u=kept"), "step \(moment): \(values)")
            #expect(!values.contains { $0.hasSuffix("aborted") }, "step \(moment): \(values)")
        }
    }

    @Test func `a cleaning that is left with nothing is given up`() throws {
        let bench = try filled(segmentBytes: 1 << 20)
        let cleaning = try cleaning(bench)
        #expect(try cleaning.step())
        try bench.log.advanceStartOffset(to: bench.log.logEndOffset)
        _ = try bench.log.deleteOldSegments(nowMs: bench.nowMs)
        #expect(throws: Cleaning.End.self) { while try cleaning.step() {} }
        #expect(try bench.contents().isEmpty)
    }
}
