import Synchronization
import Testing

@testable import KCore

@Suite struct RecoveryTests {
    private var small: LogConfig {
        var config = LogConfig()
        config.segmentBytes = 400
        config.indexIntervalBytes = 100
        return config
    }

    @Test func `a last batch torn at any byte is cut off, what is before it stays`() throws {
        let bench = LogBench()
        let log = try bench.open()
        for index in 0..<3 { try log.append(["value \(index)"]) }
        let path = bench.path + "/00000000000000000000.log"
        let whole = try #require(bench.disk.contents(path))
        let last = try #require(try log.read(from: 2, maxBytes: 1).batches().first).count
        for size in (whole.count - last)..<whole.count {
            let disk = SimulatedDisk()
            disk.plant(path, Array(whole[..<size]))
            let again = try LogBench(disk: disk).open()
            #expect(again.logEndOffset == 2)
            #expect(try again.values() == ["value 0", "value 1"])
            #expect(disk.contents(path)?.count == whole.count - last)
            try again.append(["next"])
            #expect(try again.values() == ["value 0", "value 1", "next"])
        }
    }

    @Test func `a damaged byte anywhere in the last batch cuts it off`() throws {
        let bench = LogBench()
        let log = try bench.open()
        for index in 0..<2 { try log.append(["value \(index)"]) }
        let path = bench.path + "/00000000000000000000.log"
        let whole = try #require(bench.disk.contents(path))
        let start = whole.count / 2
        for position in start..<whole.count {
            // Offset and leader epoch are not part of the checksum.
            let inBatch = position - start
            if (0..<8).contains(inBatch) || (12..<16).contains(inBatch) { continue }
            var damaged = whole
            damaged[position] ^= 0x41
            let disk = SimulatedDisk()
            disk.plant(path, damaged)
            let again = try LogBench(disk: disk).open()
            #expect(try again.values() == ["value 0"], "byte \(position)")
        }
    }

    @Test func `a base offset that no log reaches is damage, whatever its bytes`() throws {
        let bench = LogBench()
        let log = try bench.open()
        for index in 0..<2 { try log.append(["value \(index)", "and another"]) }
        let path = bench.path + "/00000000000000000000.log"
        let whole = try #require(bench.disk.contents(path))
        for high in [
            [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE],
        ] {
            var damaged = whole
            damaged.replaceSubrange(whole.count / 2..<whole.count / 2 + 8, with: high.map { UInt8($0) })
            let disk = SimulatedDisk()
            disk.plant(path, damaged)
            #expect(try LogBench(disk: disk).open().logEndOffset == 2)
        }
    }

    @Test func `garbage behind the last batch is cut off`() throws {
        let bench = LogBench()
        let log = try bench.open()
        try log.append(["a"])
        let path = bench.path + "/00000000000000000000.log"
        let whole = try #require(bench.disk.contents(path))
        for garbage in [[UInt8](repeating: 0, count: 4096), [UInt8](repeating: 0xFF, count: 100), [2]] {
            let disk = SimulatedDisk()
            disk.plant(path, whole + garbage)
            let again = try LogBench(disk: disk).open()
            #expect(try again.values() == ["a"])
            #expect(disk.contents(path)?.count == whole.count)
        }
    }

    @Test(arguments: UInt64(0)..<40) func `what a failed fsync has left in memory is not taken for written`(
        seed: UInt64
    ) throws {
        let bench = LogBench()
        bench.disk.state.withLock { $0.random = SimulatedDisk.Random(seed: seed) }
        let log = try bench.open()
        try log.append(["a"])
        try log.flush()
        try log.append(["b"])
        bench.disk.inject(InjectedError(operation: .sync, part: ".log", code: 5))
        #expect(throws: LogError.self) { try log.flush() }
        // The disk is well again, the machine was never off.
        bench.disk.restart()
        let again = try LogBench(disk: bench.disk).open(recoveryPoint: 1)
        let found = try again.values()
        try again.append(["c"])
        try again.flush()
        var random = SimulatedDisk.Random(seed: seed)
        bench.disk.crash(&random)
        let last = try LogBench(disk: bench.disk).open(recoveryPoint: again.recoveryPoint)
        #expect(try last.values() == found + ["c"])
    }

