/// Where decompressed bytes go: memory that grows by doubling up to a limit.
struct CodecOutput {
    private var storage: ByteStorage
    private(set) var count = 0
    private let limit: Int

    /// - Parameters:
    ///   - expected: bytes that the result will have, as far as one can know. Believed up to `trusted` only.
    ///   - trusted: bytes that may be taken at once, because the source could really become so many.
    init(expected: Int, trusted: Int, limit: Int) {
        self.limit = limit
        storage = ByteStorage(capacity: max(min(expected, trusted, limit), min(limit, 4096)) + 1)
    }

    /// Memory to write to, at least a byte. One byte more than the limit can be written, so that a result of just the
    /// limit is told from a larger one.
    /// - Throws: ``RecordsError/tooLarge(limit:)`` when more than the limit is there already.
    mutating func room() throws(RecordsError) -> UnsafeMutableRawBufferPointer {
        guard count <= limit else { throw .tooLarge(limit: limit) }
        if count == storage.capacity {
            let larger = ByteStorage(capacity: min(storage.capacity * 2, limit + 1))
            larger.base.copyMemory(from: storage.base, byteCount: count)
            storage = larger
        }
        return UnsafeMutableRawBufferPointer(start: storage.base + count, count: storage.capacity - count)
    }

    /// Says that `byteCount` bytes of ``room()`` were written.
    mutating func wrote(_ byteCount: Int) { count += byteCount }

    /// The result.
    /// - Throws: ``RecordsError/tooLarge(limit:)``.
    func finish() throws(RecordsError) -> Bytes {
        guard count <= limit else { throw .tooLarge(limit: limit) }
        return Bytes(storage: storage, count: count)
    }
}
