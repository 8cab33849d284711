internal import Synchronization

extension Log {
    /// The first record whose timestamp is at least `timestamp`, as ListOffsets answers: the indexes narrow the search,
    /// the batch that has it is decoded.
    /// - Parameter upTo: exclusive; records from there on are not seen.
    /// - Returns: nil when there is none.
    public func offset(
        forTimestamp timestamp: Int64, upTo: Int64 = .max
    ) throws(LogError) -> TimestampOffset? {
        try retrying { () throws(LogFault) in
            let (segments, start) = published.withLock { ($0.segments, $0.startOffset) }
            for segment in segments {
                if segment.baseOffset >= upTo { return nil }
                let said = try onDisk { () throws(DiskError) in try segment.largestEntry() }
                if said.timestamp < timestamp {
                    let largest = try onDisk { () throws(DiskError) in try sureLargestEntry(of: segment) }
                    if largest.timestamp < timestamp { continue }
                }
                guard let found = try segment.first(atOrAfter: timestamp, startOffset: start) else { continue }
                return found.offset < upTo ? found : nil
            }
            return nil
        }
    }

    // A segment can be removed while it is looked into; the next look at the list tells.
    func retrying<R>(_ body: () throws(LogFault) -> R) throws(LogError) -> R {
        try environment.directory.check()
        var attempts = 0
        while true {
            do {
                return try body()
            } catch {
                attempts += 1
                if error.isMissingFile && attempts < 3 { continue }
                throw answer(toReading: error)
            }
        }
    }

    /// The record with the largest timestamp, the first if there are several (KIP-734).
    /// - Parameter upTo: exclusive; batches that reach it are not seen.
    /// - Returns: nil when the log is empty, or no record has a timestamp.
    public func maxTimestamp(upTo: Int64 = .max) throws(LogError) -> TimestampOffset? {
        try retrying { () throws(LogFault) in
            let segments = published.withLock { $0.segments }
            var best: (segment: LogSegment, entry: TimeIndex.Entry)?
            for segment in segments where segment.baseOffset < upTo {
                var entry = try onDisk { () throws(DiskError) in try sureLargestEntry(of: segment) }
                // Also the largest of what may be seen is larger than anything before it.
                if entry.offset >= upTo { entry = try segment.largestEntry(below: upTo) }
                if entry.timestamp > best?.entry.timestamp ?? -1 { best = (segment, entry) }
            }
            guard let best else { return nil }
            if let record = try best.segment.record(withTimestamp: best.entry) { return record }
            // Cleaning has left a batch without records, which keeps its timestamp.
            return try largestOfRecords(segments, upTo: upTo)
        }
    }

    private func largestOfRecords(_ segments: [LogSegment], upTo: Int64) throws(LogFault) -> TimestampOffset? {
        var best: (segment: LogSegment, entry: TimeIndex.Entry)?
        for segment in segments where segment.baseOffset < upTo {
            let entry = try segment.largestOfRecords(below: upTo)
            if entry.timestamp > best?.entry.timestamp ?? -1 { best = (segment, entry) }
        }
        return try best.flatMap { (best) throws(LogFault) in try best.segment.record(withTimestamp: best.entry) }
    }
}

extension LogSegment {
    func first(atOrAfter timestamp: Int64, startOffset: Int64) throws(LogFault) -> TimestampOffset? {
        let end = size
        guard end > 0 else { return nil }
        let from = max(try place(ofAtMost: timestamp - 1), startOffset)
        guard let first = try firstBatch(endingAtOrAfter: from, end: end) else { return nil }
        let file = try file()
        return try scan(file, from: first.position, to: end) { (scanner) throws(LogFault) in
            while let batch = try scanner.next() {
                if batch.maxTimestamp < timestamp || batch.lastOffset < startOffset { continue }
                if let found = try LogSegment.record(in: batch, file, { $0 >= timestamp && $1 >= startOffset }) {
                    return found
                }
            }
            return nil
        }
    }

