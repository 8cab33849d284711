extension LogSegment {
    /// Runs `body` with a scanner over a part of its batches, as ``BatchScanner/scan(_:from:to:windowBytes:segmentOffset:waits:_:)``
    /// does.
    func scan<R>(
        _ file: any DiskFile, from position: Int64, to end: Int64, windowBytes: Int = 2048, waits: Bool = true,
        _ body: (inout BatchScanner) throws(LogFault) -> R
    ) throws(LogFault) -> R {
        try BatchScanner.scan(
            file, from: position, to: end, windowBytes: windowBytes, segmentOffset: baseOffset, waits: waits, body)
    }

    /// The first batch whose last offset is at least `offset`; nil when all are below.
    /// - Parameters:
    ///   - end: bytes of the segment to look at.
    ///   - waits: whether it may wait for the disk; see ``DiskError/wouldWait``.
    ///   - far: an index that says so many bytes too little lacks entries.
    func firstBatch(
        endingAtOrAfter offset: Int64, end: Int64, waits: Bool = true, far: Int64 = .max
    ) throws(LogFault) -> StoredBatch? {
        guard end > 0 else { return nil }
        let file = try file(waits: waits)
        let index = files.offsetIndex
        let entry = try onDisk { () throws(DiskError) in try index.lookUp(offset, waits: waits) }
        let start = entry.position >= 0 && entry.position < end ? entry.position : 0
        do {
            return try scan(file, from: start, to: end, for: offset, waits: waits, far: far)
        } catch .damaged where start > 0 {
            // The index pointed into the middle of something; the log itself may be sound.
            let found = try scan(file, from: 0, to: end, for: offset, waits: waits)
            distrustOffsetIndex()
            return found
        }
    }

    private func scan(
        _ file: any DiskFile, from start: Int64, to end: Int64, for offset: Int64, waits: Bool, far: Int64 = .max
    ) throws(LogFault) -> StoredBatch? {
        try scan(file, from: start, to: end, waits: waits) { (scanner) throws(LogFault) in
            var isFirst = true
            var found: StoredBatch?
            var largest = 0
            while found == nil, let batch = try scanner.next() {
                if isFirst && start > 0 && batch.baseOffset > offset {
                    throw .damaged(path: file.path, position: start, reason: "the index points behind the offset")
                }
                isFirst = false
                if batch.lastOffset >= offset { found = batch } else { largest = max(largest, batch.size) }
            }
            // Between two entries there is at least a batch.
            if (found?.position ?? end) - start - 2 * Int64(largest) > far { distrustOffsetIndex() }
            return found
        }
    }

    /// Whether nothing from `first` up to `end` is a record: what cleaning leaves of a segment, for the offsets' and the
    /// producers' sake.
    func isWithoutRecords(from first: StoredBatch, end: Int64, waits: Bool = true) throws(LogFault) -> Bool {
        // Some batches at most; to look at more would cost every read of them.
        guard first.header?.recordCount == 0, end - first.position <= 64 * Int64(RecordBatchHeader.size) else {
            return false
        }
        if first.end >= end { return true }
        return try scan(try file(waits: waits), from: first.end, to: end, waits: waits) {
            (scanner) throws(LogFault) in
            while let batch = try scanner.next() {
                guard batch.header?.recordCount == 0 else { return false }
            }
            return true
        }
    }

    /// Where a read that begins with `first` ends: at a batch's end, at most `maxBytes` further.
    /// - Parameters:
    ///   - end: the position where what may be read ends.
    ///   - minOneBatch: whether `first` is read even if it is larger than `maxBytes`.
    ///   - waits: whether it may wait for the disk; see ``DiskError/wouldWait``.
    func cut(
        after first: StoredBatch, maxBytes: Int, end: Int64, minOneBatch: Bool, waits: Bool = true
    ) throws(LogFault) -> Int64 {
        let limit = first.position + Int64(clamping: max(maxBytes, 0))
        if end <= limit || limit < first.position { return max(end, first.position) }
        if first.end >= limit { return first.end == limit || minOneBatch ? first.end : first.position }
        let file = try file(waits: waits)
        let index = files.offsetIndex
        let entry = try onDisk { () throws(DiskError) in try index.lookUp(position: limit, waits: waits) }
        if let entry, entry.position > first.end, entry.position <= limit {
            do {
                return try cut(file, from: entry.position, to: end, limit: limit, waits: waits) { batch in
                    batch.baseOffset > first.lastOffset && batch.baseOffset <= entry.offset
                }
            } catch .damaged {
                // The log itself may be sound.
                let cut = try cut(file, from: first.end, to: end, limit: limit, waits: waits)
                distrustOffsetIndex()
                return cut
            }
        }
        return try cut(file, from: first.end, to: end, limit: limit, waits: waits)
    }

    /// - Parameter matches: whether the batch at `start` is what the index says is there.
    private func cut(
        _ file: any DiskFile, from start: Int64, to end: Int64, limit: Int64, waits: Bool,
        _ matches: (StoredBatch) -> Bool = { _ in true }
    ) throws(LogFault) -> Int64 {
        try scan(file, from: start, to: end, waits: waits) { (scanner) throws(LogFault) in
            var cut = start
            while let batch = try scanner.next() {
                if batch.position == start && !matches(batch) {
                    throw .damaged(path: file.path, position: start, reason: "the index tells of another batch")
                }
                if batch.end > limit { break }
                cut = batch.end
            }
            return cut
        }
    }

    /// The position behind the last batch that lies wholly below `offset`.
    func position(below offset: Int64, end: Int64, waits: Bool = true) throws(LogFault) -> Int64 {
        try firstBatch(endingAtOrAfter: offset, end: end, waits: waits)?.position ?? end
    }

    /// The last batch, found from the end of the index; nil when the segment is empty.
    func lastBatch() throws(LogFault) -> StoredBatch? { try lastBatch(below: size) }

    /// The last batch that begins below the position `end`, where one ends; nil when there is none.
    func lastBatch(below end: Int64) throws(LogFault) -> StoredBatch? {
        guard end > 0 else { return nil }
        let file = try file()
        let index = files.offsetIndex
        let isWhole = end == size
        let entry = try onDisk { () throws(DiskError) in
            try isWhole ? index.lastEntry() : index.lookUp(position: end - 1)
        }
        let start = entry.map { $0.position >= 0 && $0.position < end ? $0.position : 0 } ?? 0
        do {
            return try lastBatch(file, from: start, to: end)
        } catch .damaged where start > 0 {
            let last = try lastBatch(file, from: 0, to: end)
            distrustOffsetIndex()
            return last
        }
    }

    private func lastBatch(
        _ file: any DiskFile, from start: Int64, to end: Int64
    ) throws(LogFault) -> StoredBatch? {
        try scan(file, from: start, to: end) { (scanner) throws(LogFault) in
            var last: StoredBatch?
            while let batch = try scanner.next() { last = batch }
            return last
        }
    }
}
