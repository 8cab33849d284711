import Glibc
import Synchronization
import Testing

@testable import KCore

@Suite struct SwapTests {
    private func filled() throws -> CleaningBench {
        let bench = try CleaningBench()
        for index in 0..<24 { try bench.put("k\(index % 7)=\(index)", "x=\(index)") }
        try bench.put("k0", "gone")
        try bench.roll()
        try bench.log.flush()
        return bench
    }

    private func latest(_ contents: [String]) -> [String: String] {
        var values: [String: String] = [:]
        for record in contents {
            let parts = record.split(separator: ":", maxSplits: 1)[1].split(separator: "=", maxSplits: 1)
            values[String(parts[0])] = parts.count > 1 ? String(parts[1]) : nil
        }
        return values
    }

    @Test func `power lost at any moment leaves a log with every key's last value`() throws {
        let whole = try filled()
        let expected = latest(try whole.contents())
        let before = whole.bench.disk.operations
        #expect(whole.clean() != nil)
        let operations = whole.bench.disk.operations - before
        #expect(operations > 20)
        var completed = 0
        for moment in 0...operations {
            for seed in 0..<2 {
                let bench = try filled()
                let point = bench.log.recoveryPoint
                bench.bench.disk.failAfter(moment)
                _ = bench.clean()
                var random = SimulatedDisk.Random(seed: UInt64(moment * 100 + seed))
                bench.bench.disk.crash(&random)
                let fresh = LogBench(disk: bench.bench.disk, clock: bench.bench.clock)
                let again = try CleaningBench(fresh, recoveryPoint: point)
                let contents = try again.contents()
                guard latest(contents) == expected, again.log.logEndOffset == whole.log.logEndOffset else {
                    Issue.record("crash at \(moment) of \(operations), seed \(seed): \(contents)")
                    return
                }
                let leftover = again.files.filter { SwapFiles.isLeftover($0) }
                if !leftover.isEmpty { Issue.record("crash at \(moment), seed \(seed): \(leftover)") }
                if contents.count < 15 { completed += 1 }
                // What is there can be cleaned again.
                _ = again.clean()
                #expect(latest(try again.contents()) == expected)
            }
        }
        #expect(completed > 0)
    }

    @Test func `a crash of the process alone, too, at any moment`() throws {
        let whole = try filled()
        let expected = latest(try whole.contents())
        let before = whole.bench.disk.operations
        whole.clean()
        for moment in 0...(whole.bench.disk.operations - before) {
            let bench = try filled()
            let point = bench.log.recoveryPoint
            bench.bench.disk.failAfter(moment)
            _ = bench.clean()
            bench.bench.disk.restart()
            let again = try CleaningBench(
                LogBench(disk: bench.bench.disk, clock: bench.bench.clock), recoveryPoint: point)
            #expect(latest(try again.contents()) == expected, "crash at \(moment)")
        }
    }

    @Test func `files of a cleaning that was not finished are removed at start`() throws {
        let bench = try filled()
        let before = try bench.contents()
        bench.bench.disk.plant(bench.bench.path + "/00000000000000000000.log.cleaned", [1, 2, 3])
        bench.bench.disk.plant(bench.bench.path + "/00000000000000000000.index.swap", [1, 2, 3])
        try bench.reopen()
        #expect(try bench.contents() == before)
        #expect(!bench.files.contains { SwapFiles.isLeftover($0) })
    }

    @Test func `a reader that holds old segments goes on, and one that comes late sees the new ones`() throws {
        let bench = try filled()
        let read = try bench.log.read(from: 0, maxBytes: 300)
        let old = bench.log.published.withLock { $0.segments }
        #expect(bench.clean() != nil)
        #expect(try read.batches().first?.isEmpty == false)
        for segment in old.dropLast() {
            #expect(throws: LogFault.self) { try segment.file() }
        }
        #expect(try bench.log.records(from: 0).count < 15)
    }

