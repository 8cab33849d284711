import Synchronization
import Testing

@testable import KCore

/// What the broker's log says of a full disk: that it is, and that it is no more.
@Suite struct FullDiskReportTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()
    private let capture = PipeCapture()
    private let partition = TopicPartition(topic: "t", partition: 0)

    private func open() throws -> (manager: LogManager, log: Log) {
        var config = LogConfig()
        config.flushMs = 1000
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock,
            logger: Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor)), background: { $0() })
        manager.load { [config] _ in config }
        return (manager, try manager.createLog(partition, topicId: nil, config: config))
    }

    private func said(_ part: String) -> Int { capture.text.split(separator: "\n").filter { $0.contains(part) }.count }

    @Test func `an append that finds no room is told once, and so is the first that does again`() throws {
        let log = try open().log
        for round in 1...2 {
            disk.setRoom(0)
            for _ in 0..<3 { #expect(throws: LogError.self) { try log.append(["value"]) } }
            #expect(said("no room for an append") == round)
            #expect(said("there is room for appends again") == round - 1)
            disk.setRoom(nil)
            for _ in 0..<2 { try log.append(["value"]) }
            #expect(said("there is room for appends again") == round)
        }
    }

    @Test func `flushes and checkpoints that find no room are told once, however often they are tried`() throws {
        let (manager, log) = try open()
        for round in 1...2 {
            try log.append(["value"])
            // So that the flush has a file of names to write.
            log.writer.withLock { $0.epochs.isDirty = true }
            disk.setRoom(0)
            for _ in 0..<5 {
                clock.advance(ms: 60_000)
                manager.tick()
            }
            #expect(said("a log cannot be flushed") == round)
            #expect(said("a checkpoint cannot be written") > 0)
            let checkpoints = said("a checkpoint cannot be written")
            clock.advance(ms: 60_000)
            manager.tick()
            #expect(said("a checkpoint cannot be written") == checkpoints)
            disk.setRoom(nil)
            clock.advance(ms: 60_000)
            manager.tick()
            #expect(said("a log can be flushed again") == round)
            #expect(said("a checkpoint can be written again") > 0)
            #expect(log.recoveryPoint == log.logEndOffset)
        }
    }
}
