import Synchronization
import Testing

@testable import KCore

/// Logs that are sound, with offset indexes that are not.
@Suite struct IndexDamageTests {
    private let disk = SimulatedDisk()
    private let jobs = JobQueue()
    private var path: String { LogBench().path + "/00000000000000000000.index" }

    private var config: LogConfig {
        var config = LogConfig()
        config.indexIntervalBytes = 200
        return config
    }

    /// Opens the log after a clean stop between which each entry of its index was changed.
    private func reopened(
        after fill: (Log) throws -> Void, _ change: (inout ArraySlice<UInt8>) -> Void
    ) throws -> (log: Log, sound: [UInt8]) {
        let log = try LogBench(disk: disk).open(config)
        try fill(log)
        try log.close()
        let sound = try #require(disk.contents(path))
        #expect(sound.count >= 8 * OffsetIndex.entrySize)
        var damaged: [UInt8] = []
        for start in stride(from: 0, to: sound.count, by: OffsetIndex.entrySize) {
            var entry = sound[start..<start + OffsetIndex.entrySize]
            change(&entry)
            damaged += entry
        }
        disk.plant(path, damaged)
        return (try LogBench(disk: disk, background: jobs.add).open(config, clean: true), sound)
    }

    private func fill(_ log: Log) throws {
        for index in 0..<60 { try log.append(["value \(index)", "second \(index)"]) }
    }

    private func moveByOne(_ entry: inout ArraySlice<UInt8>) { entry[entry.startIndex + 7] &+= 1 }

    private func clearOffset(_ entry: inout ArraySlice<UInt8>) {
        for byte in 0..<4 { entry[entry.startIndex + byte] = 0 }
    }

    @Test func `a read that must be cut is cut where positions are not those of batches`() throws {
        let log = try reopened(after: fill, moveByOne).log
        for offset in stride(from: Int64(0), to: 120, by: 2) {
            for maxBytes in [250, 700, 3000] {
                let read = try log.read(from: offset, maxBytes: maxBytes)
                // A batch has less than a hundred bytes.
                let isWhole = try read.batches().count == 60 - Int(offset / 2)
                #expect(isWhole || read.records.count > maxBytes - 100)
                #expect(read.records.count <= maxBytes)
            }
        }
        #expect(try log.values(from: 0, maxBytes: 400).count == 120)
    }

    @Test func `an index that is found wrong is made anew in the background`() throws {
        let (log, sound) = try reopened(after: fill, moveByOne)
        _ = try log.read(from: 0, maxBytes: 700)
        #expect(jobs.count == 1)
        _ = try log.read(from: 50, maxBytes: 700)
        #expect(jobs.count == 1)
        jobs.run()
        #expect(disk.contents(path) == sound)
        _ = try log.read(from: 0, maxBytes: 700)
        #expect(jobs.count == 0)
    }

    @Test(arguments: [0, 10, -1]) func `an index without entries, or with too few, is made anew`(kept: Int) throws {
        let before = try LogBench(disk: disk).open(config)
        let value = String(repeating: "x", count: 60_000)
        for _ in 0..<100 { try before.append([value]) }
        try before.close()
        let sound = try #require(disk.contents(path))
        #expect(sound.count == 99 * OffsetIndex.entrySize)
        let zeros = [UInt8](repeating: 0, count: sound.count)
        disk.plant(path, kept < 0 ? zeros : Array(sound.prefix(kept * OffsetIndex.entrySize)))
        let log = try LogBench(disk: disk, background: jobs.add).open(config, clean: true)
        // Between two entries there can be some batches.
        _ = try log.read(from: 20, maxBytes: 1)
        #expect(jobs.count == 0)
        _ = try log.read(from: 99, maxBytes: 1)
        #expect(jobs.count == 1)
        jobs.run()
        #expect(disk.contents(path) == sound)
        _ = try log.read(from: 99, maxBytes: 1)
        #expect(jobs.count == 0)
    }

    @Test func `an index for which there is no room now is made anew later`() throws {
        let log = try reopened(after: fill, moveByOne).log
        _ = try log.read(from: 0, maxBytes: 700)
        disk.inject(InjectedError(operation: .truncate, part: ".index", code: 28))
        jobs.run()
        _ = try log.read(from: 0, maxBytes: 700)
        #expect(jobs.count == 0)
        log.repairIndexesLater()
        _ = try log.read(from: 0, maxBytes: 700)
        #expect(jobs.count == 1)
        jobs.run()
        _ = try log.read(from: 0, maxBytes: 700)
        #expect(jobs.count == 0)
    }

    @Test func `what is appended before an index is made anew is in it`() throws {
        let log = try reopened(after: fill, clearOffset).log
        #expect(try log.values(from: 20, maxBytes: 300).count == 100)
        for index in 0..<20 { try log.append(["later \(index)"]) }
        jobs.run()
        for index in 20..<40 { try log.append(["later \(index)"]) }
        let segment = try #require(log.published.withLock { $0.segments.last })
        let entries = try segment.files.offsetIndex.entries(0..<1000)
        #expect(entries.count > 16)
        for entry in entries {
            guard case .files(let regions) = try log.read(from: entry.offset, maxBytes: 1).records else { continue }
            #expect(regions.first?.position == entry.position)
        }
        #expect(entries.map(\.position) == entries.map(\.position).sorted())
        #expect(try log.values(from: 0, maxBytes: 300).count == 160)
    }

    @Test func `aborted transactions are told whatever the index says of offsets`() throws {
        let (log, _) = try reopened(
            after: { log in
                for sequence in 0..<30 {
                    var options = BatchOptions()
                    options.producerId = 1
                    options.producerEpoch = 0
                    options.baseSequence = Int32(sequence)
                    options.isTransactional = true
                    try log.append(["value \(sequence)"], options: options)
                }
                let marker = EndTransactionMarker(isCommit: false, coordinatorEpoch: 0)
                let batch = try marker.batch(producerId: 1, producerEpoch: 0, timestampMs: 1)
                _ = try log.append(batch, leaderEpoch: 0, origin: .coordinator)
                for index in 0..<30 { try log.append(["after \(index)"]) }
            }, clearOffset)
        for offset in Int64(0)..<30 {
            let read = try log.read(from: offset, maxBytes: 400, upTo: 61)
            let found = try log.abortedTransactions(in: read, from: offset, upTo: 61)
            #expect(found.map(\.firstOffset) == [0], "from \(offset)")
        }
        let last = try log.read(from: 40, maxBytes: 400, upTo: 61)
        #expect(try log.abortedTransactions(in: last, from: 40, upTo: 61).isEmpty)
    }
}
