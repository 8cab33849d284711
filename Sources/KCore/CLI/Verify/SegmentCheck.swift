/// Reads a segment from end to end, with the indexes beside it: checksums, offsets, records, index entries.
struct SegmentCheck {
    let logPath: String
    let baseOffset: Int64
    /// Whether records are decoded; otherwise only headers and checksums are looked at.
    let decodesRecords: Bool
    /// Offsets that are missing below are not looked at: compaction has been there.
    let denseFrom: Int64
    private(set) var problems: [LogProblem] = []
    private(set) var facts: SegmentFacts

    private static let windowBytes = 4 << 20
    /// Problems of one segment that are told.
    private static let maxProblems = 100

    /// The last one that was found to point at a batch.
    private var lastOffsetEntry: OffsetIndexReader.Entry?
    private var offsetEntries: ArraySlice<OffsetIndexReader.Entry> = []
    private var timeEntries: ArraySlice<TimeIndexReader.Entry> = []
    private var largestTimestamp: Int64 = -1
    private var previousLastOffset: Int64

    init(logPath: String, baseOffset: Int64, decodesRecords: Bool, denseFrom: Int64 = 0) {
        self.logPath = logPath
        self.baseOffset = baseOffset
        self.decodesRecords = decodesRecords
        self.denseFrom = denseFrom
        facts = SegmentFacts(nextOffset: baseOffset)
        previousLastOffset = baseOffset - 1
    }

    mutating func run(_ disk: any Disk) {
        do {
            try readIndexes(disk)
            try scan(disk.open(logPath, .read))
        } catch {
            found(path: error.path, nil, error.description)
        }
    }

    private func path(_ kind: SegmentFileKind) -> String {
        String(logPath.dropLast(SegmentFileKind.log.rawValue.utf8.count)) + kind.rawValue
    }

    private mutating func found(path: String? = nil, _ position: Int64?, _ what: String) {
        guard problems.count < Self.maxProblems else { return }
        problems.append(LogProblem(path: path ?? logPath, position: position, what: what))
    }

    // MARK: Indexes

    private mutating func readIndexes(_ disk: any Disk) throws(DiskError) {
        if let contents = try disk.readFile(path(.offsetIndex)) {
            let index = OffsetIndexReader(contents, baseOffset: baseOffset)
            for problem in index.problems { found(path: path(.offsetIndex), problem.position, problem.what) }
            // What is out of order in itself cannot be compared.
            if index.problems.isEmpty { offsetEntries = index.entries[...] }
        }
        if let contents = try disk.readFile(path(.timeIndex)) {
            let index = TimeIndexReader(contents, baseOffset: baseOffset)
            for problem in index.problems { found(path: path(.timeIndex), problem.position, problem.what) }
            if index.problems.isEmpty { timeEntries = index.entries[...] }
        }
    }

    private mutating func compareIndexes(_ batch: StoredBatch) {
        while let entry = offsetEntries.first, entry.position <= batch.position {
            offsetEntries.removeFirst()
            if entry.position < batch.position {
                found(
                    path: path(.offsetIndex), entry.place, "position \(entry.position) is not the beginning of a batch")
            } else if entry.offset <= previousLastOffset || entry.offset < batch.lastOffset {
                found(
                    path: path(.offsetIndex), entry.place,
                    "offset \(entry.offset) is said to be at position \(entry.position), where "
                        + "\(batch.baseOffset) to \(batch.lastOffset) are")
            } else {
                // It may be the last one of several batches that were appended at once, but not of what the next one is of.
                checkReach(before: batch.baseOffset)
                lastOffsetEntry = entry
            }
        }
        largestTimestamp = max(largestTimestamp, batch.maxTimestamp)
        previousLastOffset = max(previousLastOffset, batch.lastOffset)
        while let entry = timeEntries.first, entry.offset <= batch.lastOffset {
            timeEntries.removeFirst()
            if entry.timestamp != largestTimestamp {
                found(
                    path: path(.timeIndex), entry.place,
                    "timestamp \(entry.timestamp) at offset \(entry.offset), up to where \(largestTimestamp) is the largest"
                )
            }
        }
    }

    private mutating func checkReach(before offset: Int64) {
        guard let entry = lastOffsetEntry, entry.offset >= offset else { return }
        found(
            path: path(.offsetIndex), entry.place,
            "offset \(entry.offset) is behind the batches there, which end in front of \(offset)")
    }

    private mutating func finishIndexes(_ size: Int64) {
        checkReach(before: facts.nextOffset)
        for entry in offsetEntries.prefix(1) {
            found(path: path(.offsetIndex), entry.place, "position \(entry.position) is behind the last whole batch")
        }
        for entry in timeEntries.prefix(1) {
            found(path: path(.timeIndex), entry.place, "offset \(entry.offset) is behind the last whole batch")
        }
    }

    // MARK: The log

