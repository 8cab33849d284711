import Testing

@testable import KCore

@Suite struct LegacyRecordsTests {
    private static let fixtures = RecordsFixture.named("python-v0") + RecordsFixture.named("python-v1")
    private static let codecs: [CompressionCodec] = [.none, .gzip, .snappy, .lz4]

    /// What of `records` an old format can say.
    private static func reduced(_ records: [Record], magic: Int8) -> [Record] {
        records.map {
            Record(offset: $0.offset, timestamp: magic == 0 ? -1 : $0.timestamp, key: $0.key, value: $0.value)
        }
    }

    private static func magic(_ set: Bytes) -> Int8 { Int8(bitPattern: set[16]) }

    @Test(arguments: fixtures)
    func `an old producer's messages become one batch that counts from zero`(fixture: RecordsFixture) throws {
        let reader = try RecordBatchReader(LegacyRecords.convertUp(fixture.log))
        let expected = fixture.records.enumerated().map { index, record in
            Record(offset: Int64(index), timestamp: record.timestamp, key: record.key, value: record.value)
        }
        #expect(try reader.allRecords() == expected)
        let codec = try #require(
            fixture.name.split(separator: "-").dropFirst(2).first.flatMap { CompressionCodec(name: String($0)) })
        #expect(reader.header.attributes.compression == codec)
        #expect(reader.header.maxTimestamp == expected.map(\.timestamp).max())
        let other = try RecordBatchReader(LegacyRecords.convertUp(fixture.log, compression: .zstd))
        #expect(other.header.attributes.compression == .zstd)
        #expect(try other.allRecords() == expected)
    }

    @Test(arguments: [0, 1] as [Int8], codecs)
    func `batches become messages with the same offsets and without headers`(magic: Int8, codec: CompressionCodec)
        throws
    {
        var generator = SeededGenerator(seed: 11)
        var options = BatchOptions(compression: codec)
        options.baseOffset = 5000
        var records = RecordSamples.records(30, using: &generator)
        // Gaps, as cleaning leaves them.
        for index in records.indices { records[index].offset = 5003 + Int64(index) * 3 }
        let marker = try EndTransactionMarker(isCommit: true, coordinatorEpoch: 1)
            .batch(producerId: 1, producerEpoch: 1, timestampMs: 1)
        let batch = try RecordBatchBuilder.batch(records, options)
        let log = Bytes(marker.array + batch.array + batch.array.prefix(batch.count - 1))
        let set = try LegacyRecords.convertDown(log, to: magic)
        #expect(Self.magic(set) == magic)
        #expect(try LegacyRecords.read(set) == Self.reduced(records, magic: magic))
        if codec != .none {
            let wrapper = try set.withUnsafeBytes { bytes throws(RecordsError) in try LegacyMessage(reading: bytes) }
            #expect(wrapper.offset == records.last?.offset && wrapper.compression == codec)
        }
    }

    @Test func `messages before the wanted offset are left out where nothing is compressed`() throws {
        let records = (0..<5).map { Record(offset: $0, timestamp: 1, key: nil, value: Bytes("v")) }
        let log = try RecordBatchBuilder.batch(records)
        let set = try LegacyRecords.convertDown(log, to: 1, firstOffset: 3)
        #expect(try LegacyRecords.read(set).map(\.offset) == [3, 4])
        #expect(try LegacyRecords.convertDown(log, to: 1, firstOffset: 9).isEmpty)
    }

    @Test func `the time of append survives in format 1`() throws {
        for codec in Self.codecs {
            var options = BatchOptions(compression: codec)
            options.logAppendTimeMs = 4242
            let log = try RecordBatchBuilder.batch([Record(timestamp: 1, key: nil, value: Bytes("v"))], options)
            let set = try LegacyRecords.convertDown(log, to: 1)
            #expect(try LegacyRecords.read(set).map(\.timestamp) == [4242])
            let message = try set.withUnsafeBytes { bytes throws(RecordsError) in try LegacyMessage(reading: bytes) }
            #expect(message.timestampType == .logAppendTime)
        }
    }

    @Test(arguments: [Int64(-1), .min, .max - 1], [CompressionCodec.none, .gzip])
    func `offsets that no log gives are not converted`(baseOffset: Int64, codec: CompressionCodec) throws {
        // Room for three offsets, of which the last two lie behind the largest number.
        let records = (0..<3).map { Record(offset: $0, timestamp: 1, key: nil, value: Bytes("v")) }
        let log = try RecordBatchBuilder.batch(records, BatchOptions(compression: codec))
        // No checksum covers the base offset.
        log.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { base.storeBigEndian(baseOffset, 0) }
        }
        for magic in [0, 1] as [Int8] {
            #expect(throws: RecordsError.badRecord(index: 0, .badOffset)) {
                try LegacyRecords.convertDown(log, to: magic, firstOffset: .min)
            }
        }
    }

    @Test(arguments: RecordsFixture.named("python-v1"))
    func `format 1 becomes format 0 and older formats stay as they are`(fixture: RecordsFixture) throws {
        let set = try LegacyRecords.convertDown(fixture.log, to: 0)
        #expect(Self.magic(set) == 0)
        #expect(try LegacyRecords.read(set) == Self.reduced(fixture.records, magic: 0))
        #expect(try LegacyRecords.convertDown(fixture.log, to: 1) == fixture.log)
        #expect(try LegacyRecords.convertDown(set, to: 1) == set)
    }

    @Test func `zstd cannot be told to old consumers`() throws {
        let log = try RecordBatchBuilder.batch(
            [Record(timestamp: 1, key: nil, value: nil)], BatchOptions(compression: .zstd))
        #expect(throws: RecordsError.unknownCodec(4)) { try LegacyRecords.convertDown(log, to: 1) }
    }

    @Test func `lz4 in format 0 has the checksum that old consumers check`() throws {
        let fixture = try #require(RecordsFixture.named("python-v0-lz4").first)
        let log = try RecordBatchBuilder.batch(
            [Record(timestamp: 1, key: nil, value: Bytes("x"))], BatchOptions(compression: .lz4))
        let set = try LegacyRecords.convertDown(log, to: 0)
        // The frame begins behind the null key and the value's length.
        #expect(set.slice(26..<33) == fixture.log.slice(26..<33))
    }

    @Test(arguments: ["python-v0-none", "python-v1-none"])
    func `messages come out byte for byte as kafka-python writes them`(name: String) throws {
        let fixture = try #require(RecordsFixture.named(name).first)
        var builder = try LegacySetBuilder(magic: Self.magic(fixture.log))
        for record in fixture.records {
            let (key, value) = (record.key ?? Bytes(), record.value ?? Bytes())
            try key.withUnsafeBytes { keyBytes throws(RecordsError) in
                try value.withUnsafeBytes { valueBytes throws(RecordsError) in
                    try builder.append(
                        offset: record.offset, timestamp: record.timestamp, key: record.key == nil ? nil : keyBytes,
                        value: record.value == nil ? nil : valueBytes)
                }
            }
        }
        #expect(try builder.close() == fixture.log)
    }

    @Test(arguments: fixtures)
    func `damage is found and never traps`(fixture: RecordsFixture) throws {
        for position in stride(from: 8, to: fixture.log.count, by: 7) {
            var bytes = fixture.log.array
            bytes[position] ^= 0x55
            // Only the offset of a message is not covered by its checksum.
            if let read = try? LegacyRecords.read(Bytes(bytes)) {
                #expect(read.map(\.value) == fixture.records.map(\.value), "byte \(position)")
                #expect(read.map(\.timestamp) == fixture.records.map(\.timestamp), "byte \(position)")
            }
            // Without the checksum's help.
            _ = try? LegacyRecords.read(Bytes(bytes), checkCRC: false, maxDecompressedBytes: 1 << 20)
        }
        for count in 1..<fixture.log.count where count % 5 == 0 {
            guard let read = try? LegacyRecords.read(fixture.log.slice(0..<count)) else { continue }
            #expect(read == Array(fixture.records.prefix(read.count)) && read.count < fixture.records.count)
        }
    }

    @Test func `wrappers that contain nothing, wrappers or other formats are refused`() throws {
        func wrapper(_ inner: Bytes, magic: Int8, codec: CompressionCodec = .gzip) throws -> Bytes {
            let value = try inner.withUnsafeBytes { source throws(RecordsError) in try codec.compress(source) }
            var builder = try LegacySetBuilder(magic: magic)
            try value.withUnsafeBytes { bytes throws(RecordsError) in
                try builder.append(offset: 9, timestamp: 1, key: nil, value: bytes)
            }
            let set = try builder.close()
            set.withUnsafeMutableBytes { $0[LegacyMessage.attributesPosition] = UInt8(codec.rawValue) }
            return set
        }
        let plain = try #require(RecordsFixture.named("python-v0-none").first).log
        let nested = try #require(RecordsFixture.named("python-v1-gzip").first).log
        #expect(throws: RecordsError.badRecordCount(0)) {
            try LegacyRecords.read(wrapper(Bytes(), magic: 1), checkCRC: false)
        }
        #expect(throws: RecordsError.unsupportedMagic(0)) {
            try LegacyRecords.read(wrapper(plain, magic: 1), checkCRC: false)
        }
        #expect(throws: RecordsError.self) { try LegacyRecords.read(wrapper(nested, magic: 1), checkCRC: false) }
    }

    @Test func `the checksum is zlib's`() {
        #expect([UInt8]("123456789".utf8).withUnsafeBytes { CRC32.checksum($0) } == 0xCBF4_3926)
    }
}
