import Testing

@testable import KCore

@Suite struct CompressionCodecTests {
    private static let codecs = CompressionCodec.allCases.filter { $0 != .none }

    private func compress(_ codec: CompressionCodec, _ bytes: Bytes, level: Int? = nil) throws -> Bytes {
        try bytes.withUnsafeBytes { source throws(RecordsError) in try codec.compress(source, level: level) }
    }

    private func decompress(_ codec: CompressionCodec, _ bytes: Bytes, maxBytes: Int = 16 << 20) throws -> Bytes {
        try bytes.withUnsafeBytes { source throws(RecordsError) in try codec.decompress(source, maxBytes: maxBytes) }
    }

    @Test(arguments: CompressionCodec.allCases)
    func `every size comes back, compressible or not`(codec: CompressionCodec) throws {
        #expect(codec.isAvailable)
        var generator = SeededGenerator(seed: 3)
        for size in [0, 1, 4095, 4096, 4097, 32 << 10, (32 << 10) + 1, 65_536, 65_537, 300_000] {
            let samples = [RecordSamples.bytes(size, using: &generator), Bytes([UInt8](repeating: 65, count: size))]
            for sample in samples {
                #expect(try decompress(codec, compress(codec, sample)) == sample, "\(size) bytes")
            }
        }
    }

    @Test(arguments: codecs)
    func `every level is understood and one out of range moved into it`(codec: CompressionCodec) throws {
        let text = Bytes(String(repeating: "the quick brown fox ", count: 500))
        var levels: [Int?] = [nil, .min, .max]
        if let range = codec.levels { levels += [range.lowerBound, range.upperBound, codec.defaultLevel] }
        for level in levels {
            let compressed = try compress(codec, text, level: level)
            #expect(compressed.count < text.count || (level ?? 0) < 0, "level \(level ?? 0)")
            #expect(try decompress(codec, compressed) == text)
        }
        #expect(codec.isValidLevel(100) == false)
        #expect(codec.levels == nil || codec.isValidLevel(3))
    }

    @Test(arguments: CompressionCodec.allCases)
    func `a result of just the limit is given and a larger one refused`(codec: CompressionCodec) throws {
        for size in [1, 5000, 100_000] {
            let bytes = Bytes([UInt8](repeating: 66, count: size))
            let compressed = try compress(codec, bytes)
            #expect(try decompress(codec, compressed, maxBytes: size) == bytes)
            #expect(throws: RecordsError.tooLarge(limit: size - 1)) {
                try decompress(codec, compressed, maxBytes: size - 1)
            }
        }
    }

    @Test(arguments: codecs)
    func `a bomb is refused`(codec: CompressionCodec) throws {
        let storage = ByteStorage(capacity: 16 << 20)
        storage.base.initializeMemory(as: UInt8.self, repeating: 0, count: storage.capacity)
        let zeros = Bytes(storage: storage, count: storage.capacity)
        let section = try compress(codec, zeros)
        let batch = MalformedBatchTests.batch(section: section.array, compression: Int16(codec.rawValue))
        #expect(throws: RecordsError.tooLarge(limit: 1 << 20)) {
            try RecordBatchReader(batch, maxDecompressedBytes: 1 << 20)
        }
    }

    @Test(arguments: codecs)
    func `garbage is refused`(codec: CompressionCodec) throws {
        for seed in 1...200 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var garbage = RecordSamples.bytes(Int.random(in: 0...100, using: &generator), using: &generator).array
            // Half of them get past the first look.
            if seed % 2 == 0 {
                let start = try compress(codec, Bytes("some text, some text")).array
                garbage = start.prefix(Int.random(in: 4...16, using: &generator)) + garbage
            }
            _ = try? decompress(codec, Bytes(garbage), maxBytes: 1 << 20)
        }
        #expect(throws: RecordsError.badCompressedData(codec)) {
            try decompress(codec, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        }
    }

    @Test(arguments: codecs)
    func `a damaged frame does no harm to the ones after it`(codec: CompressionCodec) throws {
        let text = Bytes("text text text text text text text text")
        let good = try compress(codec, text)
        for position in 0..<good.count {
            for bit in 0..<8 {
                var bad = good.array
                bad[position] ^= 1 << UInt8(bit)
                _ = try? decompress(codec, Bytes(bad))
                #expect(try decompress(codec, good) == text, "byte \(position) bit \(bit)")
            }
        }
        // A frame of lz4 that says how large its content is, and is cut.
        if codec == .lz4 {
            var sized: [UInt8] = [0x04, 0x22, 0x4D, 0x18, 0x68, 0x40, 9, 0, 0, 0, 0, 0, 0, 0]
            sized.append(LZ4HeaderChecksum.checksum(sized[4...]))
            #expect(throws: RecordsError.badCompressedData(.lz4)) { try decompress(.lz4, Bytes(sized + [0, 0, 0, 0])) }
            for _ in 0..<10 { #expect(try decompress(.lz4, good) == text) }
        }
    }

    @Test(arguments: [CompressionCodec.gzip, .lz4, .zstd])
    func `streams that follow one another are one`(codec: CompressionCodec) throws {
        let both = try compress(codec, Bytes("first, ")).array + compress(codec, Bytes("second")).array
        #expect(try decompress(codec, Bytes(both)) == Bytes("first, second"))
    }

    @Test func `snappy is read with Java's framing, without it, and with several frames`() throws {
        let framed = try compress(.snappy, Bytes("hello snappy")).array
        #expect(framed.prefix(16) == [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
        #expect(try decompress(.snappy, Bytes(Array(framed.dropFirst(20)))) == Bytes("hello snappy"))
        #expect(try decompress(.snappy, Bytes(framed + framed)) == Bytes("hello snappyhello snappy"))
    }

    @Test func `lz4 is written as Kafka writes it`() throws {
        let frame = try compress(.lz4, Bytes([UInt8](repeating: 1, count: 200_000))).array
        // Magic; version 1, independent blocks, no checksums, no size; blocks of 64 KB; the header's checksum.
        #expect(frame.prefix(7) == [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82])
        #expect(frame.suffix(4) == [0, 0, 0, 0])
    }

    @Test func `the old checksum of an lz4 header is read only where it is asked for`() throws {
        let frame = try compress(.lz4, Bytes("old news"))
        frame.withUnsafeMutableBytes { LZ4HeaderChecksum.makeOld($0) }
        #expect(throws: RecordsError.badCompressedData(.lz4)) { try decompress(.lz4, frame) }
        let read = try frame.withUnsafeBytes { source throws(RecordsError) in
            try LZ4.decompress(source, maxBytes: 100, anyHeaderChecksum: true)
        }
        #expect(read == Bytes("old news"))
    }

    @Test func `a missing library is an error that names the package`() {
        #expect(Zlib("libz.so.none") == nil && Zstd("libzstd.so.none") == nil && Snappy("libsnappy.so.none") == nil)
        #expect("\(CompressionCodec.snappy.unavailable)".contains("libsnappy1v5"))
        #expect("\(CompressionCodec.zstd.unavailable)".contains("libzstd1"))
        #expect("\(CompressionCodec.gzip.unavailable)".contains("zlib1g"))
    }

    @Test func `codecs can be used by many threads at once`() async throws {
        let text = Bytes(String(repeating: "lorem ipsum ", count: 1000))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                let codec = Self.codecs[index % Self.codecs.count]
                group.addTask { try decompress(codec, compress(codec, text)) == text }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }
}
