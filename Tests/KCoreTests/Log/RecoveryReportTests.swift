import Synchronization
import Testing

@testable import KCore

/// What is said of segments that a recovery does not keep.
@Suite struct RecoveryReportTests {
    private let bench = LogBench()

    private var config: LogConfig {
        var config = LogConfig()
        config.segmentBytes = 400
        return config
    }

    private func path(_ base: Int64) -> String {
        bench.path + "/" + SegmentFileKind.log.fileName(baseOffset: base)
    }

    private func size(_ base: Int64) -> Int64 { Int64(bench.disk.contents(path(base))?.count ?? 0) }

    /// Where the segments of a log of thirty records begin.
    private func fill() throws -> [Int64] {
        let log = try bench.open(config)
        for index in 0..<30 { try log.append(["value \(index)"]) }
        return log.published.withLock { $0.segments.map(\.baseOffset) }
    }

    private func recover() throws -> (log: Log, recovery: LogRecovery, lines: [String]) {
        let capture = PipeCapture()
        let fresh = LogBench(disk: bench.disk)
        var environment = fresh.environment
        environment.logger = Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor))
        let (log, recovery) = try LogLoader(
            topicPartition: bench.topicPartition, folder: PartitionFolder(path: bench.path, files: environment.files),
            environment: environment, config: config
        ).loadTelling()
        let lines = capture.text.split(separator: "\n").map(String.init).filter { $0.contains("segments are removed") }
        return (log, recovery, lines)
    }

    @Test func `segments behind a gap are named and counted`() throws {
        let bases = try fill()
        #expect(bases.count >= 4)
        let gone = size(bases[1])
        let rest = bases[2...].reduce(0) { $0 + size($1) }
        try bench.disk.remove(path(bases[1]))
        let (log, recovery, lines) = try recover()
        #expect(log.logEndOffset == bases[1])
        #expect(recovery.removedBytes == rest && gone > 0)
        #expect(recovery.bytes == size(0) + rest)
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(line.contains("WARN") && line.contains("partition=t-0"))
        #expect(line.contains("segments=\(bases.count - 2) bytes=\(rest) from=\(bases[2])"))
        #expect(line.contains("offsets \(bases[1]) to \(bases[2] - 1) are missing"))
    }

    @Test func `segments that begin before the one in front ends are named and counted`() throws {
        let bases = try fill()
        let contents = try #require(bench.disk.contents(path(bases[1])))
        // One that a truncation had removed, and that came back with the power.
        bench.disk.plant(path(bases[1] - 2), contents)
        let rest = bases[1...].reduce(0) { $0 + size($1) } + Int64(contents.count)
        let (log, recovery, lines) = try recover()
        #expect(log.logEndOffset == bases[1])
        #expect(recovery.removedBytes == rest)
        let line = try #require(lines.first)
        #expect(line.contains("segments=\(bases.count) bytes=\(rest) from=\(bases[1] - 2)"))
        #expect(line.contains("the log in front of them ends at \(bases[1])"))
    }

    @Test func `segments behind what was cut off are named and counted`() throws {
        let bases = try fill()
        let first = size(0)
        bench.disk.flip(path(0), bit: 0, at: Int(first) - 1)
        let rest = bases[1...].reduce(0) { $0 + size($1) }
        let (log, recovery, lines) = try recover()
        #expect(log.logEndOffset == bases[1] - 1)
        #expect(recovery.removedBytes == rest + first - size(0))
        let line = try #require(lines.first)
        #expect(line.contains("segments=\(bases.count - 1) bytes=\(rest) from=\(bases[1])"))
    }
}
