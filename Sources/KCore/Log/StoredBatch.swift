/// A batch in a segment, by what its header says.
struct StoredBatch: Sendable {
    /// Where it begins, in bytes from the start of the segment.
    var position: Int64
    /// Bytes.
    var size: Int
    /// Of the first record; of an old compressed message set, of the last one.
    var baseOffset: Int64
    var lastOffset: Int64
    /// Milliseconds; -1 where there is none.
    var maxTimestamp: Int64
    /// Nil for messages of the old formats 0 and 1.
    var header: RecordBatchHeader?

    var end: Int64 { position + Int64(size) }
    var leaderEpoch: Int32? { header.flatMap { $0.partitionLeaderEpoch < 0 ? nil : $0.partitionLeaderEpoch } }

    /// Whether a segment with this base offset can have it: offsets in it are 32-bit differences to that.
    func canBe(in segmentOffset: Int64) -> Bool {
        baseOffset >= segmentOffset && lastOffset - segmentOffset <= Int64(Int32.max)
    }

    /// Bytes that are enough to read any header.
    static let headerBytes = RecordBatchHeader.size
    /// Offset, length, checksum, magic and attributes of an old message, and its smallest size as a whole.
    private static let legacyHeaderBytes = 18
    private static let legacySmallest = 26

    /// Reads the header at the start of `bytes`, which may end inside the batch.
    /// - Parameter available: bytes that the file has from here on.
    init(_ bytes: UnsafeRawBufferPointer, position: Int64, available: Int64) throws(RecordsError) {
        self.position = position
        do throws(RecordsError) {
            let header = try RecordBatchHeader(reading: bytes)
            // The checksum does not cover the base offset: whatever is on the disk, offsets can be reckoned with.
            guard header.lastOffsetDelta >= 0, header.baseOffset >= 0,
                header.baseOffset < Int64.max - Int64(header.lastOffsetDelta)
            else { throw .badRecordCount(-1) }
            size = header.sizeInBytes
            baseOffset = header.baseOffset
            lastOffset = header.lastOffset
            maxTimestamp = header.maxTimestamp
            self.header = header
        } catch .unsupportedMagic(let magic) where magic == 0 || magic == 1 {
            guard let base = bytes.baseAddress, bytes.count >= StoredBatch.legacySmallest else {
                throw .truncated(needed: StoredBatch.legacySmallest, available: bytes.count)
            }
            let length = Int(base.bigEndian(8, as: Int32.self))
            guard length >= StoredBatch.legacySmallest - 12 else { throw .badBatchLength(length) }
            size = length + 12
            lastOffset = base.bigEndian(0)
            guard lastOffset >= 0, lastOffset < Int64.max else { throw .badRecordCount(-1) }
            baseOffset = lastOffset
            maxTimestamp = magic == 1 ? base.bigEndian(StoredBatch.legacyHeaderBytes) : -1
            header = nil
        }
        guard Int64(size) <= available else { throw .truncated(needed: size, available: Int(available)) }
    }
}

/// Goes through the batches of a segment by their headers, with few reads: small batches share one.
struct BatchScanner {
    private let file: any DiskFile
    private let window: UnsafeMutableRawBufferPointer
    private var windowStart: Int64 = 0
    private var windowCount = 0
    private(set) var position: Int64
    private let end: Int64
    private let segmentOffset: Int64?
    // Reads until it gives up; nil when it may wait and go on for as long as it takes.
    private var readsLeft: Int?

    /// Reads of a scanner that may not wait, for it should not take long either.
    private static let quickReads = 64

    /// - Parameters:
    ///   - window: memory for what is read, at least ``StoredBatch/headerBytes``.
    ///   - end: where the last batch ends.
    ///   - segmentOffset: the segment's base offset: batches that cannot be in it are damaged.
    ///   - waits: whether it may wait for the disk; see ``DiskError/wouldWait``.
    init(
        _ file: any DiskFile, from position: Int64, to end: Int64, window: UnsafeMutableRawBufferPointer,
        segmentOffset: Int64? = nil, waits: Bool = true
    ) {
        self.segmentOffset = segmentOffset
        readsLeft = waits ? nil : BatchScanner.quickReads
        self.file = file
        self.window = window
        self.position = position
        self.end = end
    }

    /// The next batch; nil at the end.
    mutating func next() throws(LogFault) -> StoredBatch? {
        guard position < end else { return nil }
        let needed = Int(min(Int64(StoredBatch.headerBytes), end - position))
        if position < windowStart || position + Int64(needed) > windowStart + Int64(windowCount) {
            try fill()
        }
        let skipped = Int(position - windowStart)
        let bytes = UnsafeRawBufferPointer(rebasing: window[skipped..<max(windowCount, skipped)])
        let batch: StoredBatch
        do {
            batch = try StoredBatch(bytes, position: position, available: end - position)
        } catch {
            throw .damaged(path: file.path, position: position, reason: error.description)
        }
        // The checksum does not cover the offset.
        if let segmentOffset, !batch.canBe(in: segmentOffset) {
            throw .damaged(
                path: file.path, position: position,
                reason: "no segment that begins at \(segmentOffset) has the offset \(batch.lastOffset)")
        }
        position = batch.end
        return batch
    }

    private mutating func fill() throws(LogFault) {
        let count = Int(min(Int64(window.count), end - position))
        let target = UnsafeMutableRawBufferPointer(rebasing: window[..<count])
        windowStart = position
        do throws(DiskError) {
            if let left = readsLeft {
                if left == 0 { throw .wouldWait }
                readsLeft = left - 1
            }
            windowCount = try file.readFully(at: position, into: target, waits: readsLeft == nil)
        } catch {
            throw .disk(error)
        }
    }

    /// Runs `body` with a scanner that has its window on the stack.
    static func scan<R>(
        _ file: any DiskFile, from position: Int64, to end: Int64, windowBytes: Int = 2048,
        segmentOffset: Int64? = nil, waits: Bool = true, _ body: (inout BatchScanner) throws(LogFault) -> R
    ) throws(LogFault) -> R {
        try withUnsafeTemporaryAllocationTyped(byteCount: windowBytes) { (window) throws(LogFault) in
            var scanner = BatchScanner(
                file, from: position, to: end, window: window, segmentOffset: segmentOffset, waits: waits)
            return try body(&scanner)
        }
    }
}
