/// libsnappy, opened when snappy is first used, and the framing that Java's producers put around its blocks.
///
/// The framing: 8 bytes of magic, version 1 and compatible version 1 (32 bits each), then blocks of a 32-bit length and
/// as many bytes. Other producers (librdkafka) send a single block without any framing; both are read, as Kafka does.
struct Snappy: Sendable {
    static let shared = Snappy()

    private typealias Run =
        @convention(c) (UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>) -> Int32
    private typealias Measure = @convention(c) (UnsafeRawPointer?, Int, UnsafeMutablePointer<Int>) -> Int32
    private typealias Bound = @convention(c) (Int) -> Int

    private let compress: Run
    private let uncompress: Run
    private let uncompressedLength: Measure
    private let maxCompressedLength: Bound

    private static let magic: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0x00]
    private static let headerSize = 16
    /// Bytes that go into a block, as in Java's.
    static let blockSize = 32 << 10
    // A copy of three bytes makes at most 64.
    private static let maxRatio = 22

    /// - Returns: nil when the library, or a function of it, is not there.
    init?(_ name: String = "libsnappy.so.1") {
        guard let library = DynamicLibrary(name),
            let compress: Run = library.function("snappy_compress"),
            let uncompress: Run = library.function("snappy_uncompress"),
            let uncompressedLength: Measure = library.function("snappy_uncompressed_length"),
            let maxCompressedLength: Bound = library.function("snappy_max_compressed_length")
        else { return nil }
        self.compress = compress
        self.uncompress = uncompress
        self.uncompressedLength = uncompressedLength
        self.maxCompressedLength = maxCompressedLength
    }

    func compress(_ source: UnsafeRawBufferPointer, reserving prefix: Int) throws(RecordsError) -> Bytes {
        let blocks = (source.count + Snappy.blockSize - 1) / Snappy.blockSize
        let largest = maxCompressedLength(Snappy.blockSize)
        let storage = ByteStorage(capacity: prefix + Snappy.headerSize + blocks * (4 + largest))
        var position = prefix
        for byte in Snappy.magic {
            storage.base.storeBytes(of: byte, toByteOffset: position, as: UInt8.self)
            position += 1
        }
        storage.base.storeBigEndian(Int32(1), position)
        storage.base.storeBigEndian(Int32(1), position + 4)
        position += 8
        for start in stride(from: 0, to: source.count, by: Snappy.blockSize) {
            guard let base = source.baseAddress else { break }
            var size = largest
            let count = min(Snappy.blockSize, source.count - start)
            guard compress(base + start, count, storage.base + position + 4, &size) == 0 else {
                throw .compressionFailed(.snappy)
            }
            storage.base.storeBigEndian(Int32(size), position)
            position += 4 + size
        }
        return Bytes(storage: storage, count: position)
    }

    func decompress(_ source: UnsafeRawBufferPointer, maxBytes: Int) throws(RecordsError) -> Bytes {
        guard isFramed(source, at: 0) else {
            let size = try size(of: source)
            return try output(size, maxBytes) { target throws(RecordsError) in
                try decompress(source, into: target, size)
            }
        }
        var total = 0
        try forEachBlock(source) { block throws(RecordsError) in
            total += try size(of: block)
            guard total <= maxBytes else { throw .tooLarge(limit: maxBytes) }
        }
        return try output(total, maxBytes) { target throws(RecordsError) in
            var position = 0
            try forEachBlock(source) { block throws(RecordsError) in
                let size = try size(of: block)
                try decompress(block, into: target + position, size)
                position += size
            }
        }
    }

    private func output(
        _ size: Int, _ maxBytes: Int, fill: (UnsafeMutableRawPointer) throws(RecordsError) -> Void
    ) throws(RecordsError) -> Bytes {
        guard size <= maxBytes else { throw .tooLarge(limit: maxBytes) }
        let storage = ByteStorage(capacity: size)
        try fill(storage.base)
        return Bytes(storage: storage, count: size)
    }

    // What a block says that it becomes, refused where so few bytes cannot become so many.
    private func size(of block: UnsafeRawBufferPointer) throws(RecordsError) -> Int {
        var size = 0
        guard uncompressedLength(block.baseAddress, block.count, &size) == 0, size >= 0,
            size <= block.count * Snappy.maxRatio
        else { throw .badCompressedData(.snappy) }
        return size
    }

    private func decompress(
        _ block: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer, _ size: Int
    ) throws(RecordsError) {
        var size = size
        guard uncompress(block.baseAddress, block.count, target, &size) == 0 else { throw .badCompressedData(.snappy) }
    }

    private func isFramed(_ source: UnsafeRawBufferPointer, at position: Int) -> Bool {
        source.count - position >= Snappy.headerSize
            && source[position..<position + Snappy.magic.count].elementsEqual(Snappy.magic)
    }

    private func forEachBlock(
        _ source: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(RecordsError) -> Void
    ) throws(RecordsError) {
        guard let base = source.baseAddress else { return }
        var position = Snappy.headerSize
        while position < source.count {
            // Streams may follow one another, each with a header.
            if isFramed(source, at: position) {
                position += Snappy.headerSize
                continue
            }
            guard source.count - position >= 4 else { throw .badCompressedData(.snappy) }
            let size = Int(UnsafeRawPointer(base).bigEndian(position, as: Int32.self))
            position += 4
            guard size >= 0, size <= source.count - position else { throw .badCompressedData(.snappy) }
            try body(UnsafeRawBufferPointer(start: base + position, count: size))
            position += size
        }
    }
}
