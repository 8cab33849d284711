import Testing

@testable import KCore

/// Damage that is met when a log is read: of a segment that no start looks at any more.
@Suite struct DamageWhileReadingTests {
    private let disk = SimulatedDisk()
    private let partition = TopicPartition(topic: "t", partition: 0)
    private static let startMs: Int64 = 1_700_000_000_000
    private let torn = "/a/t-0/00000000000000000000.log"

    /// A log of two batches in its first segment, the second of which is torn, and more behind.
    private func open(_ logger: Logger) throws -> Log {
        var config = LogConfig()
        config.segmentBytes = 200
        func start() throws -> LogManager {
            let manager = try LogManager(
                LogManagerOptions(directories: ["/a"]), disk: disk, clock: ManualClock(), logger: logger,
                background: { $0() })
            manager.load { [config] _ in config }
            return manager
        }
        let manager = try start()
        let log = try manager.createLog(partition, topicId: nil, config: config)
        for index in 0..<6 { try log.append(["value \(index)"], timestamp: Self.startMs + Int64(index)) }
        #expect(log.segmentCount == 3)
        manager.shutdown()
        let contents = try #require(disk.contents(torn))
        disk.plant(torn, Array(contents.dropLast(5)))
        return try #require(try start().log(for: partition))
    }

    @Test func `who reads it is told that it is damaged, and the broker's log says once where`() throws {
        let capture = PipeCapture()
        let log = try open(Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)))
        #expect(try log.read(from: 0, maxBytes: 1).batches().count == 1)
        for _ in 0..<3 {
            #expect { try log.read(from: 1, maxBytes: 100) } throws: { ($0 as? LogError)?.code == .corruptMessage }
            #expect { try log.offset(forTimestamp: Self.startMs + 1) } throws: {
                ($0 as? LogError)?.code == .corruptMessage
            }
        }
        // What is behind it can be read.
        #expect(try log.values(from: 2) == (2..<6).map { "value \($0)" })
        let position = (try #require(disk.contents(torn)).count + 5) / 2
        let lines = capture.text.split(separator: "\n").filter { $0.contains(torn) }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("ERROR") == true && lines.first?.contains("position=\(position)") == true)
    }
}
