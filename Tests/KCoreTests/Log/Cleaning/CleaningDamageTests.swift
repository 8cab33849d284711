import Synchronization
import Testing

@testable import KCore

/// Offsets of batches in which a bit has tipped over, which no checksum covers, in logs that are cleaned.
@Suite struct CleaningDamageTests {
    private let bench: CleaningBench
    private var path: String { bench.bench.path + "/" + SegmentFileKind.log.fileName(baseOffset: 0) }

    init() throws {
        bench = try CleaningBench()
        for index in 0..<24 { try bench.put("k\(index % 7)=\(index)") }
        try bench.roll()
        try bench.log.flush()
        #expect(bench.log.segmentCount > 3)
    }

    private func logs() -> [String: [UInt8]] {
        var logs: [String: [UInt8]] = [:]
        for path in bench.bench.disk.paths where path.hasSuffix(".log") { logs[path] = bench.bench.disk.contents(path) }
        return logs
    }

    /// Where the last batch of the first segment begins.
    private func lastBatch() throws -> Int {
        var scan = RecordBatches(Bytes(try #require(bench.bench.disk.contents(path))))
        var position = 0
        while let batch = try scan.next() { position = batch.position }
        return position
    }

    @Test(arguments: [3, 16, 40]) func `a log with an offset that cannot be is not cleaned, and left as it is`(
        bit: Int
    ) throws {
        bench.bench.disk.flip(path, bit: bit % 8, at: try lastBatch() + 7 - bit / 8)
        let before = logs()
        #expect(bench.clean() == nil)
        let reason = try #require(bench.cleaner.status.uncleanable[bench.log.topicPartition])
        #expect(reason.contains(path))
        #expect(logs() == before)
        #expect(bench.log.cleanedOffset.load(ordering: .acquiring) < bench.log.logEndOffset)
    }

    @Test func `a swap that says that it is the whole log costs no segment`() throws {
        let position = try lastBatch()
        var contents = try #require(bench.bench.disk.contents(path))
        contents[position + 5] ^= 1
        bench.bench.disk.plant(path + ".swap", contents)
        let before = logs()
        #expect(throws: LogError.self) { try bench.reopen() }
        #expect(logs() == before)
    }
}
