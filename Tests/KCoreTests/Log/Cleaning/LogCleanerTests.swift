import Glibc
import Synchronization
import Testing

@testable import KCore

@Suite struct LogCleanerTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()

    private func open() throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, background: { $0() })
        manager.load { _ in CleaningBench.config }
        return manager
    }

    private func fill(_ manager: LogManager, _ number: Int32, _ count: Int) throws -> Log {
        let partition = TopicPartition(topic: "t", partition: number)
        let log = try manager.createLog(partition, topicId: nil, config: CleaningBench.config)
        for index in 0..<count {
            let builder = RecordBatchBuilder()
            try builder.append(timestamp: clock.wallMs, key: Bytes("k\(index % 3)"), value: Bytes("value \(index)"))
            _ = try log.append(try builder.close(), leaderEpoch: 0)
        }
        return log
    }

    private func map() -> OffsetMap { OffsetMap(maxBytes: 1 << 20, loadFactor: 0.9) }

    private func clean(_ manager: LogManager) -> [Int32] {
        var cleaned: [Int32] = []
        let map = map()
        manager.cleaner.forgetOthers(than: manager.logs)
        while let result = manager.cleaner.cleanNext(among: manager.logs, map: map) {
            cleaned.append(result.topicPartition.partition)
        }
        return cleaned
    }

    @Test func `the dirtiest log is cleaned first`() throws {
        let manager = try open()
        let first = try fill(manager, 0, 40)
        #expect(clean(manager) == [0])
        _ = try fill(manager, 0, 10)
        _ = try fill(manager, 1, 20)
        #expect(try first.cleanableRange(nowMs: clock.wallMs).dirtyRatio < 1)
        #expect(clean(manager) == [1, 0])
        #expect(manager.cleanerStatus.cleanings == 3)
        #expect(manager.cleanerStatus.last.count == 2)
        #expect(manager.cleanerStatus.inProgress.isEmpty)
        #expect(manager.cleanerStatus.bytesRead > 0)
    }

    @Test func `a second thread cleans another log while the first one is at work`() throws {
        let manager = try open()
        _ = try fill(manager, 0, 40)
        _ = try fill(manager, 1, 20)
        var second: CleaningResult?
        var isFirst = true
        let first = manager.cleaner.cleanNext(
            among: manager.logs, map: map(),
            pause: { _ in
                guard isFirst else { return true }
                isFirst = false
                second = manager.cleaner.cleanNext(among: manager.logs, map: self.map())
                return true
            })
        #expect(Set([first, second].map { $0?.topicPartition.partition }) == [0, 1])
        #expect(manager.cleanerStatus.inProgress.isEmpty)
    }

    @Test func `nothing is kept of what was done to logs that are gone`() throws {
        let manager = try open()
        let damaged = try fill(manager, 0, 40)
        _ = try fill(manager, 1, 40)
        damaged.closeFiles()
        disk.flip("/a/t-0/00000000000000000000.log", bit: 0, at: 150)
        #expect(clean(manager) == [1])
        #expect(manager.cleanerStatus.last.count == 1 && manager.cleanerStatus.uncleanable.count == 1)
        for number in Int32(0)..<2 { try manager.deleteLog(TopicPartition(topic: "t", partition: number)) }
        #expect(clean(manager).isEmpty)
        #expect(manager.cleanerStatus.last.isEmpty && manager.cleanerStatus.uncleanable.isEmpty)
        #expect(manager.cleanerStatus.cleanings == 1)
    }

    @Test func `where cleaning ended is kept over restarts, in Kafka's file`() throws {
        var manager = try open()
        var log = try fill(manager, 0, 40)
        #expect(clean(manager) == [0])
        let end = log.cleanedOffset.load(ordering: .acquiring)
        let text = disk.contents("/a/cleaner-offset-checkpoint").map { String(decoding: $0, as: UTF8.self) }
        #expect(text == "0\n1\nt 0 \(end)\n")
        disk.restart()
        manager = try open()
        log = try #require(manager.log(for: TopicPartition(topic: "t", partition: 0)))
        #expect(try log.cleanableRange(nowMs: clock.wallMs).firstDirtyOffset == end)
        #expect(clean(manager).isEmpty)
        try log.truncate(to: 10)
        #expect(try log.cleanableRange(nowMs: clock.wallMs).firstDirtyOffset <= 10)
        let lowered = disk.contents("/a/cleaner-offset-checkpoint").map { String(decoding: $0, as: UTF8.self) }
        #expect(lowered == "0\n1\nt 0 \(log.logEndOffset)\n")
    }

    @Test func `a checkpoint that cannot be true is not believed`() throws {
        var manager = try open()
        var log = try fill(manager, 0, 40)
        try log.advanceStartOffset(to: 20)
        for offset in [5, 1000] {
            manager.shutdown()
            disk.plant("/a/cleaner-offset-checkpoint", Array("0\n1\nt 0 \(offset)\n".utf8))
            manager = try open()
            log = try #require(manager.log(for: TopicPartition(topic: "t", partition: 0)))
            #expect(try log.cleanableRange(nowMs: clock.wallMs).firstDirtyOffset == 20)
        }
    }

    @Test func `a damaged log is left alone, the others are cleaned`() throws {
        let manager = try open()
        let log = try fill(manager, 0, 40)
        _ = try fill(manager, 1, 40)
        let before = try log.records(from: 0).count
        let path = "/a/t-0/00000000000000000000.log"
        var contents = try #require(disk.contents(path))
        contents[150] ^= 1
        log.closeFiles()
        disk.plant(path, contents)
        #expect(clean(manager) == [1])
        let reason = try #require(manager.cleanerStatus.uncleanable[log.topicPartition])
        #expect(reason.contains(path) && reason.contains("checksum") || reason.contains("CRC"))
        #expect(clean(manager).isEmpty)
        #expect(before > 0)
        // Without the segment it can be cleaned again.
        let second = log.published.withLock { $0.segments[1].baseOffset }
        try log.advanceStartOffset(to: second)
        try log.deleteOldSegments(nowMs: clock.wallMs)
        #expect(clean(manager) == [0])
        #expect(manager.cleanerStatus.uncleanable.isEmpty)
    }

    @Test func `a log is damaged, not its name`() throws {
        let manager = try open()
        let log = try fill(manager, 0, 40)
        let path = "/a/t-0/00000000000000000000.log"
        var contents = try #require(disk.contents(path))
        contents[150] ^= 1
        log.closeFiles()
        disk.plant(path, contents)
        #expect(clean(manager).isEmpty)
        #expect(manager.cleanerStatus.uncleanable.count == 1)
        try manager.deleteLog(log.topicPartition)
        _ = try fill(manager, 0, 40)
        #expect(clean(manager) == [0])
        #expect(manager.cleanerStatus.uncleanable.isEmpty)
    }

    @Test func `what came of logs that are no more is forgotten`() throws {
        let manager = try open()
        let log = try fill(manager, 0, 40)
        _ = try fill(manager, 1, 40)
        #expect(clean(manager).count == 2)
        try manager.deleteLog(log.topicPartition)
        manager.cleaner.forgetOthers(than: manager.logs)
        #expect(manager.cleanerStatus.last.keys.map(\.partition) == [1])
    }

    @Test func `nothing is cleaned while the checkpoints cannot be written`() throws {
        let manager = try open()
        let log = try fill(manager, 0, 40)
        let size = log.size
        disk.inject(
            InjectedError(operation: .write, part: OffsetCheckpoint.recoveryPointName, code: ENOSPC, times: .max))
        #expect(clean(manager).isEmpty)
        #expect(log.size == size)
        #expect(!log.isOffline)
        disk.clearErrors()
        #expect(clean(manager) == [0])
        #expect(log.size < size)
    }

    @Test func `a cleaning that fails again and again is told of once`() throws {
        let capture = PipeCapture()
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock,
            logger: Logger(component: "broker", sink: Logger.Sink(descriptor: capture.descriptor)),
            background: { $0() })
        manager.load { _ in CleaningBench.config }
        _ = try fill(manager, 0, 40)
        disk.inject(
            InjectedError(operation: .write, part: OffsetCheckpoint.recoveryPointName, code: ENOSPC, times: .max))
        for _ in 0..<3 { #expect(clean(manager).isEmpty) }
        #expect(capture.text.split(separator: "\n").filter { $0.contains("a cleaning failed") }.count == 1)
        #expect(capture.text.split(separator: "\n").filter { $0.contains("cleaning begins") }.count == 1)
        disk.clearErrors()
        #expect(clean(manager) == [0])
    }

    @Test func `the log says when a cleaning begins, and what came of it`() throws {
        let capture = PipeCapture()
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock,
            logger: Logger(component: "broker", sink: Logger.Sink(descriptor: capture.descriptor)),
            background: { $0() })
        manager.load { _ in CleaningBench.config }
        _ = try fill(manager, 0, 40)
        #expect(clean(manager) == [0])
        let said = capture.text.split(separator: "\n").filter { $0.contains(" cleaner: ") }
        #expect(said.count == 2)
        for part in ["cleaning begins", "partition=t-0", "from=0", "dirtyMB="] {
            #expect(said.first?.contains(part) == true, "\(part)")
        }
        for part in ["log cleaned", "beforeMB=", "afterMB=", "MBperSecond=", "seconds=", "keys=3", "recordsKept="] {
            #expect(said.last?.contains(part) == true, "\(part)")
        }
    }

    @Test func `a cleaning stops when it is told to, and leaves nothing behind`() throws {
        let manager = try open()
        let log = try fill(manager, 0, 40)
        let before = log.size
        #expect(manager.cleaner.cleanNext(among: manager.logs, map: map(), pause: { _ in false }) == nil)
        #expect(log.size == before)
        #expect(!disk.paths.contains { SwapFiles.isLeftover($0) })
        #expect(clean(manager) == [0])
    }

    @Test func `the throttle keeps to its rate`() {
        let throttle = CleanerThrottle(maxBytesPerSecond: 1_000_000, clock: clock)
        var pausedMs: Int64 = 0
        let started = clock.monotonicMs
        for _ in 0..<200 {
            let ms = throttle.note(50_000)
            pausedMs += ms
            clock.advance(ms: ms + 1)
        }
        let elapsed = clock.monotonicMs - started
        #expect(pausedMs > 0)
        #expect((9_500...10_500).contains(elapsed), "\(elapsed)")
        #expect(CleanerThrottle(maxBytesPerSecond: .greatestFiniteMagnitude, clock: clock).note(1 << 30) == 0)
    }

    @Test func `another rate holds at once, whatever was to be paused for the one before`() {
        let throttle = CleanerThrottle(maxBytesPerSecond: 1, clock: clock)
        #expect(throttle.note(1_000_000) > 900_000_000)
        throttle.change(maxBytesPerSecond: 1_000_000)
        #expect(throttle.note(1_000_000) == 1000)
        throttle.change(maxBytesPerSecond: .greatestFiniteMagnitude)
        #expect(throttle.note(1 << 30) == 0)
    }

    @Test func `settings change while the threads clean, wake who waits, and can bring the first thread`() throws {
        var options = LogManagerOptions(directories: ["/a"])
        // An hour, in which nothing would happen.
        options.cleaner.backoffMs = 3_600_000
        options.cleaner.threads = 0
        let manager = try LogManager(options, disk: disk, clock: clock, background: { $0() })
        manager.load { _ in CleaningBench.config }
        _ = try fill(manager, 0, 40)
        manager.startCleaning()
        var settings = options.cleaner
        settings.threads = 1
        manager.changeCleaner(settings)
        try eventually("one log is cleaned") { manager.cleanerStatus.last.count == 1 }
        _ = try fill(manager, 1, 40)
        // Nothing but the change can wake the thread.
        settings.dedupeBufferBytes = 1 << 20
        settings.threads = 2
        manager.changeCleaner(settings)
        try eventually("two logs are cleaned") { manager.cleanerStatus.last.count == 2 }
        #expect(manager.cleaner.options.mapBytes == 1 << 19)
        settings.threads = 1
        settings.maxBytesPerSecond = 1
        manager.changeCleaner(settings)
        _ = try fill(manager, 2, 40)
        settings.maxBytesPerSecond = .greatestFiniteMagnitude
        manager.changeCleaner(settings)
        try eventually("three logs are cleaned") { manager.cleanerStatus.last.count == 3 }
        manager.shutdown()
    }

    @Test func `the threads clean, and stop`() throws {
        var options = LogManagerOptions(directories: ["/a"])
        options.cleaner.threads = 2
        options.cleaner.backoffMs = 1
        let manager = try LogManager(options, disk: disk, clock: clock, background: { $0() })
        manager.load { _ in CleaningBench.config }
        for number in 0..<4 { _ = try fill(manager, Int32(number), 40) }
        manager.startCleaning()
        try eventually("four logs are cleaned") { manager.cleanerStatus.last.count == 4 }
        manager.shutdown()
        for log in manager.logs { #expect(try !log.folder.disk.list(log.folder.path).isEmpty) }
    }

    @Test func `the threads delete what is too much from logs that are compacted and deleted from`() throws {
        var options = LogManagerOptions(directories: ["/a"])
        options.cleaner.threads = 1
        options.cleaner.backoffMs = 1
        var config = CleaningBench.config
        config.cleanupPolicy = [.compact, .delete]
        config.retentionBytes = 0
        let manager = try LogManager(options, disk: disk, clock: clock, background: { $0() })
        manager.load { [config] _ in config }
        let log = try manager.createLog(TopicPartition(topic: "t", partition: 0), topicId: nil, config: config)
        for index in 0..<10 {
            let builder = RecordBatchBuilder()
            try builder.append(timestamp: clock.wallMs, key: Bytes("k\(index)"), value: Bytes("value"))
            _ = try log.append(try builder.close(), leaderEpoch: 0)
        }
        // Retention itself never comes: nobody calls `tick()`.
        manager.startCleaning()
        try eventually("everything is deleted") { log.logStartOffset == 10 }
        manager.shutdown()
    }

    @Test func `messages of old formats are compacted in their format`() throws {
        for magic in [Int8(0), 1] {
            for codec in [CompressionCodec.none, .gzip] {
                let bench = try CleaningBench()
                var sets: [UInt8] = []
                for round in 0..<3 {
                    var builder = try LegacySetBuilder(
                        magic: magic, compression: codec, baseOffset: Int64(round * 4))
                    for index in 0..<4 {
                        let key = Array("k\(index % 3)".utf8)
                        let value = Array("\(round)-\(index)".utf8)
                        try key.withUnsafeBytes { key in
                            try value.withUnsafeBytes { value in
                                try builder.append(
                                    offset: Int64(round * 4 + index), timestamp: bench.nowMs, key: key,
                                    value: round == 2 && index == 1 ? nil : value)
                            }
                        }
                    }
                    sets += try builder.close().array
                }
                let path = bench.bench.path
                try bench.log.close()
                bench.bench.disk.plant(path + "/00000000000000000000.log", sets)
                try bench.reopen()
                #expect(bench.log.logEndOffset == 12)
                try bench.roll()
                #expect(bench.clean() != nil)
                let bytes = try #require(bench.bench.disk.contents(path + "/00000000000000000000.log"))
                let records = try LegacyRecords.read(Bytes(bytes))
                #expect(records.map(\.offset) == [9, 10, 11])
                #expect(records.map { $0.value?.utf8String } == [nil, "2-2", "2-3"])
                #expect(bytes[16] == UInt8(magic))
            }
        }
    }
}
