import Synchronization
import Testing

@testable import KCore

@Suite struct DelayedPartitionTests {
    // What the log asks to have done in the background is done at once.
    private let bench = LogBench(background: { $0() })
    private var clock: ManualClock { bench.clock }

    private func config(delayMs: Int64) -> LogConfig {
        var config = LogConfig()
        config.deliveryDelayMs = delayMs
        config.segmentBytes = 500
        return config
    }

    private func open(delayMs: Int64, clean: Bool = false) throws -> Partition {
        Partition(
            topicPartition: bench.topicPartition, topicId: Uuid.random(),
            log: try bench.open(config(delayMs: delayMs), clean: clean), leaderEpoch: 0, inSyncReplicas: 1)
    }

    private func append(_ partition: Partition, _ values: [String], agedMs: Int64 = 0) throws {
        _ = try partition.append(
            Batches.make(values, timestamp: clock.wallMs - agedMs), requiredAcks: 1, origin: .client)
    }

    @Test func `records are seen when they are old enough, across segments`() throws {
        let partition = try open(delayMs: 1000)
        for index in 0..<50 {
            try append(partition, ["record \(index)", "and another"])
            clock.advance(ms: 10)
        }
        #expect(partition.log.segmentCount > 3)
        #expect(partition.highWatermark == 0)
        #expect(partition.endOffset(.lastStableOffset) == 0)
        clock.advance(ms: 500)
        for index in Int64(0)..<50 {
            #expect(partition.highWatermark == (index + 1) * 2)
            #expect(partition.lastStableOffset == (index + 1) * 2)
            clock.advance(ms: 10)
        }
        #expect(partition.log.logEndOffset == 100)
    }

    @Test func `what is old by its timestamp is seen at once`() throws {
        let partition = try open(delayMs: 1000)
        try append(partition, ["old"], agedMs: 1000)
        #expect(partition.highWatermark == 1)
        try append(partition, ["half"], agedMs: 400)
        clock.advance(ms: 599)
        #expect(partition.highWatermark == 1)
        clock.advance(ms: 1)
        #expect(partition.highWatermark == 2)
    }

    @Test(arguments: [true, false]) func `a restart does not shorten the wait`(clean: Bool) throws {
        var partition = try open(delayMs: 1000)
        for _ in 0..<30 {
            try append(partition, ["a record of some length"])
            clock.advance(ms: 20)
        }
        if clean { try partition.log.close() }
        bench.disk.restart()
        partition = try open(delayMs: 1000, clean: clean)
        #expect(partition.highWatermark == 0)
        clock.advance(ms: 400)
        for seen in Int64(1)...30 {
            #expect(partition.highWatermark == seen)
            clock.advance(ms: 20)
        }
    }

    @Test(arguments: [true, false]) func `what was seen before a restart stays visible`(clean: Bool) throws {
        let disk = SimulatedDisk()
        let clock = ManualClock()
        func serve(delayMs: Int64) throws -> (LogManager, Partition) {
            let config = config(delayMs: delayMs)
            let manager = try LogManager(
                LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, background: { $0() })
            manager.load { _ in config }
            let log = try manager.createLog(bench.topicPartition, topicId: nil, config: config)
            let partition = Partition(
                topicPartition: bench.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0,
                inSyncReplicas: 1)
            return (manager, partition)
        }
        func append(_ partition: Partition, _ value: String) throws {
            _ = try partition.append(
                Batches.make([value], timestamp: clock.wallMs), requiredAcks: 1, origin: .client)
        }
        var (manager, partition) = try serve(delayMs: 0)
        for index in 0..<10 { try append(partition, "record \(index)") }
        partition.updateConfig(config(delayMs: 3_600_000))
        try append(partition, "young")
        #expect(partition.highWatermark == 10)
        if clean { manager.shutdown() } else { manager.checkpointHighWatermarks() }
        let said = disk.contents("/a/replication-offset-checkpoint").map { String(decoding: $0, as: UTF8.self) }
        #expect(said == "0\n1\nt 0 10\n")
        disk.restart()
        (manager, partition) = try serve(delayMs: 3_600_000)
        #expect(partition.highWatermark == 10)
        clock.advance(ms: 3_600_000)
        #expect(partition.highWatermark == 11)
        manager.shutdown()
    }

