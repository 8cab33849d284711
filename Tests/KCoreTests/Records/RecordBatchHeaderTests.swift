import Testing

@testable import KCore

@Suite struct RecordBatchHeaderTests {
    private static func batch(recordBytes: Int = 40) -> [UInt8] {
        var header = RecordBatchHeader()
        header.baseOffset = 1 << 40
        header.batchLength += Int32(recordBytes)
        header.partitionLeaderEpoch = 7
        header.attributes = BatchAttributes(compression: .lz4, isTransactional: true)
        header.lastOffsetDelta = 9
        header.baseTimestamp = 1_700_000_000_000
        header.maxTimestamp = 1_700_000_000_009
        header.producerId = 4000
        header.producerEpoch = 3
        header.baseSequence = Int32.max - 3
        header.recordCount = 10
        var bytes = [UInt8](repeating: 0xAB, count: header.sizeInBytes)
        bytes.withUnsafeMutableBytes {
            if let base = $0.baseAddress { header.write(to: base) }
            RecordBatchHeader.stampCRC(in: $0)
        }
        return bytes
    }

    private static func header(_ bytes: [UInt8]) throws -> RecordBatchHeader {
        try bytes.withUnsafeBytes { buffer throws(RecordsError) in try RecordBatchHeader(reading: buffer) }
    }

    @Test func `what is written reads back`() throws {
        let bytes = Self.batch()
        let header = try Self.header(bytes)
        #expect(header.sizeInBytes == bytes.count)
        #expect(header.lastOffset == (1 << 40) + 9)
        #expect(header.attributes.compression == .lz4)
        #expect(header.isTransactional && !header.isControl)
        #expect(header.deleteHorizonMs == nil)
        var again = [UInt8](repeating: 0, count: RecordBatchHeader.size)
        again.withUnsafeMutableBytes { if let base = $0.baseAddress { header.write(to: base) } }
        #expect(again == Array(bytes.prefix(RecordBatchHeader.size)))
    }

    @Test func `sequence numbers wrap to zero`() throws {
        #expect(try Self.header(Self.batch()).lastSequence == 5)
    }

    @Test func `stamping an offset leaves the checksum valid and stamping a time renews it`() throws {
        var bytes = Self.batch()
        bytes.withUnsafeMutableBytes {
            if let base = $0.baseAddress { RecordBatchHeader.stamp(baseOffset: 5, partitionLeaderEpoch: 2, at: base) }
        }
        #expect(bytes.withUnsafeBytes { RecordBatchHeader.isCRCValid($0) })
        let before = try Self.header(bytes)
        #expect(before.baseOffset == 5 && before.partitionLeaderEpoch == 2)
        bytes.withUnsafeMutableBytes { RecordBatchHeader.stampLogAppendTime(1234, in: $0) }
        let after = try Self.header(bytes)
        #expect(after.attributes.timestampType == .logAppendTime && after.maxTimestamp == 1234)
        #expect(after.crc != before.crc)
        #expect(bytes.withUnsafeBytes { RecordBatchHeader.isCRCValid($0) })
    }

    @Test func `a flipped bit anywhere behind the checksum is found`() throws {
        for position in RecordBatchHeader.attributesPosition..<Self.batch().count {
            var bytes = Self.batch()
            bytes[position] ^= 1 << UInt8(position % 8)
            #expect(!bytes.withUnsafeBytes { RecordBatchHeader.isCRCValid($0) }, "byte \(position)")
        }
    }

    @Test func `batches follow one another`() throws {
        let bytes = Bytes(Self.batch(recordBytes: 0) + Self.batch(recordBytes: 5))
        var batches = RecordBatches(bytes)
        let first = try #require(try batches.next())
        let second = try #require(try batches.next())
        #expect(first.position == 0 && second.position == 61 && second.end == bytes.count)
        #expect(batches.bytes(of: second) == bytes.slice(61..<127))
        #expect(try batches.next() == nil)
    }

    @Test func `a torn batch is told from a corrupt one`() throws {
        let whole = Self.batch()
        for count in 1..<whole.count {
            var batches = RecordBatches(Bytes(whole + whole.prefix(count)))
            _ = try batches.next()
            let needed = count < RecordBatchHeader.size ? RecordBatchHeader.size : whole.count
            #expect(throws: RecordsError.truncated(needed: needed, available: count)) { try batches.next() }
            #expect(batches.position == whole.count)
            #expect(try batches.nextComplete() == nil)
        }
        var wrongMagic = whole
        wrongMagic[16] = 9
        #expect(throws: RecordsError.unsupportedMagic(9)) { try Self.header(wrongMagic) }
        var negative = whole
        negative[8] = 0xFF
        #expect(throws: RecordsError.self) {
            var batches = RecordBatches(Bytes(negative))
            _ = try batches.nextComplete()
        }
        var short = whole
        short.replaceSubrange(8..<12, with: [0, 0, 0, 48])
        #expect(throws: RecordsError.badBatchLength(48)) { try Self.header(short) }
    }

    @Test func `partitions sort and print as their directories are named`() {
        let sorted = [("b", 0), ("a", 10), ("a", 2)].map { TopicPartition(topic: $0.0, partition: $0.1) }.sorted()
        #expect(sorted.map(\.description) == ["a-2", "a-10", "b-0"])
    }
}
