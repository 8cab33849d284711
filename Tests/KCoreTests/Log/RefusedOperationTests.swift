import Glibc
import Synchronization
import Testing

@testable import KCore

/// A disk that refuses something for a reason that passes: too much is open, or there is no room for a name.
@Suite struct RefusedOperationTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()
    private let partition = TopicPartition(topic: "orders", partition: 0)

    private func open(_ directories: [String] = ["/a"]) throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: directories), disk: disk, clock: clock, background: { _ in })
        manager.load { _ in LogConfig() }
        return manager
    }

    private func filled(_ count: Int = 6, in directories: [String] = ["/a"]) throws -> (LogManager, Log) {
        let manager = try open(directories)
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        for index in 0..<count { try log.append(["value \(index)"]) }
        try log.flush()
        manager.checkpointAll()
        return (manager, log)
    }

    /// The directory cannot be opened, so that nothing that is renamed in it can be made to last.
    private func refuseSyncs(of directory: String, times: Int) {
        disk.inject(InjectedError(operation: .open, part: directory, isWhole: true, code: EMFILE, times: times))
    }

    @Test(arguments: 0..<20) func `a checkpoint that may come back with the power is not relied on`(seed: UInt64) throws
    {
        let (manager, log) = try filled()
        try log.append(["more"])
        try log.flush()
        refuseSyncs(of: "/a", times: 2)
        manager.checkpointAll()
        #expect(!manager.hasOfflineDirectory)
        try log.truncate(to: 6)
        var random = SimulatedDisk.Random(seed: seed)
        disk.crash(&random)
        let again = try #require(try open().log(for: partition))
        #expect(again.logEndOffset == 6)
    }

    @Test func `nothing is cut off as long as the promise of it cannot be taken back`() throws {
        let (manager, log) = try filled()
        refuseSyncs(of: "/a", times: .max)
        for _ in 0..<2 {
            #expect { try log.truncate(to: 3) } throws: { ($0 as? LogError)?.isTransient == true }
            #expect(log.logEndOffset == 6 && log.recoveryPoint == 6 && !manager.hasOfflineDirectory)
        }
        try log.append(["goes on"])
        disk.clearErrors()
        try log.truncate(to: 3)
        #expect(log.logEndOffset == 3)
    }

    @Test func `a new log is not made while an earlier one of its name may come back in a checkpoint`() throws {
        let manager = try filled().0
        try manager.deleteLog(partition)
        refuseSyncs(of: "/a", times: 4)
        #expect { try manager.createLog(partition, topicId: nil, config: LogConfig()) } throws: {
            ($0 as? LogError)?.isTransient == true
        }
        disk.clearErrors()
        #expect(try manager.createLog(partition, topicId: nil, config: LogConfig()).logEndOffset == 0)
    }

    @Test func `partitions whose directories could not be made to last leave none behind`() throws {
        let manager = try open(["/a", "/b"])
        refuseSyncs(of: "/a", times: 1)
        refuseSyncs(of: "/b", times: 1)
        let names = (0..<4).map { TopicPartition(topic: "t", partition: $0) }
        manager.createLogs(names, topicId: nil, config: LogConfig())
        #expect(names.allSatisfy { manager.log(for: $0) == nil } && !manager.hasOfflineDirectory)
        for path in ["/a", "/b"] { #expect(try disk.list(path).allSatisfy { !$0.isDirectory }) }
        for name in names { _ = try manager.createLog(name, topicId: nil, config: LogConfig()) }
    }

    @Test(arguments: 0..<16) func `a swap for which there is no room is finished by the next cleaning`(skip: Int) throws
    {
        let bench = try CleaningBench()
        for round in 0..<12 { try bench.put((0..<3).map { "key \($0)=value \(round) \($0)" }) }
        try bench.roll()
        try bench.log.flush()
        let before = bench.bench.disk
        before.inject(InjectedError(operation: .rename, part: ".log", code: ENOSPC, skip: skip, times: 2))
        bench.clean()
        #expect(!bench.log.isOffline)
        before.clearErrors()
        try bench.put("key 9=last")
        bench.clean()
        let wanted = ["33:key 0=value 11 0", "34:key 1=value 11 1", "35:key 2=value 11 2", "36:key 9=last"]
        #expect(try bench.contents() == wanted)
        try bench.log.flush()
        var random = SimulatedDisk.Random(seed: UInt64(skip))
        before.crash(&random)
        try bench.reopen()
        #expect(try bench.contents() == wanted)
        #expect(!bench.files.contains { $0.contains(".swap") || $0.contains(".cleaned") })
    }

    @Test func `what retention has taken stays gone, though its files have their names still`() throws {
        var config = LogConfig()
        config.segmentBytes = 200
        config.retentionBytes = 200
        let manager = try open()
        let log = try manager.createLog(partition, topicId: nil, config: config)
        for index in 0..<12 { try log.append(["value \(index)"]) }
        disk.inject(InjectedError(operation: .rename, part: "/orders-0/", code: ENOSPC))
        #expect(throws: LogError.self) { try log.deleteOldSegments(nowMs: clock.wallMs) }
        let start = log.logStartOffset
        #expect(start > 0)
        try log.flush()
        manager.checkpointAll()
        disk.restart()
        #expect(try open().log(for: partition)?.logStartOffset == start)
    }

    // MARK: Moved

    private func move(from: String, to: String) {
        disk.state.withLock { $0.names.move("\(from)/orders-0", to: to) }
    }

    @Test(arguments: 0..<20) func `a start that dies takes nothing of what it knew of a partition that was moved`(
        operations: Int
    ) throws {
        let (manager, log) = try filled(in: ["/a"])
        log.highWatermark = 6
        try log.advanceStartOffset(to: 3)
        manager.shutdown()
        try open(["/b"]).shutdown()
        move(from: "/a", to: "/b")
        disk.failAfter(operations)
        _ = try? open(["/a", "/b"])
        disk.restart()
        #expect(try open(["/a", "/b"]).log(for: partition)?.logStartOffset == 3, "after \(operations) operations")
    }

    @Test func `a partition that was moved back has the start that it had last`() throws {
        let (manager, log) = try filled(in: ["/a"])
        log.highWatermark = 6
        try log.advanceStartOffset(to: 3)
        manager.shutdown()
        try open(["/b"]).shutdown()
        move(from: "/a", to: "/b")
        let second = try open(["/a", "/b"])
        try #require(second.log(for: partition)).advanceStartOffset(to: 5)
        second.checkpointAll()
        disk.restart()
        move(from: "/b", to: "/a")
        #expect(try open(["/a", "/b"]).log(for: partition)?.logStartOffset == 5)
    }

    @Test func `a partition that came into a directory which was stopped cleanly is recovered all the same`() throws {
        // Its own directory never wrote a checkpoint, the other has.
        let other = try open(["/b"])
        _ = try other.createLog(TopicPartition(topic: "other", partition: 0), topicId: nil, config: LogConfig())
        other.shutdown()
        let manager = try open(["/a"])
        let log = try manager.createLog(partition, topicId: nil, config: LogConfig())
        for index in 0..<6 { try log.append(["value \(index)"]) }
        disk.restart()
        let path = "/a/orders-0/00000000000000000000.log"
        disk.plant(path, try #require(disk.contents(path)).dropLast(3) + [])
        move(from: "/a", to: "/b")
        let again = try #require(try open(["/a", "/b"]).log(for: partition))
        #expect(again.logEndOffset == 5)
        #expect(try again.values() == (0..<5).map { "value \($0)" })
    }
}
