internal import Synchronization

/// How old a stored batch is.
struct BatchTime: Equatable, Sendable {
    /// Behind its last record.
    var endOffset: Int64
    /// Of its records, milliseconds since 1970; -1 when they have none.
    var maxTimestamp: Int64
}

/// How old the batches are that follow on an offset.
struct BatchTimes: Equatable, Sendable {
    /// In their order.
    var batches: [BatchTime]
    /// Up to here there are no others.
    var endOffset: Int64
}

extension Log {
    /// Where the first batch at `offset` or behind it begins that has a record younger than `timestamp`. Indexes and headers
    /// are read, nothing is decoded, and nothing in front of `offset` is looked at.
    /// - Returns: nil when there is none.
    func firstBatch(youngerThan timestamp: Int64, from offset: Int64 = 0) throws(LogError) -> Int64? {
        if offset >= logEndOffset { return nil }
        return try retrying { () throws(LogFault) in
            let (segments, logStart) = published.withLock { ($0.segments, $0.startOffset) }
            let start = max(logStart, offset)
            for segment in segments[(Log.segmentIndex(segments, for: start) ?? 0)...] {
                let said = try onDisk { () throws(DiskError) in try segment.largestEntry() }
                if said.timestamp <= timestamp {
                    let largest = try onDisk { () throws(DiskError) in try sureLargestEntry(of: segment) }
                    if largest.timestamp <= timestamp { continue }
                }
                if let offset = try segment.firstBatch(youngerThan: timestamp, startOffset: start) {
                    return max(offset, start)
                }
            }
            return nil
        }
    }

    /// The times of up to `count` batches from the one that holds `offset` on, or from the first that is left. Reads headers.
    ///
    /// What is damaged, and behind it in its segment, is as old as the file's last change: who waited for it is to come to the
    /// place and be told.
    func batchTimes(from offset: Int64, count: Int) throws(LogError) -> BatchTimes {
        try retrying { () throws(LogFault) in
            let (segments, size, logEnd) = published.withLock { ($0.segments, $0.activeSize, $0.endOffset) }
            let first = Log.segmentIndex(segments, for: offset) ?? 0
            var times: [BatchTime] = []
            for index in first..<segments.count where times.count < count {
                let isLast = index == segments.count - 1
                let segment = segments[index]
                let (found, damage) = try segment.batchTimes(
                    from: offset, end: isLast ? size : segment.size, count: count - times.count)
                times += found
                guard let damage else { continue }
                _ = answer(toReading: damage)
                let modifiedMs = try onDisk { () throws(DiskError) in try segment.lastModifiedMs() }
                let end = isLast ? logEnd : segments[index + 1].baseOffset
                times.append(BatchTime(endOffset: end, maxTimestamp: modifiedMs))
            }
            // Behind the last batch there can be a gap, where a segment was cleaned or is still empty.
            let end = times.count < count ? logEnd : times.last?.endOffset ?? offset
            return BatchTimes(batches: times, endOffset: end)
        }
    }
}

extension LogSegment {
    fileprivate func firstBatch(youngerThan timestamp: Int64, startOffset: Int64) throws(LogFault) -> Int64? {
        let end = size
        let from = max(try place(ofAtMost: timestamp), startOffset)
        guard let first = try firstBatch(endingAtOrAfter: from, end: end) else { return nil }
        return try scan(try file(), from: first.position, to: end) { (scanner) throws(LogFault) in
            while let batch = try scanner.next() {
                if batch.maxTimestamp > timestamp { return batch.baseOffset }
            }
            return nil
        }
    }

    /// - Returns: what is in front of damage, and the damage.
    fileprivate func batchTimes(
        from offset: Int64, end: Int64, count: Int
    ) throws(LogFault) -> (times: [BatchTime], damage: LogFault?) {
        var times: [BatchTime] = []
        do throws(LogFault) {
            guard let first = try firstBatch(endingAtOrAfter: offset, end: end) else { return ([], nil) }
            try scan(try file(), from: first.position, to: end, windowBytes: 8192) { (scanner) throws(LogFault) in
                while times.count < count, let batch = try scanner.next() {
                    times.append(BatchTime(endOffset: batch.lastOffset + 1, maxTimestamp: batch.maxTimestamp))
                }
            }
        } catch .damaged(let path, let position, let reason) {
            return (times, .damaged(path: path, position: position, reason: reason))
        }
        return (times, nil)
    }
}
