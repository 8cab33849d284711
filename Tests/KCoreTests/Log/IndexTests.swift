import Testing

@testable import KCore

@Suite struct IndexTests {
    private let disk = SimulatedDisk()

    private func handle(_ kind: SegmentFileKind, base: Int64) throws -> FileHandle {
        try disk.createDirectory("/d")
        let files = OpenFiles(disk: disk, limit: 8)
        return FileHandle(PartitionFolder(path: "/d", files: files), baseOffset: base, kind: kind)
    }

    @Test(arguments: [0, 1, 127, 128, 129, 5000]) func `an offset is looked up as a linear search finds it`(count: Int)
        throws
    {
        let index = OffsetIndex(try handle(.offsetIndex, base: 1000), baseOffset: 1000)
        let entries = (0..<count).map {
            OffsetIndex.Entry(offset: 1000 + Int64($0) * 3 + 2, position: Int64($0) * 4100)
        }
        for entry in entries { try index.append(offset: entry.offset, position: entry.position) }
        #expect(try index.file.count() == count)
        #expect(try index.lastEntry() == entries.last)
        let none = OffsetIndex.Entry(offset: 1000, position: 0)
        for offset in stride(from: Int64(1000), to: 1010 + Int64(count) * 3, by: max(1, count / 100)) {
            #expect(try index.lookUp(offset) == entries.last { $0.offset <= offset } ?? none)
        }
        for position in stride(from: Int64(0), to: Int64(count) * 4100 + 10000, by: 4100 * max(1, count / 50) + 7) {
            #expect(try index.lookUp(position: position) == entries.last { $0.position <= position })
        }
    }

    @Test func `entries are Kafka's bytes`() throws {
        let offsets = OffsetIndex(try handle(.offsetIndex, base: 100), baseOffset: 100)
        try offsets.append(offset: 103, position: 4200)
        try offsets.file.write()
        #expect(disk.contents("/d/00000000000000000100.index") == [0, 0, 0, 3, 0, 0, 0x10, 0x68])
        let times = TimeIndex(try handle(.timeIndex, base: 100), baseOffset: 100)
        try times.appendIfLater(timestamp: 0x0102_0304_0506_0708, offset: 105, than: nil)
        try times.file.write()
        #expect(disk.contents("/d/00000000000000000100.timeindex") == [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 5])
    }

    @Test func `truncation removes the entries from an offset on, in the file and in memory`() throws {
        let index = OffsetIndex(try handle(.offsetIndex, base: 0), baseOffset: 0)
        for number in 0..<300 { try index.append(offset: Int64(number), position: Int64(number) * 100) }
        try index.truncate(to: 290)
        #expect(try index.lastEntry()?.offset == 289)
        try index.truncate(to: 5)
        #expect(try index.file.count() == 5)
        try index.append(offset: 7, position: 700)
        try index.file.write()
        #expect(disk.contents("/d/00000000000000000000.index")?.count == 48)
    }

    @Test func `file names have twenty digits`() {
        #expect(SegmentFileKind.log.fileName(baseOffset: 18000) == "00000000000000018000.log")
        #expect(SegmentFileKind.parse("00000000000000018000.timeindex")?.baseOffset == 18000)
        for name in ["1.log", "0000000000000001800x.log", "00000000000000018000.txt", "99999999999999999999.log", ""] {
            #expect(SegmentFileKind.parse(name) == nil)
        }
    }

    @Test func `no more files are open than allowed, and all are usable`() throws {
        let bench = LogBench(maxOpenFiles: 8)
        var config = LogConfig()
        config.segmentBytes = 200
        let log = try bench.open(config)
        for index in 0..<50 { try log.append(["value \(index)"]) }
        #expect(try log.values() == (0..<50).map { "value \($0)" })
        #expect(bench.environment.files.count <= 8)
    }
}
