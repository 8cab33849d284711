/// Narrows a search by time: entries of the largest timestamp so far and the last offset of the batch that has it, both
/// ascending. Kafka's `.timeindex`: timestamp (8 bytes), relative offset (4 bytes).
struct TimeIndex: Sendable {
    struct Entry: Equatable, Sendable {
        /// Milliseconds since 1970.
        var timestamp: Int64
        var offset: Int64

        /// - Parameter entry: the twelve bytes in the file.
        init(_ entry: UnsafeRawPointer, baseOffset: Int64) {
            timestamp = entry.bigEndian(0, as: Int64.self)
            offset = baseOffset &+ Int64(entry.bigEndian(8, as: Int32.self))
        }

        init(timestamp: Int64, offset: Int64) {
            self.timestamp = timestamp
            self.offset = offset
        }
    }

    static let entrySize = 12

    let file: IndexFile
    let baseOffset: Int64

    init(_ handle: FileHandle, baseOffset: Int64) {
        file = IndexFile(handle, entrySize: TimeIndex.entrySize)
        self.baseOffset = baseOffset
    }

    private func read(_ entry: UnsafeRawPointer) -> Entry { Entry(entry, baseOffset: baseOffset) }

    /// The last entry whose timestamp is at most `timestamp`; the segment's beginning when there is none.
    func lookUp(_ timestamp: Int64) throws(DiskError) -> Entry {
        try file.last(where: { read($0).timestamp <= timestamp }, read)?.value
            ?? Entry(timestamp: -1, offset: baseOffset)
    }

    /// The last entry whose offset is below `offset`; the segment's beginning when there is none.
    func lastEntry(below offset: Int64) throws(DiskError) -> Entry {
        try file.last(where: { read($0).offset < offset }, read)?.value ?? Entry(timestamp: -1, offset: baseOffset)
    }

    /// Adds an entry when its timestamp is larger than the last one's and its offset not smaller.
    /// - Parameter waits: see ``IndexFile/append(waits:_:)``.
    func appendIfLater(
        timestamp: Int64, offset: Int64, than last: Entry?, waits: Bool = true
    ) throws(DiskError) {
        guard timestamp > last?.timestamp ?? -1, offset >= last?.offset ?? Int64.min,
            let relative = Int32(exactly: offset - baseOffset)
        else { return }
        try file.append(waits: waits) {
            $0.storeBigEndian(timestamp, 0)
            $0.storeBigEndian(relative, 8)
        }
    }

    func lastEntry() throws(DiskError) -> Entry? {
        let count = try file.count()
        return count == 0 ? nil : try file.entry(count - 1, read)
    }

    func entries(_ range: Range<Int>) throws(DiskError) -> [Entry] { try file.entries(range, read) }

    /// Removes the entries of `offset` and everything behind.
    func truncate(to offset: Int64) throws(DiskError) {
        let kept = try file.last(where: { read($0).offset < offset }, { _ in }).map { $0.index + 1 } ?? 0
        try file.truncate(toCount: kept)
    }
}
