internal import CKernel

/// libzstd, opened when zstd is first used.
struct Zstd: Sendable {
    static let shared = Zstd()

    private typealias Pointer = UnsafeMutableRawPointer
    private typealias Make = @convention(c) () -> Pointer?
    private typealias Measure = @convention(c) (Pointer?) -> Int
    private typealias Free = @convention(c) (Pointer?) -> Int
    private typealias Reset = @convention(c) (Pointer?, Int32) -> Int
    private typealias Compress = @convention(c) (Pointer?, Pointer?, Int, UnsafeRawPointer?, Int, Int32) -> Int
    private typealias Bound = @convention(c) (Int) -> Int
    private typealias IsError = @convention(c) (Int) -> UInt32
    private typealias Decompress =
        @convention(c) (Pointer?, UnsafeMutablePointer<ck_zstd_out>, UnsafeMutablePointer<ck_zstd_in>) -> Int
    private typealias ContentSize = @convention(c) (UnsafeRawPointer?, Int) -> UInt64

    private let makeCompressor: Make
    private let freeCompressor: Free
    private let compress: Compress
    private let compressBound: Bound
    private let makeDecompressor: Make
    private let freeDecompressor: Free
    private let resetDecompressor: Reset
    private let sizeOfDecompressor: Measure
    private let decompress: Decompress
    private let contentSize: ContentSize
    private let isError: IsError

    private let compressors = ContextPool()
    private let decompressors = ContextPool()

    // A frame can ask for a window of 128 MB. A context that had to make one is not kept.
    private static let maxIdleBytes = 8 << 20
    private static let resetSession: Int32 = 1

    /// - Returns: nil when the library, or a function of it, is not there.
    init?(_ name: String = "libzstd.so.1") {
        guard let library = DynamicLibrary(name),
            let makeCompressor: Make = library.function("ZSTD_createCCtx"),
            let freeCompressor: Free = library.function("ZSTD_freeCCtx"),
            let compress: Compress = library.function("ZSTD_compressCCtx"),
            let compressBound: Bound = library.function("ZSTD_compressBound"),
            let makeDecompressor: Make = library.function("ZSTD_createDCtx"),
            let freeDecompressor: Free = library.function("ZSTD_freeDCtx"),
            let resetDecompressor: Reset = library.function("ZSTD_DCtx_reset"),
            let sizeOfDecompressor: Measure = library.function("ZSTD_sizeof_DCtx"),
            let decompress: Decompress = library.function("ZSTD_decompressStream"),
            let contentSize: ContentSize = library.function("ZSTD_getFrameContentSize"),
            let isError: IsError = library.function("ZSTD_isError")
        else { return nil }
        self.makeCompressor = makeCompressor
        self.freeCompressor = freeCompressor
        self.compress = compress
        self.compressBound = compressBound
        self.makeDecompressor = makeDecompressor
        self.freeDecompressor = freeDecompressor
        self.resetDecompressor = resetDecompressor
        self.sizeOfDecompressor = sizeOfDecompressor
        self.decompress = decompress
        self.contentSize = contentSize
        self.isError = isError
    }

    func compress(_ source: UnsafeRawBufferPointer, level: Int, reserving prefix: Int) throws(RecordsError) -> Bytes {
        guard let context = compressors.take()?.pointer ?? makeCompressor() else { throw .compressionFailed(.zstd) }
        defer { if !compressors.give(ContextPool.Context(pointer: context)) { _ = freeCompressor(context) } }
        let capacity = compressBound(source.count)
        let storage = ByteStorage(capacity: prefix + capacity)
        let size = compress(context, storage.base + prefix, capacity, source.baseAddress, source.count, Int32(level))
        guard isError(size) == 0 else { throw .compressionFailed(.zstd) }
        return Bytes(storage: storage, count: prefix + size)
    }

    /// Reads one frame after the other.
    func decompress(_ source: UnsafeRawBufferPointer, maxBytes: Int) throws(RecordsError) -> Bytes {
        guard let context = decompressors.take()?.pointer ?? makeDecompressor() else {
            throw .badCompressedData(.zstd)
        }
        defer { retire(context) }
        var output = CodecOutput(expected: expectedSize(source), trusted: source.count * 64, limit: maxBytes)
        var input = ck_zstd_in(src: source.baseAddress, size: source.count, pos: 0)
        while true {
            let room = try output.room()
            var target = ck_zstd_out(dst: room.baseAddress, size: room.count, pos: 0)
            let left = decompress(context, &target, &input)
            guard isError(left) == 0 else { throw .badCompressedData(.zstd) }
            output.wrote(target.pos)
            if left == 0 && input.pos == input.size { return try output.finish() }
            // With room left, zstd stops only because the input or a frame ends.
            if left != 0 && input.pos == input.size && target.pos < target.size { throw .badCompressedData(.zstd) }
        }
    }

    // What the frame says, if it does; else the usual ratio.
    private func expectedSize(_ source: UnsafeRawBufferPointer) -> Int {
        let size = contentSize(source.baseAddress, source.count)
        return size <= UInt64(Int32.max) ? Int(size) : source.count * 4
    }

    private func retire(_ context: UnsafeMutableRawPointer) {
        if sizeOfDecompressor(context) <= Zstd.maxIdleBytes,
            isError(resetDecompressor(context, Zstd.resetSession)) == 0,
            decompressors.give(ContextPool.Context(pointer: context))
        {
            return
        }
        _ = freeDecompressor(context)
    }
}