    @Test func `segments below the recovery point are not read`() throws {
        let bench = LogBench()
        let log = try bench.open(small)
        for index in 0..<30 { try log.append(["value \(index)"]) }
        try log.flush()
        #expect(log.recoveryPoint == 30)
        // Damage that only reading would find.
        let first = bench.path + "/00000000000000000000.log"
        var contents = try #require(bench.disk.contents(first))
        contents[70] ^= 1
        bench.disk.plant(first, contents)
        let again = try LogBench(disk: bench.disk).open(small, recoveryPoint: 30)
        #expect(again.logEndOffset == 30)
        #expect(again.recoveryPoint == 30)
    }

    @Test func `damage in what had been flushed is reported, and nothing is cut`() throws {
        let bench = LogBench()
        let log = try bench.open()
        for index in 0..<5 { try log.append(["value \(index)"]) }
        try log.flush()
        let path = bench.path + "/00000000000000000000.log"
        var contents = try #require(bench.disk.contents(path))
        contents[contents.count / 2] ^= 1
        bench.disk.plant(path, contents)
        #expect(throws: LogError.self) { try LogBench(disk: bench.disk).open(recoveryPoint: 5) }
        #expect(bench.disk.contents(path) == contents)
    }

    @Test func `what follows a cut in an earlier segment goes too`() throws {
        let bench = LogBench()
        let log = try bench.open(small)
        for index in 0..<30 { try log.append(["value \(index)"]) }
        #expect(log.segmentCount > 3)
        let first = bench.path + "/00000000000000000000.log"
        let contents = try #require(bench.disk.contents(first))
        bench.disk.plant(first, Array(contents.dropLast(3)))
        let again = try LogBench(disk: bench.disk).open(small)
        #expect(again.segmentCount == 1)
        let values = try again.values()
        #expect(values == (0..<values.count).map { "value \($0)" })
    }

    @Test func `recovery writes the indexes that appending wrote`() throws {
        let bench = LogBench()
        let log = try bench.open(small)
        for index in 0..<30 { try log.append(["value \(index)"], timestamp: Int64(1000 + index)) }
        try log.close()
        let names = bench.disk.paths.filter { $0.hasSuffix("index") }
        #expect(names.count > 6)
        let wanted = names.map { bench.disk.contents($0) }
        for name in names { bench.disk.plant(name, [1, 2, 3]) }
        let again = try LogBench(disk: bench.disk).open(small)
        try again.close()
        #expect(names.map { bench.disk.contents($0) } == wanted)
    }

