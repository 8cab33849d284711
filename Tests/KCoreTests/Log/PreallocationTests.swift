import Glibc
import Testing

@testable import KCore

@Suite struct PreallocationTests {
    private static let segmentBytes = 4 << 20
    private let directory = TemporaryDirectory()
    private var path: String { directory.path + "/t-0" }

    private func open() throws -> Log {
        var config = LogConfig()
        config.preallocate = true
        config.segmentBytes = Self.segmentBytes
        config.segmentMs = 1000
        let disk = SystemDisk()
        try disk.createDirectory(path)
        let files = OpenFiles(disk: disk, limit: 100)
        return try LogLoader(
            topicPartition: TopicPartition(topic: "t", partition: 0), folder: PartitionFolder(path: path, files: files),
            environment: LogEnvironment(
                files: files, clock: ManualClock(), directory: DirectoryHealth(path: directory.path),
                background: { $0() }, flusher: { $0() }, removeLater: { _, _ in }),
            config: config
        ).load()
    }

    /// Bytes that the disk keeps for the log file of a segment.
    private func reserved(_ base: Int64) throws -> Int {
        var status = stat()
        try #require(stat(path + "/" + SegmentFileKind.log.fileName(baseOffset: base), &status) == 0)
        return Int(status.st_blocks) * 512
    }

    @Test
    func `what was reserved for a segment and not used goes back when the next begins, and when the log is closed`()
        throws
    {
        let log = try open()
        try log.append(["a"], timestamp: 1_700_000_000_000)
        // Not every file system reserves.
        if try reserved(0) < Self.segmentBytes { return }
        try log.append(["b"], timestamp: 1_700_000_010_000)
        #expect(log.segmentCount == 2)
        #expect(try reserved(0) < Self.segmentBytes / 4)
        #expect(try reserved(1) >= Self.segmentBytes)
        try log.close()
        #expect(try reserved(1) < Self.segmentBytes / 4)
        #expect(try open().values() == ["a", "b"])
    }

    @Test func `of a log that nothing was appended to nothing stays reserved`() throws {
        try open().close()
        #expect(try reserved(0) < Self.segmentBytes / 4)
    }
}
