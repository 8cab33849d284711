/// Finds the position of an offset in a segment: for about every `index.interval.bytes` of the log, the last offset of an
/// append and the position where it begins. Kafka's `.index`: relative offset (4 bytes), position (4 bytes).
///
/// Positions are beginnings of batches, so the index also finds a place to cut at.
struct OffsetIndex: Sendable {
    struct Entry: Equatable, Sendable {
        var offset: Int64
        var position: Int64

        /// - Parameter entry: the eight bytes in the file.
        init(_ entry: UnsafeRawPointer, baseOffset: Int64) {
            offset = baseOffset &+ Int64(entry.bigEndian(0, as: Int32.self))
            position = Int64(entry.bigEndian(4, as: Int32.self))
        }

        init(offset: Int64, position: Int64) {
            self.offset = offset
            self.position = position
        }
    }

    static let entrySize = 8

    let file: IndexFile
    let baseOffset: Int64

    init(_ handle: FileHandle, baseOffset: Int64) {
        file = IndexFile(handle, entrySize: OffsetIndex.entrySize)
        self.baseOffset = baseOffset
    }

    private func read(_ entry: UnsafeRawPointer) -> Entry { Entry(entry, baseOffset: baseOffset) }

    /// The last entry whose offset is at most `offset`; the segment's beginning when there is none.
    func lookUp(_ offset: Int64, waits: Bool = true) throws(DiskError) -> Entry {
        try file.last(waits: waits, where: { read($0).offset <= offset }, read)?.value
            ?? Entry(offset: baseOffset, position: 0)
    }

    /// The last entry whose position is at most `position`; nil when there is none.
    func lookUp(position: Int64, waits: Bool = true) throws(DiskError) -> Entry? {
        try file.last(waits: waits, where: { read($0).position <= position }, read)?.value
    }

    /// Adds an entry, unless its offset does not fit into 32 bits relative to the segment.
    /// - Parameter waits: see ``IndexFile/append(waits:_:)``.
    func append(offset: Int64, position: Int64, waits: Bool = true) throws(DiskError) {
        guard let relative = Int32(exactly: offset - baseOffset), let place = Int32(exactly: position) else { return }
        try file.append(waits: waits) {
            $0.storeBigEndian(relative, 0)
            $0.storeBigEndian(place, 4)
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
