import Synchronization
import Testing

@testable import KCore

@Suite struct OpenFilesTests {
    private let disk = SimulatedDisk()

    private func handle(_ kind: SegmentFileKind) throws -> FileHandle {
        try disk.createDirectory("/d")
        let files = OpenFiles(disk: disk, limit: 8)
        return FileHandle(PartitionFolder(path: "/d", files: files), baseOffset: 0, kind: kind)
    }

    /// Has `body` called on another thread while `open` is on its way to a disk that does not answer.
    private func whileOpening(
        _ body: @escaping @Sendable () throws(DiskError) -> Void, _ open: () throws -> Void
    ) throws -> [DiskError?] {
        let heard = Heard<DiskError?>()
        disk.interruption.withLock {
            $0 = .init { operation, _ in
                guard operation == .open else { return }
                let isDone = Monitor(false)
                let thread = Thread(name: "reader") {
                    do throws(DiskError) {
                        try body()
                        heard.add(nil)
                    } catch {
                        heard.add(error)
                    }
                    isDone.update { $0 = true }
                }
                let answered: Bool? = isDone.wait(timeoutMs: 30_000) { $0 ? true : nil }
                if answered == nil { Issue.record("who must not wait has waited for 30 s for an open file") }
                withExtendedLifetime(thread) {}
            }
        }
        try open()
        disk.interruption.withLock { $0 = nil }
        return heard.all
    }

    @Test func `who must not wait is told so while another thread opens the file`() throws {
        let handle = try handle(.log)
        let heard = try whileOpening { () throws(DiskError) in
            _ = try handle.open(waits: false)
        } _: {
            _ = try handle.open(create: true)
        }
        #expect(heard.map { $0?.isWouldWait } == [true])
    }

    @Test func `who must not wait is told so while another thread opens the index`() throws {
        let index = OffsetIndex(try handle(.offsetIndex), baseOffset: 0)
        let heard = try whileOpening { () throws(DiskError) in
            _ = try index.lookUp(5, waits: false)
        } _: {
            _ = try index.file.count()
        }
        #expect(heard.map { $0?.isWouldWait } == [true])
    }

    @Test func `the file of the last appends is not opened by who must not wait`() throws {
        let log = try LogBench(disk: disk).open()
        for index in 0..<3 { try log.append(["value \(index)"]) }
        #expect(try log.readCached(from: 1, maxBytes: 1000) != nil)
        log.closeFiles()
        #expect(try log.readCached(from: 1, maxBytes: 1000) == nil)
        #expect(try log.read(from: 1, maxBytes: 1000).batches().count == 2)
        #expect(try log.readCached(from: 1, maxBytes: 1000) != nil)
    }

    @Test func `a failed fsync of a file that was closed to make room is not forgotten`() throws {
        let files = OpenFiles(disk: disk, limit: 8)
        try disk.createDirectory("/d")
        let folder = PartitionFolder(path: "/d", files: files)
        var segments: [LogSegment] = []
        disk.failSyncs(true)
        for index in 0..<12 {
            let base = Int64(index) * 10
            let segment = try LogSegment.create(folder, baseOffset: base, config: LogConfig(), createdMs: 0)
            _ = try segment.append(
                Batches.make(["a"]), lastOffset: base, largest: TimeIndex.Entry(timestamp: 1, offset: base),
                indexIntervalBytes: 4096)
            segments.append(segment)
        }
        #expect(files.count <= 8)
        disk.failSyncs(false)
        var failed = 0
        for segment in segments {
            do throws(DiskError) {
                try segment.flushLog()
            } catch {
                #expect(error.operation == .sync)
                failed += 1
            }
        }
        #expect(failed >= 4)
    }

    @Test func `what was not flushed is safe before its file is closed to make room, and what was goes first`() throws {
        let files = OpenFiles(disk: disk, limit: 8)
        try disk.createDirectory("/d")
        let folder = PartitionFolder(path: "/d", files: files)
        var segments: [LogSegment] = []
        func write(_ number: Int, flushes: Bool) throws {
            let base = Int64(number) * 10
            let segment = try LogSegment.create(folder, baseOffset: base, config: LogConfig(), createdMs: 0)
            _ = try segment.append(
                Batches.make(["a"]), lastOffset: base, largest: TimeIndex.Entry(timestamp: 1, offset: base),
                indexIntervalBytes: 4096)
            if flushes { try segment.flushLog() }
            segments.append(segment)
        }
        for number in 0..<5 { try write(number, flushes: false) }
        for number in 5..<40 { try write(number, flushes: true) }
        #expect(segments.prefix(5).allSatisfy { $0.files.log.current != nil })
        for number in 40..<48 { try write(number, flushes: false) }
        let unsynced = segments.prefix(5) + segments.suffix(8)
        let closed = unsynced.filter { $0.files.log.current == nil }
        #expect(closed.count >= 5)
        try disk.syncDirectory("/d")
        var random = SimulatedDisk.Random(seed: 3)
        disk.crash(&random)
        for segment in closed {
            let name = SegmentFileKind.log.fileName(baseOffset: segment.baseOffset)
            #expect(disk.contents("/d/" + name)?.count == Int(segment.size))
        }
    }
}