    @Test func `reads at every moment of a swap find every key's last value`() throws {
        let bench = try filled()
        let expected = latest(try bench.contents())
        let reads = Mutex(0)
        let log = bench.log
        let isReading = Mutex(false)
        bench.bench.disk.interruption.withLock { interruption in
            interruption = SimulatedDisk.Interruption { operation, _ in
                // Renaming holds a lock that another thread would wait for.
                guard operation == .sync else { return }
                guard
                    !isReading.withLock({ isReading in
                        defer { isReading = true }
                        return isReading
                    })
                else { return }
                defer { isReading.withLock { $0 = false } }
                do {
                    let records = try log.records(from: 0)
                    var values: [String: String] = [:]
                    for record in records { values[record.key?.utf8String ?? ""] = record.value?.utf8String }
                    if values != expected { Issue.record("\(values)") }
                    reads.withLock { $0 += 1 }
                } catch {
                    Issue.record("a read failed: \(error)")
                }
            }
        }
        #expect(bench.clean() != nil)
        bench.bench.disk.interruption.withLock { $0 = nil }
        #expect(reads.withLock { $0 } > 5)
    }

    @Test func `a cleaning is thrown away when its log was truncated, and goes on when it was shortened`() throws {
        for shorten in [true, false] {
            let bench = try filled()
            let range = try bench.log.cleanableRange(nowMs: bench.nowMs)
            let cleaning = Cleaning(bench.log, range, map: bench.map, bufferBytes: 4096, nowMs: bench.nowMs)
            for _ in 0..<4 { _ = try cleaning.step() }
            if shorten {
                try bench.log.advanceStartOffset(to: 20)
                try bench.log.deleteOldSegments(nowMs: bench.nowMs)
            } else {
                try bench.log.truncate(to: 30)
            }
            let expected = latest(try bench.contents())
            var end: Cleaning.End?
            do throws(Cleaning.End) { while try cleaning.step() {} } catch { end = error }
            switch end {
            case .abandoned: #expect(!shorten)
            case nil: #expect(shorten)
            default: Issue.record("\(String(describing: end))")
            }
            #expect(!bench.files.contains { SwapFiles.isLeftover($0) })
            #expect(latest(try bench.contents()) == expected)
            _ = bench.clean()
            #expect(latest(try bench.contents()) == expected)
        }
    }

    @Test func `a log that was truncated at the end of its cleaning is not taken for cleaned`() throws {
        let bench = try filled()
        let (_, truncations) = bench.log.segmentsToClean(below: .max)
        try bench.log.truncate(to: 10)
        #expect(!bench.log.raiseCleanedOffset(to: 20, truncations: truncations))
        #expect(bench.log.cleanedOffset.load(ordering: .acquiring) < 10)
        #expect(bench.log.raiseCleanedOffset(to: 5, truncations: truncations + 1))
    }

    @Test func `a disk that is full ends a cleaning and nothing else`() throws {
        let bench = try filled()
        let before = try bench.contents()
        bench.bench.disk.setRoom(10)
        #expect(bench.clean() == nil)
        #expect(!bench.log.isOffline)
        bench.bench.disk.setRoom(nil)
        #expect(latest(try bench.contents()) == latest(before))
        #expect(!bench.files.contains { SwapFiles.isLeftover($0) })
        #expect(bench.clean() != nil)
        #expect(latest(try bench.contents()) == latest(before))
    }

    @Test func `a disk that does not sync takes the directory offline, and the old segments stay`() throws {
        let bench = try filled()
        bench.bench.disk.failSyncs(true)
        #expect(bench.clean() == nil)
        #expect(bench.log.isOffline)
        #expect(bench.files.contains("00000000000000000000.log"))
    }

    @Test(arguments: [DiskError.Operation.rename, .sync], [EIO, ENOSPC])
    func `one error at any moment of a swap loses no key`(_ operation: DiskError.Operation, _ code: Int32) throws {
        let expected = latest(try filled().contents())
        var hasSucceeded = false
        for skip in 0..<60 where !hasSucceeded {
            let bench = try filled()
            let point = bench.log.recoveryPoint
            bench.bench.disk.inject(InjectedError(operation: operation, code: code, skip: skip))
            hasSucceeded = bench.clean() != nil
            bench.bench.disk.clearErrors()
            bench.bench.disk.restart()
            let fresh = LogBench(disk: bench.bench.disk, clock: bench.bench.clock)
            let again = try CleaningBench(fresh, recoveryPoint: point)
            #expect(latest(try again.contents()) == expected, "\(operation) \(skip)")
            #expect(!again.files.contains { SwapFiles.isLeftover($0) })
        }
        #expect(hasSucceeded)
    }
}