    @Test func `garbage in an index does not change what is read`() throws {
        let bench = LogBench()
        let log = try bench.open(small)
        for index in 0..<60 { try log.append(["value \(index)"], timestamp: Int64(1000 + index)) }
        try log.close()
        var random = SimulatedDisk.Random(seed: 5)
        for name in bench.disk.paths where name.hasSuffix("index") {
            let count = bench.disk.contents(name)?.count ?? 0
            bench.disk.plant(name, (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        let again = try LogBench(disk: bench.disk).open(small, clean: true)
        for offset in 0..<60 {
            #expect(try again.values(from: Int64(offset), maxBytes: 100) == (offset..<60).map { "value \($0)" })
        }
    }

    /// Appends, rolls, flushes, truncates and loses power, by a seed; then looks whether what was promised is there.
    @Test(arguments: 0..<150) func `after a crash everything flushed is there, whole and in order`(seed: Int) throws {
        var random = SimulatedDisk.Random(seed: UInt64(seed))
        let disk = SimulatedDisk()
        var config = small
        config.segmentBytes = Int.random(in: 200...1500, using: &random)
        // Every value that was ever written at an offset, and what was promised to stay.
        var written: [Int64: Set<String>] = [:]
        var promised: [Int64: String] = [:]
        var point: Int64 = 0
        var start: Int64 = 0
        for life in 0..<4 {
            let bench = LogBench(disk: disk)
            let log = try bench.open(config, recoveryPoint: point, startOffset: start)
            try check(log, written, promised)
            var current: [Int64: String] = [:]
            for record in try log.records(from: log.logStartOffset) {
                current[record.offset] = record.value?.utf8String
            }
            if life < 3 { disk.failAfter(Int.random(in: 1...120, using: &random)) }
            do {
                for step in 0..<Int.random(in: 1...60, using: &random) {
                    switch Int.random(in: 0..<20, using: &random) {
                    case 0..<14:
                        let values = (0..<Int.random(in: 1...4, using: &random)).map { "\(life).\(step).\($0)" }
                        let base = log.logEndOffset
                        for (index, value) in values.enumerated() {
                            written[base + Int64(index), default: []].insert(value)
                        }
                        try log.append(values)
                        for (index, value) in values.enumerated() { current[base + Int64(index)] = value }
                    case 14..<18:
                        let before = current
                        try log.flush()
                        promised = before
                        point = log.recoveryPoint
                    case 18:
                        let target = Int64.random(in: log.logStartOffset...log.logEndOffset, using: &random)
                        // From here on the promise ends there, whether the truncation gets through or not.
                        // A batch that reaches over the target goes as a whole, and has at most four records.
                        promised = promised.filter { $0.key < target - 4 }
                        point = min(point, target)
                        try log.truncate(to: target)
                        current = current.filter { $0.key < log.logEndOffset }
                        promised = promised.filter { $0.key < log.logEndOffset }
                        point = min(point, log.logEndOffset)
                    default:
                        log.highWatermark = log.logEndOffset
                        var old = config
                        old.retentionBytes = 1000
                        log.updateConfig(old)
                        try log.deleteOldSegments(nowMs: bench.clock.wallMs)
                        start = log.logStartOffset
                        promised = promised.filter { $0.key >= start }
                    }
                }
            } catch is LogError {}
            // A crash in the middle of retention can have removed more than it could say.
            promised = promised.filter { $0.key >= log.logStartOffset }
            disk.crash(&random)
        }
        let log = try LogBench(disk: disk).open(config, recoveryPoint: point, startOffset: start)
        try check(log, written, promised)
    }

    private func check(_ log: Log, _ written: [Int64: Set<String>], _ promised: [Int64: String]) throws {
        let records = try log.records(from: log.logStartOffset)
        var next = log.logStartOffset
        for record in records {
            #expect(record.offset == next)
            #expect(written[record.offset]?.contains(record.value?.utf8String ?? "") == true)
            next = record.offset + 1
        }
        #expect(next == log.logEndOffset)
        let found = Dictionary(uniqueKeysWithValues: records.map { ($0.offset, $0.value?.utf8String) })
        for (offset, value) in promised { #expect(found[offset] == value, "offset \(offset)") }
    }

    @Test(arguments: [true, false])
    func `an empty segment that a failed roll left does not end the log`(isClean: Bool) throws {
        let bench = LogBench()
        let log = try bench.open()
        for index in 0..<5 { try log.append(["value \(index)"]) }
        try log.close()
        bench.disk.plant(bench.path + "/00000000000000000003.log", [])
        let again = try LogBench(disk: bench.disk).open(recoveryPoint: 5, clean: isClean)
        #expect(again.logEndOffset == 5)
        #expect(try again.values().count == 5)
        try again.append(["next"])
        #expect(try again.values().last == "next")
    }

    @Test func `a segment that cannot be begun leaves nothing behind`() throws {
        let bench = LogBench()
        let log = try bench.open(small)
        bench.disk.failOpens(of: ".timeindex")
        let folder = PartitionFolder(path: bench.path, files: bench.environment.files)
        #expect(throws: DiskError.self) {
            _ = try LogSegment.create(folder, baseOffset: 7, config: small, createdMs: 0)
        }
        #expect(bench.disk.contents(bench.path + "/00000000000000000007.log") == nil)
        #expect(log.logEndOffset == 0)
    }
}
