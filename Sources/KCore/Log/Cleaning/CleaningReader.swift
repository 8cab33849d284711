/// Reads the batches of a segment from beginning to end, whole and checked, in few large reads.
struct CleaningReader: ~Copyable {
    struct Batch {
        var stored: StoredBatch
        /// Where it lies until the next one is read.
        var bytes: UnsafeRawBufferPointer
    }

    /// More than any request can carry: a length above it is damage, and no memory is taken for it.
    private static let largestBatchBytes = 256 << 20

    private let file: any DiskFile
    private let end: Int64
    private var memory: ByteStorage
    private var start: Int64 = 0
    private var count = 0
    private(set) var position: Int64 = 0
    /// Bytes read from the file so far.
    private(set) var bytesRead = 0
    private var nextOffset: Int64
    private let endOffset: Int64

    /// - Parameters:
    ///   - end: bytes of whole batches in the file.
    ///   - firstOffset: the segment's base offset.
    ///   - endOffset: where the next segment begins.
    ///   - bufferBytes: read at a time. Memory grows with a batch that is larger.
    init(_ file: any DiskFile, end: Int64, firstOffset: Int64, endOffset: Int64, bufferBytes: Int) {
        self.file = file
        self.end = end
        nextOffset = firstOffset
        self.endOffset = endOffset
        memory = ByteStorage(capacity: max(Int(min(Int64(bufferBytes), end)), StoredBatch.headerBytes))
    }

    /// What cannot be read is damage, at the place of the batch that was read last or is read now.
    func damaged(at place: Int64, _ reason: String) -> LogFault {
        .damaged(path: file.path, position: place, reason: reason)
    }

    /// The next batch, valid until the next call; nil at the end.
    /// - Throws: ``LogFault/damaged(path:position:reason:)`` for what is no whole batch, has a wrong checksum or an offset that
    ///   cannot be there.
    mutating func next() throws(LogFault) -> Batch? {
        guard position < end else { return nil }
        try fill(Int(min(Int64(StoredBatch.headerBytes), end - position)))
        let stored: StoredBatch
        do {
            stored = try StoredBatch(rest, position: position, available: end - position)
        } catch {
            throw damaged(at: position, error.description)
        }
        guard stored.size <= CleaningReader.largestBatchBytes else {
            throw damaged(at: position, "a batch of \(stored.size) bytes")
        }
        try fill(stored.size)
        let bytes = UnsafeRawBufferPointer(rebasing: rest.prefix(stored.size))
        guard bytes.count == stored.size else { throw damaged(at: position, "the file ends inside of a batch") }
        do {
            // Old messages are checked when they are read, since those inside of a compressed one are, too.
            try stored.header?.checkCRC(in: bytes)
        } catch {
            throw damaged(at: position, error.description)
        }
        // The checksum does not cover it, and what is cleaned goes by it.
        guard stored.baseOffset >= nextOffset, stored.lastOffset < endOffset else {
            throw damaged(
                at: position,
                "the offsets \(stored.baseOffset) to \(stored.lastOffset) cannot be between \(nextOffset) and \(endOffset)"
            )
        }
        nextOffset = stored.lastOffset + 1
        position = stored.end
        return Batch(stored: stored, bytes: bytes)
    }

    // What is in memory from `position` on.
    private var rest: UnsafeRawBufferPointer {
        let skipped = Int(position - start)
        return UnsafeRawBufferPointer(start: memory.base + skipped, count: count - skipped)
    }

    private mutating func fill(_ wanted: Int) throws(LogFault) {
        let kept = Int(start + Int64(count) - position)
        if kept >= wanted { return }
        let source = memory.base + (count - kept)
        if wanted > memory.capacity {
            let larger = ByteStorage(capacity: wanted)
            larger.base.copyMemory(from: source, byteCount: kept)
            memory = larger
        } else {
            memory.base.copyMemory(from: source, byteCount: kept)
        }
        start = position
        count = kept
        let room = Int(min(Int64(memory.capacity - count), end - position - Int64(count)))
        let target = UnsafeMutableRawBufferPointer(start: memory.base + count, count: room)
        do {
            let got = try file.readFully(at: start + Int64(count), into: target)
            count += got
            bytesRead += got
        } catch {
            throw .disk(error)
        }
    }
}
