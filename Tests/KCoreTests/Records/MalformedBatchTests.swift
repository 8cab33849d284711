import Testing

@testable import KCore

@Suite struct MalformedBatchTests {
    /// A batch around `section`, whose checksum is right.
    static func batch(section: [UInt8], count: Int32 = 1, compression: Int16 = 0, lastOffsetDelta: Int32? = nil)
        -> Bytes
    {
        var header = RecordBatchHeader()
        header.batchLength += Int32(section.count)
        header.attributes = BatchAttributes(rawValue: compression)
        header.lastOffsetDelta = lastOffsetDelta ?? count &- 1
        header.recordCount = count
        let bytes = Bytes([UInt8](repeating: 0, count: RecordBatchHeader.size) + section)
        bytes.withUnsafeMutableBytes {
            if let base = $0.baseAddress { header.write(to: base) }
            RecordBatchHeader.stampCRC(in: $0)
        }
        return bytes
    }

    // Length, attributes, timestamp delta, offset delta, key, value, header count.
    private static let record: [UInt8] = [0x10, 0, 0, 0, 2, 0x61, 2, 0x62, 0]

    @Test(
        arguments: [
            ([0x10, 0, 0, 0, 2, 0x61, 2, 0x62], .badRecord(index: 0, .truncated)),
            ([0x0E, 0, 0, 0, 2, 0x61, 2, 0x62, 0], .badRecord(index: 0, .truncated)),
            ([0x12, 0, 0, 0, 2, 0x61, 2, 0x62, 0, 0], .badRecord(index: 0, .trailingBytes(1))),
            ([0x01, 0, 0, 0, 2, 0x61, 2, 0x62, 0], .badRecord(index: 0, .badLength(-1))),
            ([0x00, 0, 0, 0, 2, 0x61, 2, 0x62, 0], .badRecord(index: 0, .truncated)),
            ([0x10, 0, 0, 0, 3, 0x61, 2, 0x62, 0], .badRecord(index: 0, .badLength(-2))),
            ([0x10, 0, 0, 0, 20, 0x61, 2, 0x62, 0], .badRecord(index: 0, .truncated)),
            ([0x10, 0, 0, 2, 2, 0x61, 2, 0x62, 0], .badRecord(index: 0, .badOffset)),
            ([0x10, 0, 0, 1, 2, 0x61, 2, 0x62, 0], .badRecord(index: 0, .badOffset)),
            ([0x10, 0, 0, 0, 2, 0x61, 2, 0x62, 1], .badRecord(index: 0, .badHeaderCount(-1))),
            ([0x10, 0, 0, 0, 2, 0x61, 2, 0x62, 2], .badRecord(index: 0, .badHeaderCount(1))),
            ([0x14, 0, 0, 0, 2, 0x61, 2, 0x62, 2, 1, 0], .badRecord(index: 0, .badLength(-1))),
            ([0x18, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], .badRecord(index: 0, .badVarint)),
            ([0x10, 0, 0, 0, 2, 0x61, 2, 0x62, 0, 9], .badRecordCount(1)),
            ([0x10, 0], .badRecordCount(1)),
        ] as [([UInt8], RecordsError)])
    func `a malformed record is refused with its reason`(section: [UInt8], error: RecordsError) throws {
        let reader = try RecordBatchReader(Self.batch(section: section))
        #expect(throws: error) { try reader.allRecords() }
    }

    @Test func `a count that the bytes cannot hold is refused before memory is taken`() throws {
        for count in [Int32.max, -1, 2, Int32.min] {
            let reader = try RecordBatchReader(Self.batch(section: Self.record, count: count))
            #expect(throws: RecordsError.badRecordCount(Int(count))) { try reader.allRecords() }
        }
        #expect(try RecordBatchReader(Self.batch(section: Self.record)).allRecords().count == 1)
    }

    @Test func `offsets must rise`() throws {
        let reader = try RecordBatchReader(Self.batch(section: Self.record + Self.record, count: 2))
        #expect(throws: RecordsError.badRecord(index: 1, .badOffset)) { try reader.allRecords() }
    }

    @Test func `codecs that do not exist are refused`() {
        for id in 5...7 {
            #expect(throws: RecordsError.unknownCodec(id)) {
                try RecordBatchReader(Self.batch(section: Self.record, compression: Int16(id)))
            }
        }
    }

    @Test func `a wrong checksum is found unless it was checked before`() throws {
        let batch = Self.batch(section: Self.record)
        batch.withUnsafeMutableBytes { $0[RecordBatchHeader.size + 5] = 0x7A }
        #expect(throws: RecordsError.self) { try RecordBatchReader(batch) }
        #expect(try RecordBatchReader(batch, checkCRC: false).allRecords().first?.key == Bytes("z"))
    }

    @Test(arguments: CompressionCodec.allCases)
    func `no mutation traps and no truncation goes unnoticed`(codec: CompressionCodec) throws {
        for seed in 1...150 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let records = RecordSamples.records(Int.random(in: 1...8, using: &generator), using: &generator)
            let batch = try RecordBatchBuilder.batch(records, BatchOptions(compression: codec))
            var bytes = batch.array
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 8..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            // With the checksum made right, everything behind it has to look after itself.
            let mutated = Bytes(bytes)
            mutated.withUnsafeMutableBytes { RecordBatchHeader.stampCRC(in: $0) }
            if let reader = try? RecordBatchReader(mutated, checkCRC: false, maxDecompressedBytes: 1 << 20) {
                _ = try? reader.allRecords()
            }
            let cut = Int.random(in: 0..<batch.count, using: &generator)
            #expect(throws: RecordsError.self, "seed \(seed)") { try RecordBatchReader(batch.slice(0..<cut)) }
            let section = batch.slice(RecordBatchHeader.size..<max(cut, RecordBatchHeader.size)).array
            #expect(throws: RecordsError.self, "seed \(seed)") {
                try RecordBatchReader(
                    Self.batch(section: section, count: Int32(records.count), compression: Int16(codec.rawValue))
                ).allRecords()
            }
        }
    }
}
