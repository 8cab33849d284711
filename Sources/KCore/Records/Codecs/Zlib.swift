internal import CKernel

/// zlib, opened when gzip is first used.
struct Zlib: Sendable {
    static let shared = Zlib()

    private typealias Stream = UnsafeMutablePointer<ck_z_stream>
    private typealias Step = @convention(c) (Stream, Int32) -> Int32
    private typealias Call = @convention(c) (Stream) -> Int32
    private typealias InflateInit = @convention(c) (Stream, Int32, UnsafePointer<CChar>, Int32) -> Int32
    private typealias DeflateInit =
        @convention(c) (Stream, Int32, Int32, Int32, Int32, Int32, UnsafePointer<CChar>, Int32) -> Int32
    private typealias Bound = @convention(c) (Stream, UInt) -> UInt

    private let inflateInit: InflateInit
    private let inflate: Step
    private let inflateReset: Call
    private let inflateEnd: Call
    private let deflateInit: DeflateInit
    private let deflate: Step
    private let deflateBound: Bound
    private let deflateReset: Call
    private let deflateEnd: Call

    private let inflaters = ContextPool()
    // One for each level from -1 to 9: old versions cannot change the level of a stream that has been used.
    private let deflaters = (-1...9).map { _ in ContextPool() }

    // zlib.h's numbers.
    private static let ok: Int32 = 0
    private static let streamEnd: Int32 = 1
    private static let bufferError: Int32 = -5
    private static let finish: Int32 = 4
    private static let deflated: Int32 = 8
    private static let memoryLevel: Int32 = 8
    // The largest window, and a gzip header and trailer around the data.
    private static let gzipWindowBits: Int32 = 15 + 16

    /// - Returns: nil when the library, or a function of it, is not there.
    init?(_ name: String = "libz.so.1") {
        guard let library = DynamicLibrary(name),
            let inflateInit: InflateInit = library.function("inflateInit2_"),
            let inflate: Step = library.function("inflate"),
            let inflateReset: Call = library.function("inflateReset"),
            let inflateEnd: Call = library.function("inflateEnd"),
            let deflateInit: DeflateInit = library.function("deflateInit2_"),
            let deflate: Step = library.function("deflate"),
            let deflateBound: Bound = library.function("deflateBound"),
            let deflateReset: Call = library.function("deflateReset"),
            let deflateEnd: Call = library.function("deflateEnd")
        else { return nil }
        self.inflateInit = inflateInit
        self.inflate = inflate
        self.inflateReset = inflateReset
        self.inflateEnd = inflateEnd
        self.deflateInit = deflateInit
        self.deflate = deflate
        self.deflateBound = deflateBound
        self.deflateReset = deflateReset
        self.deflateEnd = deflateEnd
    }

    func compress(_ source: UnsafeRawBufferPointer, level: Int, reserving prefix: Int) throws(RecordsError) -> Bytes {
        guard deflaters.indices.contains(level + 1), let stream = deflater(level: level) else {
            throw .compressionFailed(.gzip)
        }
        defer { retire(stream, to: deflaters[level + 1], reset: deflateReset, end: deflateEnd) }
        let capacity = Int(deflateBound(stream, UInt(source.count)))
        let storage = ByteStorage(capacity: prefix + capacity)
        setInput(stream, source)
        setOutput(stream, UnsafeMutableRawBufferPointer(start: storage.base + prefix, count: capacity))
        guard deflate(stream, Zlib.finish) == Zlib.streamEnd else { throw .compressionFailed(.gzip) }
        return Bytes(storage: storage, count: prefix + capacity - Int(stream.pointee.avail_out))
    }

    /// Reads one gzip member after the other. As with Java's reader, what follows and is none is not looked at.
    func decompress(_ source: UnsafeRawBufferPointer, maxBytes: Int) throws(RecordsError) -> Bytes {
        guard let stream = inflater() else { throw .badCompressedData(.gzip) }
        defer { retire(stream, to: inflaters, reset: inflateReset, end: inflateEnd) }
        var output = CodecOutput(expected: expectedSize(source), trusted: source.count * 64, limit: maxBytes)
        setInput(stream, source)
        while true {
            let room = try output.room()
            setOutput(stream, room)
            let result = inflate(stream, 0)
            let left = Int(stream.pointee.avail_out)
            output.wrote(min(room.count, Int(UInt32.max)) - left)
            if result == Zlib.streamEnd {
                guard startsMember(stream) else { return try output.finish() }
                guard inflateReset(stream) == Zlib.ok else { throw .badCompressedData(.gzip) }
            } else {
                // With room left, zlib stops only because the input ends.
                guard result == Zlib.ok || result == Zlib.bufferError, left == 0 else {
                    throw .badCompressedData(.gzip)
                }
            }
        }
    }

    // A member ends with its size; it is a hint only.
    private func expectedSize(_ source: UnsafeRawBufferPointer) -> Int {
        guard source.count >= 18 else { return 0 }
        return Int(UInt32(littleEndian: source.loadUnaligned(fromByteOffset: source.count - 4, as: UInt32.self)))
    }

    private func startsMember(_ stream: Stream) -> Bool {
        guard stream.pointee.avail_in >= 2, let next = stream.pointee.next_in else { return false }
        return next[0] == 0x1F && next[1] == 0x8B
    }

    private func setInput(_ stream: Stream, _ bytes: UnsafeRawBufferPointer) {
        stream.pointee.next_in = bytes.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_in = UInt32(bytes.count)
    }

    private func setOutput(_ stream: Stream, _ room: UnsafeMutableRawBufferPointer) {
        stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(min(room.count, Int(UInt32.max)))
    }

    private func inflater() -> Stream? {
        pooled(inflaters) { inflateInit($0, Zlib.gzipWindowBits, "1", Int32(MemoryLayout<ck_z_stream>.size)) }
    }

    private func deflater(level: Int) -> Stream? {
        pooled(deflaters[level + 1]) {
            deflateInit(
                $0, Int32(level), Zlib.deflated, Zlib.gzipWindowBits, Zlib.memoryLevel, 0, "1",
                Int32(MemoryLayout<ck_z_stream>.size))
        }
    }

    private func pooled(_ pool: ContextPool, make: (Stream) -> Int32) -> Stream? {
        if let context = pool.take() { return context.pointer.assumingMemoryBound(to: ck_z_stream.self) }
        let stream = Stream.allocate(capacity: 1)
        stream.initialize(to: ck_z_stream())
        if make(stream) == Zlib.ok { return stream }
        stream.deallocate()
        return nil
    }

    private func retire(_ stream: Stream, to pool: ContextPool, reset: Call, end: Call) {
        stream.pointee.next_in = nil
        stream.pointee.avail_in = 0
        stream.pointee.next_out = nil
        stream.pointee.avail_out = 0
        if reset(stream) == Zlib.ok, pool.give(ContextPool.Context(pointer: stream)) { return }
        _ = end(stream)
        stream.deallocate()
    }
}
