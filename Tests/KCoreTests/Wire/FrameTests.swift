import Testing

@testable import KCore

@Suite struct FrameTests {
    @Test(arguments: [3, 11, 12, 17] as [Int16])
    func `batches in files make the same bytes as batches in memory`(version: Int16) throws {
        let file = MemoryFile(Array(0..<200))
        let stored = try frame([[.init(file, 10, 20), .init(file, 100, 5)], [], [.init(file, 0, 1)]], version)
        let inMemory = try frame([Array(10..<30) + Array(100..<105), [], [0]] as [[UInt8]], version)
        #expect(stored.loaded() == inMemory.loaded())
        #expect(stored.count == inMemory.count)
        let length = try #require(stored.loaded()).prefix(4).reduce(0) { $0 << 8 | Int($1) }
        #expect(length == stored.count - 4)
    }

    @Test func `what lies in files is never read into the frame`() throws {
        let file = MemoryFile(Array(0..<200))
        let frame = try frame([[.init(file, 10, 20), .init(file, 100, 5)]], 12)
        var regions: [FileRegion] = []
        for segment in frame.segments {
            if case .file(let region) = segment { regions.append(region) }
        }
        #expect(regions == [FileRegion(file, 10, 20), FileRegion(file, 100, 5)])
        #expect(frame.segments.count == 4)
        #expect(file.reads == 0)
    }

    @Test func `a large batch in memory is sent from where it is`() throws {
        let file = MemoryFile((0..<5000).map { UInt8(truncatingIfNeeded: $0) })
        let inMemory = try frame([Array(file.contents), [9], Array(file.contents)], 12)
        let stored = try frame([[.init(file, 0, 5000)], [.init(MemoryFile([9]), 0, 1)], [.init(file, 0, 5000)]], 12)
        #expect(inMemory.loaded() == stored.loaded())
        #expect(inMemory.count == stored.count)
        #expect(inMemory.segments.count == 5)
    }

    @Test func `many regions in a growing frame stay in their places`() throws {
        let file = MemoryFile((0..<250).map { UInt8($0) })
        let stored = try frame((0..<250).map { [FileRegion(file, Int64($0), 1)] }, 7)
        #expect(stored.loaded() == (try frame((0..<250).map { [UInt8($0)] }, 7)).loaded())
    }

    @Test func `empty regions are left out`() throws {
        let file = MemoryFile([1])
        let frame = try frame([[.init(file, 0, 0)]], 4)
        #expect(frame.segments.count == 1)
    }

    @Test func `a file that ends before its region does cannot be loaded`() {
        #expect(FileRegion(MemoryFile([1, 2]), 1, 2).load() == nil)
        #expect(FileRegion(MemoryFile([1, 2]), 1, 1).load() == [2])
    }

    private func frame(_ partitions: [[FileRegion]], _ version: Int16) throws -> Frame {
        try frame(records: partitions.map { .files($0) }, version)
    }

    private func frame(_ partitions: [[UInt8]], _ version: Int16) throws -> Frame {
        try frame(records: partitions.map { .bytes(Bytes($0)) }, version)
    }

    private func frame(records: [WireRecords], _ version: Int16) throws -> Frame {
        let partitions = records.map { FetchResponse.PartitionData(abortedTransactions: nil, records: $0) }
        let response = FetchResponse(responses: [.init(topic: "t", partitions: partitions)])
        return try Framing.response(response, api: FetchRequest.api, version: version, correlationId: 1)
    }
}

extension Frame {
    /// All of it, read into memory; nil when a file is too short.
    func loaded() -> [UInt8]? {
        var bytes: [UInt8] = []
        for segment in segments {
            switch segment {
            case .bytes(let part): bytes += part.array
            case .file(let region):
                guard let part = region.load() else { return nil }
                bytes += part.array
            }
        }
        return bytes
    }
}

extension FileRegion {
    init(_ source: any RegionSource, _ position: Int64, _ count: Int) {
        self.init(source: source, position: position, count: count)
    }
}

/// A file that is an array, and counts its reads. For one thread.
final class MemoryFile: RegionSource, @unchecked Sendable {
    let contents: [UInt8]
    private(set) var reads = 0

    init(_ contents: [UInt8]) { self.contents = contents }

    var descriptor: Int32? { nil }

    func read(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        reads += 1
        let part = contents.dropFirst(Int(position)).prefix(target.count)
        target.copyBytes(from: part)
        return part.count
    }
}
