internal import Synchronization

extension Log {
    /// Has the batches themselves say how old they are before segments are removed on the word of an index alone. Reads
    /// headers, and so holds no lock of the writer; ``expired(_:nowMs:_:)`` goes by what was found.
    func confirmExpired(nowMs: Int64, _ config: LogConfig) throws(DiskError) {
        for segment in published.withLock({ $0.segments }) {
            let timestamp = try segment.retentionTimestampMs()
            // A time that is yet to come would keep the segment, and all behind it, for as long as that takes.
            if !segment.isTimeSure, timestamp > nowMs || nowMs - timestamp > config.retentionMs {
                try confirmTimes(of: segment)
            }
            guard nowMs - (try segment.retentionTimestampMs()) > config.retentionMs else { return }
        }
    }

    /// As ``LogSegment/largestEntry()``, borne out by the batches, which are asked once.
    func sureLargestEntry(of segment: LogSegment) throws(DiskError) -> TimeIndex.Entry {
        if !segment.isTimeSure { try confirmTimes(of: segment) }
        return try segment.largestEntry()
    }

    private func confirmTimes(of segment: LogSegment) throws(DiskError) {
        let size = segment.size
        let said = try segment.largestEntry()
        do throws(LogFault) {
            let found = try segment.largestEntry(confirming: said, end: size)
            segment.confirm(found, size: size)
            if found.timestamp == said.timestamp { return }
            environment.logger.warning(
                "a time index is wrong, and the batches are gone by",
                [
                    "partition": topicPartition, "baseOffset": segment.baseOffset, "said": said.timestamp,
                    "found": found.timestamp,
                ])
        } catch {
            switch error {
            case .disk(let error): throw error
            case .damaged(let path, let position, let reason):
                segment.confirm(nil, size: size)
                environment.logger.error(
                    "retention by time goes by the file's time, since its batches cannot be read",
                    ["path": path, "position": position, "reason": reason])
            }
        }
    }

    /// How many segments, from the oldest on, have only records that are older than `retention.ms`.
    func expired(_ writer: Writer, nowMs: Int64, _ config: LogConfig) throws(DiskError) -> Int {
        var count = 0
        for segment in writer.segments {
            guard segment.isTimeSure, nowMs - (try segment.retentionTimestampMs()) > config.retentionMs else { break }
            count += 1
        }
        return count
    }
}

extension LogSegment {
    /// As ``largestEntry()``, from the batches. An index that is in order ends in the largest timestamp and names the batch
    /// that has it: then only what follows that is looked at, else everything.
    fileprivate func largestEntry(confirming said: TimeIndex.Entry, end: Int64) throws(LogFault) -> TimeIndex.Entry {
        var start: Int64 = 0
        if said.timestamp >= 0, said.offset >= baseOffset,
            let batch = try firstBatch(endingAtOrAfter: said.offset, end: end), batch.baseOffset <= said.offset,
            batch.maxTimestamp == said.timestamp
        {
            start = batch.position
        }
        return try largestTimestamp(from: start, end: end)
    }
}
