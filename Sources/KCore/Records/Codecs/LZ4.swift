internal import CLZ4

/// lz4 in its frame format, as Kafka writes it: independent blocks of 64 KB and no checksum of the content. Any valid
/// frame is read.
enum LZ4 {
    private static let magic: UInt32 = 0x184D_2204
    // Kafka's default level stands for the fast compressor; the others are those of the slower one, which begin at 3.
    private static let fastLevel = 9
    private static let lowestSlowLevel = 3

    private static let contexts = ContextPool()

    static func compress(_ source: UnsafeRawBufferPointer, level: Int, reserving prefix: Int) throws(RecordsError)
        -> Bytes
    {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        preferences.compressionLevel = level == fastLevel ? 0 : Int32(max(level, lowestSlowLevel))
        let capacity = LZ4F_compressFrameBound(source.count, &preferences)
        let storage = ByteStorage(capacity: prefix + capacity)
        let size = LZ4F_compressFrame(
            storage.base + prefix, capacity, source.baseAddress ?? UnsafeRawPointer(storage.base), source.count,
            &preferences)
        guard LZ4F_isError(size) == 0 else { throw .compressionFailed(.lz4) }
        return Bytes(storage: storage, count: prefix + size)
    }

    /// Reads one frame after the other. As with Java's reader, what follows and is none is not looked at.
    /// - Parameter anyHeaderChecksum: accepts the wrong header checksum of old messages, see ``LZ4HeaderChecksum``.
    static func decompress(
        _ source: UnsafeRawBufferPointer, maxBytes: Int, anyHeaderChecksum: Bool = false
    ) throws(RecordsError) -> Bytes {
        guard let context = contexts.take()?.pointer ?? makeContext() else { throw .badCompressedData(.lz4) }
        let decoder = OpaquePointer(context)
        // After an error a reset is not enough: the library keeps the size that the frame claimed, and would hold the next
        // frame to it.
        var isSound = false
        defer {
            if !isSound || !contexts.give(ContextPool.Context(pointer: context)) {
                LZ4F_freeDecompressionContext(decoder)
            }
        }
        // Room for a whole block lets the library write there without a copy. It makes at most 255 bytes of one.
        var output = CodecOutput(
            expected: max(source.count * 4, 64 << 10), trusted: source.count * 255, limit: maxBytes)
        var rest = source
        while true {
            if anyHeaderChecksum, let header = LZ4HeaderChecksum.corrected(rest) {
                let used = try header.withUnsafeBytes { bytes throws(RecordsError) in
                    try step(decoder, bytes, &output).used
                }
                guard used == header.count else { throw .badCompressedData(.lz4) }
                rest = UnsafeRawBufferPointer(rebasing: rest[used...])
            }
            while true {
                let (used, isDone) = try step(decoder, rest, &output)
                rest = UnsafeRawBufferPointer(rebasing: rest[used...])
                if isDone { break }
            }
            guard !startsFrame(rest) else { continue }
            isSound = true
            return try output.finish()
        }
    }

    // One call of the library.
    private static func step(
        _ decoder: OpaquePointer, _ source: UnsafeRawBufferPointer, _ output: inout CodecOutput
    ) throws(RecordsError) -> (used: Int, isDone: Bool) {
        let room = try output.room()
        var wrote = room.count
        var used = source.count
        let left = LZ4F_decompress(decoder, room.baseAddress, &wrote, source.baseAddress, &used, nil)
        guard LZ4F_isError(left) == 0 else { throw .badCompressedData(.lz4) }
        output.wrote(wrote)
        if left == 0 { return (used, true) }
        // With room and nothing to read or to write, the frame is not going to end.
        guard used > 0 || wrote > 0 else { throw .badCompressedData(.lz4) }
        return (used, false)
    }

    private static func startsFrame(_ source: UnsafeRawBufferPointer) -> Bool {
        source.count >= 4 && UInt32(littleEndian: source.loadUnaligned(as: UInt32.self)) == magic
    }

    private static func makeContext() -> UnsafeMutableRawPointer? {
        var decoder: OpaquePointer?
        guard LZ4F_isError(LZ4F_createDecompressionContext(&decoder, UInt32(LZ4F_VERSION))) == 0 else { return nil }
        return decoder.map { UnsafeMutableRawPointer($0) }
    }
}