    @Test func `a start looks only at what nobody has seen yet`() throws {
        var partition = try open(delayMs: 1000)
        for index in 0..<50 { try append(partition, ["record \(index)"]) }
        clock.advance(ms: 1000)
        #expect(partition.highWatermark == 50)
        for index in 0..<3 { try append(partition, ["young \(index)"]) }
        try partition.log.close()
        let starts = try partition.log.segmentStarts().map(\.baseOffset)
        let first = try #require(starts.last { $0 <= 50 })
        #expect(starts.count > 5)
        for seen in [Int64(50), 53] {
            bench.disk.restart()
            let log = try bench.open(config(delayMs: 1000), highWatermark: seen, clean: true)
            let read = Heard<Int64?>()
            bench.disk.readHook.withLock { hook in
                hook = { read.add(SegmentFileKind.parse(lastComponent($0))?.baseOffset) }
            }
            partition = Partition(
                topicPartition: bench.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0,
                inSyncReplicas: 1)
            #expect(partition.highWatermark == seen)
            bench.disk.readHook.withLock { $0 = nil }
            #expect(read.all.isEmpty == (seen == 53))
            #expect(read.all.allSatisfy { $0.map { $0 >= first } == true }, "\(read.all)")
            try log.close()
        }
    }

    @Test func `a waiting fetch is given the time to look again, and woken when that changes`() throws {
        let partition = try open(delayMs: 1000)
        let woken = Inbox<String>()
        #expect(partition.wait(WaitingFetch(missingBytes: 1) { woken.add("first append") }, since: 0))
        #expect(partition.nextDueMs == .max)
        try append(partition, ["a"])
        #expect(woken.all == ["first append"])
        #expect(partition.nextDueMs == clock.wallMs + 1000)

        let fetch = WaitingFetch(missingBytes: 1) { woken.add("shorter delay") }
        #expect(partition.wait(fetch, since: 0))
        try append(partition, ["b"])
        #expect(woken.all.count == 1)
        partition.updateConfig(config(delayMs: 500))
        #expect(woken.all == ["first append", "shorter delay"])
        clock.advance(ms: 500)
        #expect(!partition.wait(fetch, since: partition.highWatermark - 2))
        #expect(partition.highWatermark == 2)
    }

    @Test func `another delay counts for what is not visible yet, and takes nothing back`() throws {
        let partition = try open(delayMs: 0)
        try append(partition, ["before"])
        #expect(partition.highWatermark == 1)
        partition.updateConfig(config(delayMs: 1000))
        #expect(partition.highWatermark == 1)
        try append(partition, ["delayed"])
        clock.advance(ms: 999)
        partition.updateConfig(config(delayMs: 5000))
        clock.advance(ms: 1)
        #expect(partition.highWatermark == 1)
        partition.updateConfig(config(delayMs: 1000))
        #expect(partition.highWatermark == 2)
        try append(partition, ["dropped delay"])
        partition.updateConfig(config(delayMs: 0))
        #expect(partition.highWatermark == 3)
        try append(partition, ["at once"])
        #expect(partition.highWatermark == 4)
    }

    @Test func `retention leaves what nobody could see yet`() throws {
        let partition = try open(delayMs: 100_000)
        for index in 0..<40 {
            try append(partition, ["record \(index)"])
            clock.advance(ms: 1000)
        }
        var config = config(delayMs: 100_000)
        config.retentionMs = 1000
        partition.updateConfig(config)
        #expect(try partition.log.deleteOldSegments(nowMs: clock.wallMs) == 0)
        clock.advance(ms: 80_000)
        #expect(try partition.log.deleteOldSegments(nowMs: clock.wallMs) > 0)
        #expect(partition.log.logStartOffset <= partition.highWatermark)
    }