    private mutating func scan(_ file: any DiskFile) throws(DiskError) {
        let size = try file.size()
        facts.bytes = size
        var window = BatchWindow(file: file, size: size, bytes: Self.windowBytes)
        var position: Int64 = 0
        while position < size {
            let batch: StoredBatch
            let bytes: Bytes
            do {
                let head = try window.bytes(at: position, count: StoredBatch.headerBytes)
                batch = try head.withUnsafeBytes { bytes throws(RecordsError) in
                    try StoredBatch(bytes, position: position, available: size - position)
                }
                bytes = try window.bytes(at: position, count: batch.size)
                guard bytes.count == batch.size else {
                    throw RecordsError.truncated(needed: batch.size, available: bytes.count)
                }
            } catch let error as DiskError {
                throw error
            } catch {
                // The next place that is known to be the beginning of a batch is in the index.
                let next = offsetEntries.first { $0.position > position }?.position
                let end = min(next ?? size, size)
                if end == size {
                    facts.tornAt = position
                    found(position, "\(size - position) bytes at the end are no whole batch: \(error)")
                } else {
                    found(position, "no batch up to byte \(end): \(error)")
                }
                offsetEntries = offsetEntries.drop { $0.position < end }
                position = end
                continue
            }
            check(batch, bytes)
            position = batch.end
        }
        finishIndexes(size)
    }

    private mutating func check(_ batch: StoredBatch, _ bytes: Bytes) {
        facts.batches += 1
        if batch.baseOffset < facts.nextOffset {
            found(batch.position, "offset \(batch.baseOffset) cannot follow \(facts.nextOffset - 1)")
        } else if batch.baseOffset > max(facts.nextOffset, denseFrom), batch.header != nil {
            gap(batch, "offsets \(max(facts.nextOffset, denseFrom)) to \(batch.baseOffset - 1) are missing")
        }
        compareIndexes(batch)
        do throws(RecordsError) {
            if let header = batch.header { try check(header, batch, bytes) } else { try legacy(bytes) }
        } catch {
            found(batch.position, error.description)
        }
        facts.nextOffset = max(facts.nextOffset, batch.lastOffset + 1)
    }

    private mutating func gap(_ batch: StoredBatch, _ what: String) {
        if facts.gap == nil { facts.gap = (batch.position, what) }
    }

    private mutating func check(
        _ header: RecordBatchHeader, _ batch: StoredBatch, _ bytes: Bytes
    ) throws(RecordsError) {
        try bytes.withUnsafeBytes { bytes throws(RecordsError) in try header.checkCRC(in: bytes) }
        let count = Int64(header.recordCount)
        if count < 0 || count > Int64(header.lastOffsetDelta) + 1 { throw .badRecordCount(Int(count)) }
        if count <= header.lastOffsetDelta && batch.baseOffset >= denseFrom {
            let have = "\(Quantity.count(count, "record")) \(count == 1 ? "has" : "have")"
            gap(batch, "\(have) \(Quantity.count(Int64(header.lastOffsetDelta) + 1, "offset"))")
        }
        facts.records += count
        guard decodesRecords || header.isControl else { return facts.take(header, marker: nil) }
        let reader = try RecordBatchReader(bytes, checkCRC: false)
        var marker: EndTransactionMarker?
        var largest: Int64 = -1
        try reader.forEachRecord { record throws(RecordsError) in
            largest = max(largest, record.timestamp)
            if header.isControl { marker = try EndTransactionMarker(record) ?? marker }
        }
        if count > 0 && largest > header.maxTimestamp {
            found(batch.position, "a record's timestamp \(largest) is above the batch's \(header.maxTimestamp)")
        }
        facts.take(header, marker: marker)
    }

    private mutating func legacy(_ bytes: Bytes) throws(RecordsError) {
        facts.records += Int64(try LegacyRecords.read(bytes).count)
    }
}

/// A piece of a file in memory, with room for a batch.
private struct BatchWindow {
    let file: any DiskFile
    let size: Int64
    private var storage: ByteStorage
    private var start: Int64 = 0
    private var count = 0

    init(file: any DiskFile, size: Int64, bytes: Int) {
        self.file = file
        self.size = size
        storage = ByteStorage(capacity: Int(min(Int64(bytes), max(size, 64))))
    }

    /// Up to `count` bytes from `position` on, fewer only at the end of the file. Valid until the next call.
    mutating func bytes(at position: Int64, count wanted: Int) throws(DiskError) -> Bytes {
        let wanted = Int(min(Int64(wanted), size - position))
        if position < start || position + Int64(wanted) > start + Int64(count) {
            if wanted > storage.capacity { storage = ByteStorage(capacity: wanted) }
            let target = UnsafeMutableRawBufferPointer(start: storage.base, count: storage.capacity)
            start = position
            count = try file.readFully(at: position, into: target)
        }
        return Bytes(
            storage: storage, offset: Int(position - start), count: max(0, min(wanted, count - Int(position - start))))
    }
}
