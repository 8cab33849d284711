import Testing

@testable import KCore

/// Base offsets in which a bit has tipped over: the checksum of a batch does not cover its offset.
@Suite struct OffsetDamageTests {
    private let bench = LogBench()

    private var config: LogConfig {
        var config = LogConfig()
        config.segmentBytes = 200
        return config
    }

    private func path(_ base: Int64) -> String {
        bench.path + "/" + SegmentFileKind.log.fileName(baseOffset: base)
    }

    /// Three segments of two batches of one record each, the process stopped, and in the segment that begins at `base` a bit
    /// of the second batch's offset another one.
    private func damage(bit: Int, inSegment base: Int64) throws {
        let log = try bench.open(config)
        for index in 0..<6 { try log.append(["value \(index)"]) }
        #expect(log.segmentCount == 3)
        try log.close()
        let size = try #require(bench.disk.contents(path(base))).count
        bench.disk.flip(path(base), bit: bit % 8, at: size / 2 + 7 - bit / 8)
    }

    private func refusal(_ body: () throws -> Void) -> LogError? {
        do {
            try body()
            return nil
        } catch {
            return error as? LogError
        }
    }

    @Test(arguments: [62, 40, 31]) func `a log does not go on behind an offset that no batch can have`(bit: Int) throws
    {
        try damage(bit: bit, inSegment: 4)
        let before = bench.disk.contents(path(4))
        let error = refusal { _ = try LogBench(disk: bench.disk).open(config, recoveryPoint: 6, clean: true) }
        #expect(error?.message.contains(path(4)) == true)
        #expect(bench.disk.contents(path(4)) == before)
    }

    @Test(arguments: [62, 40, 31, 2])
    func `who reads a batch with an offset that it cannot have is told that it is damaged`(bit: Int) throws {
        try damage(bit: bit, inSegment: 2)
        let log = try LogBench(disk: bench.disk).open(config, clean: true)
        #expect(refusal { _ = try log.read(from: 3, maxBytes: 1) }?.code == .corruptMessage)
        #expect(try log.values(from: 4) == ["value 4", "value 5"])
        #expect(try log.values(from: 0, maxBytes: 1, upTo: 3) == ["value 0", "value 1", "value 2"])
    }

    @Test func `at the end of all offsets an append is refused`() throws {
        let log = try bench.open()
        try log.truncateFullyAndStart(at: .max - 3)
        #expect(refusal { try log.append(["a", "b", "c", "d"]) }?.code == .kafkaStorageError)
    }
}
