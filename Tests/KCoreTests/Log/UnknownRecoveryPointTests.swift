import Testing

@testable import KCore

/// Starts after a crash with a recovery point checkpoint that cannot be read: what had been promised is not known.
@Suite struct UnknownRecoveryPointTests {
    private let disk = SimulatedDisk()
    private let partition = TopicPartition(topic: "t", partition: 0)
    private static let checkpoint = "/a/recovery-point-offset-checkpoint"

    private func start() throws -> LogManager {
        var config = LogConfig()
        config.segmentBytes = 200
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: ManualClock(), background: { $0() })
        manager.load { [config] _ in config }
        if manager.log(for: partition) == nil, disk.contents(Self.checkpoint) == nil {
            _ = try manager.createLog(partition, topicId: nil, config: config)
        }
        return manager
    }

    /// Four segments of two batches each and the process gone; in `segment` a byte of the first batch is wrong.
    private func crash(damaging segment: Int64, checkpoint: String?) throws -> [String: [UInt8]] {
        let manager = try start()
        let log = try #require(manager.log(for: partition))
        for index in 0..<8 { try log.append(["value \(index)"]) }
        #expect(log.segmentCount == 4)
        try log.flush()
        manager.checkpointAll()
        disk.restart()
        let path = "/a/t-0/" + SegmentFileKind.log.fileName(baseOffset: segment)
        disk.flip(path, bit: 3, at: 70)
        if let checkpoint {
            disk.plant(Self.checkpoint, Array(checkpoint.utf8))
        } else {
            try disk.remove(Self.checkpoint)
        }
        return segments()
    }

    private func segments() -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for path in disk.paths where path.hasSuffix(".log") { found[path] = disk.contents(path) }
        return found
    }

    @Test func `damage with whole segments behind it is not taken for an unfinished write, however often it is tried`()
        throws
    {
        let before = try crash(damaging: 2, checkpoint: "garbage")
        for _ in 0..<2 {
            let manager = try start()
            #expect(manager.log(for: partition) == nil)
            #expect(segments() == before)
            manager.shutdown()
            #expect(segments() == before)
            disk.restart()
        }
        // The byte is put right, and all is there.
        disk.flip("/a/t-0/00000000000000000002.log", bit: 3, at: 70)
        let manager = try start()
        #expect(try manager.log(for: partition)?.values() == (0..<8).map { "value \($0)" })
        manager.shutdown()
        #expect(disk.contents(Self.checkpoint).map { String(decoding: $0, as: UTF8.self) } == "0\n1\nt 0 8\n")
    }

    @Test(arguments: ["0\n1\nt 0 8x\n", "0\n1\nt 0x 8\n", "0\n1\nt 0 -8\n", "0\n1\nt -1 8\n"])
    func `an entry that is damaged does not say that nothing had been promised`(checkpoint: String) throws {
        let before = try crash(damaging: 2, checkpoint: checkpoint)
        let manager = try start()
        #expect(manager.log(for: partition) == nil)
        #expect(segments() == before)
    }

    @Test func `the other logs of the directory have their recovery points written, and the damaged one stays refused`()
        throws
    {
        _ = try crash(damaging: 2, checkpoint: "garbage")
        let manager = try start()
        let other = try manager.createLog(
            TopicPartition(topic: "u", partition: 0), topicId: nil, config: LogConfig())
        try other.append(["a"])
        try other.flush()
        #expect(other.environment.checkpoint().isWritten)
        // The damage is in front of offset 4.
        let text = disk.contents(Self.checkpoint).map { String(decoding: $0, as: UTF8.self) }
        #expect(text == "0\n2\nt 0 4\nu 0 1\n")
        disk.restart()
        #expect(try start().log(for: partition) == nil)
    }

    @Test func `of several damaged places each has to be put right before anything is taken for a torn end`() throws {
        _ = try crash(damaging: 2, checkpoint: "garbage")
        let second = "/a/t-0/00000000000000000004.log"
        disk.flip(second, bit: 3, at: 70)
        let first = try start()
        #expect(first.log(for: partition) == nil)
        first.checkpointAll()
        #expect(disk.contents(Self.checkpoint).map { String(decoding: $0, as: UTF8.self) } == "0\n1\nt 0 6\n")
        disk.restart()
        disk.flip("/a/t-0/00000000000000000002.log", bit: 3, at: 70)
        let before = segments()
        let manager = try start()
        #expect(manager.log(for: partition) == nil)
        manager.shutdown()
        #expect(segments() == before)
        disk.flip(second, bit: 3, at: 70)
        #expect(try start().log(for: partition)?.values() == (0..<8).map { "value \($0)" })
    }

    @Test func `a torn end is cut all the same`() throws {
        _ = try crash(damaging: 6, checkpoint: "garbage")
        #expect(try start().log(for: partition)?.values() == (0..<6).map { "value \($0)" })
    }

    @Test func `without the file nothing had been promised`() throws {
        _ = try crash(damaging: 2, checkpoint: nil)
        #expect(try start().log(for: partition)?.values() == ["value 0", "value 1"])
    }
}
