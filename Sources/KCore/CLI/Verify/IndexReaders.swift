/// The entries of an `.index` file as they are, and what is wrong with them by themselves.
struct OffsetIndexReader {
    struct Entry: Equatable {
        var offset: Int64
        var position: Int64
        /// Where the entry begins in the index, in bytes.
        var place: Int64
    }

    private(set) var entries: [Entry] = []
    private(set) var problems: [(position: Int64, what: String)] = []
    /// Bytes at the end that are no whole entry.
    let tail: Int

    init(_ contents: Bytes, baseOffset: Int64) {
        tail = contents.count % OffsetIndex.entrySize
        contents.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let (end, problem) = entriesEnd(bytes, size: OffsetIndex.entrySize)
            if let problem { problems.append(problem) }
            for start in stride(from: 0, to: end, by: OffsetIndex.entrySize) {
                let place = Int64(start)
                let stored = OffsetIndex.Entry(base + start, baseOffset: baseOffset)
                let next = Entry(offset: stored.offset, position: stored.position, place: place)
                if next.offset &- baseOffset < 0 || next.position < 0 {
                    problems.append((place, "a negative offset or position"))
                }
                if let last = entries.last, next.offset <= last.offset {
                    problems.append((place, "offset \(next.offset) does not follow \(last.offset)"))
                }
                if let last = entries.last, next.position <= last.position {
                    problems.append((place, "position \(next.position) does not follow \(last.position)"))
                }
                entries.append(next)
            }
        }
    }
}

/// The entries of a `.timeindex` file.
struct TimeIndexReader {
    struct Entry: Equatable {
        var timestamp: Int64
        var offset: Int64
        var place: Int64
    }

    private(set) var entries: [Entry] = []
    private(set) var problems: [(position: Int64, what: String)] = []
    let tail: Int

    init(_ contents: Bytes, baseOffset: Int64) {
        tail = contents.count % TimeIndex.entrySize
        contents.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let (end, problem) = entriesEnd(bytes, size: TimeIndex.entrySize)
            if let problem { problems.append(problem) }
            for start in stride(from: 0, to: end, by: TimeIndex.entrySize) {
                let place = Int64(start)
                let stored = TimeIndex.Entry(base + start, baseOffset: baseOffset)
                let next = Entry(timestamp: stored.timestamp, offset: stored.offset, place: place)
                if next.offset &- baseOffset < 0 { problems.append((place, "a negative offset")) }
                if let last = entries.last, next.timestamp <= last.timestamp {
                    problems.append((place, "timestamp \(next.timestamp) does not follow \(last.timestamp)"))
                }
                if let last = entries.last, next.offset < last.offset {
                    problems.append((place, "offset \(next.offset) does not follow \(last.offset)"))
                }
                entries.append(next)
            }
        }
    }
}

/// The entries of a `.txnindex` file: transactions that were aborted.
struct AbortedIndexReader {
    static let entrySize = 34

    struct Entry: Equatable {
        var version: Int16
        var producerId: Int64
        var firstOffset: Int64
        /// Of the marker.
        var lastOffset: Int64
        /// Where readers of committed records stood when the marker was written.
        var lastStableOffset: Int64
        var place: Int64
    }

    private(set) var entries: [Entry] = []
    let tail: Int

    init(_ contents: Bytes) {
        tail = contents.count % Self.entrySize
        contents.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for place in stride(from: 0, to: bytes.count - tail, by: Self.entrySize) {
                let entry = base + place
                entries.append(
                    Entry(
                        version: entry.bigEndian(0), producerId: entry.bigEndian(2), firstOffset: entry.bigEndian(10),
                        lastOffset: entry.bigEndian(18), lastStableOffset: entry.bigEndian(26), place: Int64(place)))
            }
        }
    }

    func problems(baseOffset: Int64) -> [(position: Int64, what: String)] {
        var problems: [(position: Int64, what: String)] = []
        var last = baseOffset - 1
        var stable: Int64 = 0
        for entry in entries {
            if entry.version != 0 { problems.append((entry.place, "version \(entry.version) is not known")) }
            if entry.firstOffset > entry.lastOffset || entry.firstOffset < 0 {
                problems.append((entry.place, "first offset \(entry.firstOffset) and last \(entry.lastOffset)"))
            }
            if entry.lastOffset <= last {
                problems.append((entry.place, "last offset \(entry.lastOffset) does not follow \(last)"))
            }
            if entry.lastStableOffset > entry.lastOffset &+ 1 || entry.lastStableOffset < stable {
                problems.append((entry.place, "last stable offset \(entry.lastStableOffset)"))
            }
            last = max(last, entry.lastOffset)
            stable = max(stable, entry.lastStableOffset)
        }
        if tail > 0 { problems.append((Int64(entries.count * Self.entrySize), "the file ends inside an entry")) }
        return problems
    }
}

/// Where the entries of an index end: what a killed broker leaves has zeros behind them.
private func entriesEnd(_ bytes: UnsafeRawBufferPointer, size: Int) -> (
    end: Int, problem: (position: Int64, what: String)?
) {
    let whole = bytes.count - bytes.count % size
    var end = 0
    while end < whole && bytes[end..<end + size].contains(where: { $0 != 0 }) { end += size }
    if end < whole, let stray = bytes[end...].firstIndex(where: { $0 != 0 }) {
        return (end, (Int64(stray), "something behind an empty entry"))
    }
    if end == whole && whole < bytes.count { return (end, (Int64(whole), "the file ends inside an entry")) }
    return (end, nil)
}