    @Test func `retention leaves what was not shown yet, though it was old enough long ago`() throws {
        let jobs = JobQueue()
        let bench = LogBench(background: jobs.add)
        var config = config(delayMs: 100_000)
        config.segmentBytes = 20_000
        config.retentionMs = 1000
        let partition = Partition(
            topicPartition: bench.topicPartition, topicId: Uuid.random(), log: try bench.open(config), leaderEpoch: 0,
            inSyncReplicas: 1)
        func append() throws {
            _ = try partition.append(
                Batches.make(["x"], timestamp: bench.clock.wallMs), requiredAcks: 1, origin: .client)
        }
        let remembered = Int64(DeliveryDelay.capacity)
        for _ in 0..<remembered + 2000 {
            try append()
            bench.clock.advance(ms: 1)
        }
        bench.clock.advance(ms: 200_000)
        // Nobody has looked. What is not remembered is shown once it has been read.
        try partition.log.deleteOldSegments(nowMs: bench.clock.wallMs)
        let start = partition.log.logStartOffset
        #expect(start > 0 && start <= remembered)
        #expect(partition.highWatermark == remembered)
        for _ in 0..<10 { jobs.run() }
        #expect(partition.highWatermark == remembered + 2000)
        try partition.log.deleteOldSegments(nowMs: bench.clock.wallMs)
        #expect(partition.log.logStartOffset == remembered + 2000)
        try append()
        bench.clock.advance(ms: 100_000)
        #expect(partition.highWatermark == remembered + 2001)
    }

    @Test func `what could not be read when it was looked at is read later, though nobody appends`() throws {
        let config = config(delayMs: 1000)
        let before = try bench.open(config)
        for _ in 0..<3 { try before.append(["old"], timestamp: clock.wallMs - 500) }
        try before.close()
        bench.disk.restart()
        let log = try bench.open(config, clean: true)
        bench.disk.failOpens(of: ".log")
        let partition = Partition(
            topicPartition: bench.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0, inSyncReplicas: 1)
        clock.advance(ms: 10_000)
        #expect(partition.highWatermark == 0)
        bench.disk.failOpens(of: nil)
        #expect(partition.highWatermark == 0)
        // A parked fetch looks again then.
        #expect(partition.nextDueMs > clock.wallMs && partition.nextDueMs <= clock.wallMs + 10_000)
        clock.advance(ms: 10_000)
        #expect(partition.highWatermark == 3)
    }

    @Test func `damage delays what stands behind it in its segment, and holds up nothing else`() throws {
        var partition = try open(delayMs: 1000)
        for index in 0..<20 { try append(partition, ["record \(index + 10)"]) }
        bench.disk.setModificationTime(clock.wallMs)
        try partition.log.close()
        let starts = try partition.log.segmentStarts().map(\.baseOffset)
        #expect(starts.count > 3)
        // The format of the third batch of the first segment.
        let path = bench.path + "/" + SegmentFileKind.log.fileName(baseOffset: 0)
        let size = try #require(bench.disk.contents(path)).count / Int(starts[1])
        bench.disk.flip(path, bit: 6, at: 2 * size + RecordBatchHeader.magicPosition)
        partition = try open(delayMs: 1000, clean: true)
        clock.advance(ms: 999)
        #expect(partition.highWatermark == 0)
        clock.advance(ms: 1)
        #expect(partition.highWatermark == 20)
        #expect(try partition.log.values(from: 0, upTo: 1) == ["record 10"])
        #expect(throws: LogError.self) { try partition.log.read(from: 2, maxBytes: 1) }
        try append(partition, ["later"])
        #expect(partition.highWatermark == 20)
        clock.advance(ms: 1000)
        #expect(partition.highWatermark == 21)
    }

    @Test func `more than is remembered becomes due in time`() throws {
        let partition = try open(delayMs: 1000)
        var config = config(delayMs: 1000)
        config.segmentBytes = 1 << 20
        partition.updateConfig(config)
        let count = Int64(DeliveryDelay.capacity + 2000)
        for _ in 0..<count {
            try append(partition, ["x"])
            clock.advance(ms: 1)
        }
        for _ in 0..<1000 { clock.advance(ms: 1) }
        // Each look lets go what is due; what follows is read from the log.
        while partition.highWatermark < count {
            let due = partition.nextDueMs
            #expect(due <= clock.wallMs)
            if due > clock.wallMs { break }
        }
        #expect(partition.highWatermark == count)
    }
}
