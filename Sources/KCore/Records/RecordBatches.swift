/// Goes through the batches of a buffer by their headers, without looking at records or checksums.
///
///     var batches = RecordBatches(bytes)
///     while let batch = try batches.next() { use(batch.header, batches.bytes(of: batch)) }
public struct RecordBatches {
    public struct Batch: Equatable, Sendable {
        /// Where the batch begins in the buffer, in bytes.
        public var position: Int
        public var header: RecordBatchHeader

        public var sizeInBytes: Int { header.sizeInBytes }
        /// Where the next batch begins.
        public var end: Int { position + header.sizeInBytes }
    }

    private let owner: Bytes
    private let buffer: UnsafeRawBufferPointer
    /// Where the next batch begins; after an error, where the faulty one does.
    public private(set) var position = 0

    public init(_ bytes: Bytes) {
        owner = bytes
        buffer = UnsafeRawBufferPointer(
            start: bytes.storage.map { UnsafeRawPointer($0.base) + bytes.offset }, count: bytes.count)
    }

    /// - Parameter buffer: memory that outlives this value.
    public init(_ buffer: UnsafeRawBufferPointer) {
        owner = Bytes()
        self.buffer = buffer
    }

    /// The next batch, which is wholly in the buffer; nil at its end.
    /// - Throws: ``RecordsError/truncated(needed:available:)`` when the buffer ends inside the batch, the other errors of
    ///   ``RecordBatchHeader/init(reading:)`` when there is no batch. Calling again throws the same.
    public mutating func next() throws(RecordsError) -> Batch? {
        defer { withExtendedLifetime(owner) {} }
        guard position < buffer.count else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: buffer[position...])
        let header = try RecordBatchHeader(reading: rest)
        guard header.sizeInBytes <= rest.count else {
            throw .truncated(needed: header.sizeInBytes, available: rest.count)
        }
        let batch = Batch(position: position, header: header)
        position = batch.end
        return batch
    }

    /// The next batch, taking one that the buffer's end cuts off for the end, as a reader of a fetch response does.
    /// - Throws: the errors of ``next()`` but for truncation.
    public mutating func nextComplete() throws(RecordsError) -> Batch? {
        do {
            return try next()
        } catch .truncated {
            return nil
        }
    }

    /// The bytes of `batch`, sharing the memory that this value was made of.
    /// - Precondition: this value was made of ``Bytes``, and `batch` came from it.
    public func bytes(of batch: Batch) -> Bytes { owner.slice(batch.position..<batch.end) }

    /// The bytes of `batch`, as long as what this value was made of lives.
    public func buffer(of batch: Batch) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer[batch.position..<batch.end])
    }
}
