/// Reads the batches of a segment or snapshot one after the other, with a bounded piece of the file in memory.
struct MetadataBatchFile {
    /// Bytes that are read at once, more for a batch that is larger.
    static let windowBytes = 1 << 20

    let file: any DiskFile
    /// Where the next batch begins. After an error: where the batch at fault does.
    private(set) var position: Int64 = 0
    private let size: Int64
    private var window = Bytes()
    private var windowStart: Int64 = 0

    init(_ file: any DiskFile) throws(DiskError) {
        self.file = file
        size = try file.size()
    }

    /// Bytes behind the last batch that was read.
    var remaining: Int64 { size - position }

    /// The next batch, its checksum compared; nil at the end of the file.
    /// - Throws: ``RecordsError`` when there is no whole, sound batch; ``DiskError``.
    mutating func next() throws -> RecordBatchReader? {
        guard remaining > 0 else { return nil }
        var bytes = try load(RecordBatchHeader.size)
        let header = try bytes.withUnsafeBytes { try RecordBatchHeader(reading: $0) }
        guard Int64(header.sizeInBytes) <= remaining else {
            throw RecordsError.truncated(needed: header.sizeInBytes, available: Int(remaining))
        }
        bytes = try load(header.sizeInBytes)
        let reader = try RecordBatchReader(bytes.slice(0..<header.sizeInBytes), checkCRC: true)
        position += Int64(header.sizeInBytes)
        return reader
    }

    /// At least `count` bytes from `position` on, or all that there are.
    private mutating func load(_ count: Int) throws(DiskError) -> Bytes {
        let start = Int(position - windowStart)
        if start >= 0 && start + count <= window.count { return window.slice(start..<window.count) }
        let length = min(Int64(max(count, Self.windowBytes)), remaining)
        window = try file.readBytes(at: position, count: Int(length))
        windowStart = position
        return window
    }
}
