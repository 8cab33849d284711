import Testing

@testable import KCore

/// Logs that are sound, with time indexes that are not.
@Suite struct TimeIndexDamageTests {
    private let disk = SimulatedDisk()
    private static let startMs: Int64 = 1_700_000_000_000

    private func config() -> LogConfig {
        var config = LogConfig()
        config.segmentBytes = 1500
        config.indexIntervalBytes = 100
        return config
    }

    /// Opens the log of records that are a second apart, after a clean stop and what `change` does to its time indexes.
    private func reopened(_ change: (inout [UInt8]) -> Void) throws -> Log {
        let log = try LogBench(disk: disk).open(config())
        for index in Int64(0)..<60 {
            try log.append(["value"], timestamp: TimeIndexDamageTests.startMs + index * 1000)
        }
        try log.close()
        let paths = disk.paths.filter { $0.hasSuffix(".timeindex") }
        #expect(paths.count > 2)
        for path in paths {
            var bytes = try #require(disk.contents(path))
            #expect(bytes.count >= 3 * TimeIndex.entrySize)
            change(&bytes)
            disk.plant(path, bytes)
        }
        return try LogBench(disk: disk).open(config(), clean: true)
    }

    private static let changes: [(String, @Sendable (inout [UInt8]) -> Void)] = [
        ("empty", { $0 = [] }),
        ("zeroed", { $0 = [UInt8](repeating: 0, count: $0.count) }),
        ("cut", { $0.removeLast($0.count / 2) }),
        // The timestamps' highest byte that is not zero.
        ("too small", { for entry in stride(from: 0, to: $0.count, by: TimeIndex.entrySize) { $0[entry + 2] = 0 } }),
        (
            "too large offsets",
            { for entry in stride(from: 0, to: $0.count, by: TimeIndex.entrySize) { $0[entry + 11] += 4 } }
        ),
    ]

    @Test(arguments: 0..<5) func `a record is found by its time whatever the index says`(number: Int) throws {
        let (name, change) = TimeIndexDamageTests.changes[number]
        let log = try reopened(change)
        for index in stride(from: Int64(0), to: 60, by: 7) {
            let timestamp = TimeIndexDamageTests.startMs + index * 1000
            #expect(try log.offset(forTimestamp: timestamp)?.offset == index, "\(name)")
            #expect(try log.firstBatch(youngerThan: timestamp - 1) == index, "\(name)")
        }
        #expect(try log.maxTimestamp()?.offset == 59, "\(name)")
        #expect(try log.offset(forTimestamp: TimeIndexDamageTests.startMs + 60_000) == nil)
    }
}
