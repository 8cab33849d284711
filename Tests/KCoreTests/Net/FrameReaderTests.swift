import Testing

@testable import KCore

@Suite struct FrameReaderTests {
    private func feed(
        _ reader: inout FrameReader, _ bytes: [UInt8], _ pool: inout StoragePool
    ) throws(FrameLengthError) -> [[UInt8]] {
        let bytes = Bytes(bytes)
        return try bytes.withUnsafeBytes { buffer throws(FrameLengthError) in
            var input = buffer
            var frames: [[UInt8]] = []
            while let frame = try reader.next(&input, &pool) { frames.append(frame.array) }
            return frames
        }
    }

    @Test func `frames are found wherever the stream is cut`() throws {
        let payloads: [[UInt8]] = [[1], [], [2, 3, 4, 5, 6], [], [7, 8]]
        let stream = payloads.flatMap { RawClient.framed($0) }
        for first in 0...stream.count {
            for second in first...stream.count {
                var pool = StoragePool()
                var reader = FrameReader(maxFrameBytes: 100)
                var frames = try feed(&reader, Array(stream[..<first]), &pool)
                frames += try feed(&reader, Array(stream[first..<second]), &pool)
                frames += try feed(&reader, Array(stream[second...]), &pool)
                #expect(frames == payloads)
                #expect(!reader.isInsideFrame)
            }
        }
    }

    @Test(arguments: [-1, Int32.min, 101, Int32.max]) func `a length that is negative or above the limit is refused`(
        length: Int32
    ) {
        var pool = StoragePool()
        var reader = FrameReader(maxFrameBytes: 100)
        let header = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        #expect(throws: FrameLengthError(length: length)) { _ = try feed(&reader, header, &pool) }
    }

    @Test func `the largest length is taken`() throws {
        var pool = StoragePool()
        var reader = FrameReader(maxFrameBytes: 100)
        let payload = [UInt8](repeating: 9, count: 100)
        #expect(try feed(&reader, RawClient.framed(payload), &pool) == [payload])
    }

    @Test func `memory follows what has come, not what was announced`() throws {
        var pool = StoragePool()
        var reader = FrameReader(maxFrameBytes: 100 << 20)
        _ = try feed(&reader, [6, 0, 0, 0], &pool)
        var sent = 0
        while sent < 300_000 {
            _ = try feed(&reader, [UInt8](repeating: 1, count: 1000), &pool)
            sent += 1000
            #expect(reader.heldBytes <= max(4096, sent * 8))
        }
        #expect(pool.heldBytes == 0)
    }

    @Test func `a large frame read in place is whole`() throws {
        var pool = StoragePool()
        var reader = FrameReader(maxFrameBytes: 1 << 20)
        let payload = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let stream = RawClient.framed(payload)
        #expect(try feed(&reader, Array(stream[..<1000]), &pool).isEmpty)
        var position = 1000
        var result: Bytes?
        while result == nil {
            guard let room = reader.directRoom(&pool) else { break }
            let count = min(room.count, 33_333, stream.count - position)
            try #require(count > 0)
            room.copyBytes(from: stream[position..<position + count])
            position += count
            result = reader.received(directly: count)
        }
        #expect(position == stream.count)
        #expect(result?.array == payload)
    }
}

@Suite struct StoragePoolTests {
    @Test func `a storage is used again only when nobody refers to it`() throws {
        var pool = StoragePool()
        var first: Bytes? = Bytes(storage: pool.make(100_000), count: 100_000)
        #expect(pool.take(atLeast: 100_000) == nil)
        let slice = try #require(first?.slice(5..<10))
        let address = slice.storage?.base
        first = nil
        #expect(pool.take(atLeast: 100_000) == nil)
        withExtendedLifetime(consume slice) {}
        #expect(pool.take(atLeast: 100_000)?.base == address)
    }

    @Test func `a free storage is found by a frame of about its size`() {
        var pool = StoragePool()
        let address = pool.make(1_000_000).base
        #expect(pool.take(atLeast: 1_000_100)?.base == address)
        #expect(pool.take(atLeast: 100_000) == nil)
        #expect(pool.take(atLeast: 3_000_000) == nil)
    }

    @Test func `the pool never holds more than its limit`() {
        var pool = StoragePool()
        var users: [ByteStorage] = []
        for _ in 0..<40 { users.append(pool.make(1_000_000)) }
        #expect(pool.heldBytes <= StoragePool.maxBytes)
        #expect(users.count == 40)
    }

    @Test func `what is not used for a while is given back`() {
        var pool = StoragePool()
        _ = pool.make(100_000)
        pool.trim(nowMs: StoragePool.unusedMs - 1)
        #expect(pool.heldBytes > 0)
        pool.trim(nowMs: StoragePool.unusedMs)
        #expect(pool.heldBytes == 0)
    }
}
