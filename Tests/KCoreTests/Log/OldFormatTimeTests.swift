import Testing

@testable import KCore

/// Times are looked up in messages of formats 0 and 1 as in batches: a directory can still have them.
@Suite struct OldFormatTimeTests {
    private let bench = LogBench()
    private static let start: Int64 = 1_700_000_000_000
    private static let count: Int64 = 400

    /// Times go up and down a little.
    private static func records() -> [Record] {
        (0..<count).map { offset in
            Record(
                offset: offset, timestamp: start + offset * 10 + (offset * 7 % 5) * 20, key: Bytes("key"),
                value: Bytes("a value of some length, so that an index has entries: \(offset)"))
        }
    }

    /// Messages as brokers of the time wrote them, five to a compressed set.
    private static func file(magic: Int8, _ codec: CompressionCodec) throws -> [UInt8] {
        var contents: [UInt8] = []
        let records = records()
        for start in stride(from: 0, to: records.count, by: 5) {
            var builder = try LegacySetBuilder(magic: magic, compression: codec, baseOffset: Int64(start))
            for record in records[start..<start + 5] {
                try record.key?.withUnsafeBytes { key in
                    try record.value?.withUnsafeBytes { value in
                        try builder.append(offset: record.offset, timestamp: record.timestamp, key: key, value: value)
                    }
                }
            }
            contents += try builder.close().array
        }
        return contents
    }

    private func open(magic: Int8, _ codec: CompressionCodec) throws -> Log {
        bench.disk.plant(bench.path + "/00000000000000000000.log", try Self.file(magic: magic, codec))
        return try bench.open()
    }

    @Test(arguments: [CompressionCodec.none, .gzip])
    func `the first record of a time or later is found in messages of format 1`(codec: CompressionCodec) throws {
        let log = try open(magic: 1, codec)
        let records = Self.records()
        #expect(log.logEndOffset == Self.count)
        for time in stride(from: Self.start - 10, to: Self.start + 4200, by: 7) {
            let expected = records.first { $0.timestamp >= time }
            let found = try log.offset(forTimestamp: time)
            #expect(found?.offset == expected?.offset && found?.timestamp == expected?.timestamp, "\(time)")
        }
        for end in [Int64(5), 200, Self.count] {
            let seen = records.filter { $0.offset < end }
            let largest = seen.map(\.timestamp).max()
            let found = try log.maxTimestamp(upTo: end)
            #expect(found?.timestamp == largest)
            #expect(found?.offset == seen.first { $0.timestamp == largest }?.offset)
        }
        // What recovery has made of the indexes is on the disk when the log is closed.
        try log.close()
        #expect(try #require(bench.disk.contents(bench.path + "/00000000000000000000.timeindex")).count > 12)
    }

    @Test(arguments: [CompressionCodec.none, .gzip])
    func `messages of format 0 have no time`(codec: CompressionCodec) throws {
        let log = try open(magic: 0, codec)
        #expect(try log.offset(forTimestamp: 0) == nil)
        #expect(try log.maxTimestamp() == nil)
    }
}