    /// An offset in front of which all batches have timestamps of at most `timestamp`: what the time index says, where the
    /// batch that it names bears that out.
    func place(ofAtMost timestamp: Int64) throws(LogFault) -> Int64 {
        let timeIndex = files.timeIndex
        let said = try onDisk { () throws(DiskError) in try timeIndex.lookUp(timestamp) }
        guard said.timestamp >= 0, said.offset >= baseOffset else { return baseOffset }
        let batch = try firstBatch(endingAtOrAfter: said.offset, end: size)
        guard let batch, batch.baseOffset <= said.offset, batch.maxTimestamp == said.timestamp else {
            return baseOffset
        }
        return said.offset
    }

    /// As ``largestEntry()``, of the batches that end below `offset`: the index tells up to where, headers the rest.
    func largestEntry(below offset: Int64) throws(LogFault) -> TimeIndex.Entry {
        let end = try position(below: offset, end: size)
        let timeIndex = files.timeIndex
        var largest = try onDisk { () throws(DiskError) in try timeIndex.lastEntry(below: offset) }
        let first = try firstBatch(endingAtOrAfter: largest.offset, end: end)
        guard let first else { return largest }
        try scan(try file(), from: first.position, to: end) { (scanner) throws(LogFault) in
            while let batch = try scanner.next() {
                if batch.maxTimestamp > largest.timestamp {
                    largest = TimeIndex.Entry(timestamp: batch.maxTimestamp, offset: batch.lastOffset)
                }
            }
        }
        return largest
    }

    /// As ``largestEntry(below:)``, by a look at every batch, of those that have records.
    func largestOfRecords(below offset: Int64) throws(LogFault) -> TimeIndex.Entry {
        let end = size
        var largest = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        if end == 0 { return largest }
        try scan(try file(), from: 0, to: end) { (scanner) throws(LogFault) in
            while let batch = try scanner.next(), batch.lastOffset < offset {
                if batch.header?.recordCount == 0 || batch.maxTimestamp <= largest.timestamp { continue }
                largest = TimeIndex.Entry(timestamp: batch.maxTimestamp, offset: batch.lastOffset)
            }
        }
        return largest
    }

    func record(withTimestamp entry: TimeIndex.Entry) throws(LogFault) -> TimestampOffset? {
        let end = size
        guard let first = try firstBatch(endingAtOrAfter: entry.offset, end: end) else { return nil }
        let file = try file()
        var largest: Int64 = -1
        let found = try LogSegment.record(in: first, file) { timestamp, _ in
            largest = max(largest, timestamp)
            return timestamp == entry.timestamp
        }
        if found != nil || largest < 0 { return found }
        // Of a compressed batch the client's word was taken, and its records are older than that.
        return try LogSegment.record(in: first, file) { timestamp, _ in timestamp == largest }
    }

    /// The first record of a batch that `matches` its timestamp and offset.
    private static func record(
        in batch: StoredBatch, _ file: any DiskFile, _ matches: (_ timestamp: Int64, _ offset: Int64) -> Bool
    ) throws(LogFault) -> TimestampOffset? {
        let bytes = try onDisk { () throws(DiskError) in try file.readBytes(at: batch.position, count: batch.size) }
        var found: TimestampOffset?
        do throws(RecordsError) {
            try forEachRecord(in: bytes) { (record) throws(RecordsError) in
                guard found == nil, matches(record.timestamp, record.offset) else { return }
                found = TimestampOffset(
                    timestamp: record.timestamp, offset: record.offset, leaderEpoch: batch.leaderEpoch ?? -1)
            }
        } catch {
            throw .damaged(path: file.path, position: batch.position, reason: error.description)
        }
        return found
    }
    /// The records of one batch of any format.
    private static func forEachRecord(
        in batch: Bytes, _ body: (RecordView) throws(RecordsError) -> Void
    ) throws(RecordsError) {
        let isOld = batch.withUnsafeBytes { LegacyRecords.isLegacy($0) }
        guard isOld else { return try RecordBatchReader(batch).forEachRecord(body) }
        try batch.withUnsafeBytes { (bytes) throws(RecordsError) in
            try LegacyRecords.forEachRecord(in: bytes, body)
        }
    }
}
