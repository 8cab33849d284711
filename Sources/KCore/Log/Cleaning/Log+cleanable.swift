internal import Synchronization

/// What of a log can be cleaned, and what speaks for it.
struct CleanableRange: Equatable, Sendable {
    /// Everything below has been cleaned.
    var firstDirtyOffset: Int64
    /// Where the first segment begins that must not be cleaned yet.
    var endOffset: Int64
    /// Bytes of the segments that have been cleaned.
    var cleanBytes: Int64
    /// Bytes of the segments from ``firstDirtyOffset`` to ``endOffset``.
    var dirtyBytes: Int64
    /// Whether a record waits for longer than `max.compaction.lag.ms`.
    var isOverdue: Bool

    /// The dirty share of what could be cleaned.
    var dirtyRatio: Double {
        let total = cleanBytes + dirtyBytes
        return total > 0 ? Double(dirtyBytes) / Double(total) : 0
    }

    func isWorthIt(_ config: LogConfig) -> Bool {
        dirtyBytes > 0 && (isOverdue || dirtyRatio > config.minCleanableDirtyRatio)
    }
}

extension Log {
    /// What can be cleaned now.
    /// - Throws: KAFKA_STORAGE_ERROR when a segment's facts cannot be read.
    func cleanableRange(nowMs: Int64) throws(LogError) -> CleanableRange {
        try environment.directory.check()
        let config = config
        let (segments, start, end) = published.withLock { ($0.segments, $0.startOffset, $0.endOffset) }
        var dirty = cleanedOffset.load(ordering: .acquiring)
        // A checkpoint from before segments were deleted, or of a log that was longer then: what it says is not true of
        // this log, and cleaning once too often harms nobody.
        if dirty < start || dirty > end { dirty = start }
        let closed = segments.dropLast()
        var limit = min(lastStableOffset(highWatermark: highWatermark), segments.last?.baseOffset ?? end)
        let dirtySegments = closed[(Log.segmentIndex(Array(closed), for: dirty) ?? 0)...]
        var isOverdue = false
        do throws(LogFault) {
            // What consumers do not see yet is spared, too.
            let lagMs = max(config.minCompactionLagMs, config.deliveryDelayMs)
            if lagMs > 0 {
                for segment in dirtySegments where segment.baseOffset < limit {
                    let newest = try onDisk { () throws(DiskError) in try segment.retentionTimestampMs() }
                    if newest > nowMs - lagMs { limit = segment.baseOffset }
                }
            }
            if config.maxCompactionLagMs < .max {
                for segment in dirtySegments where segment.baseOffset < limit && !isOverdue {
                    let first = try segment.firstBatchTimestampMs()
                    isOverdue = first > 0 && first < nowMs - config.maxCompactionLagMs
                }
            }
        } catch {
            throw answer(to: error)
        }
        // A segment that the limit lies in cannot be cleaned.
        var range = CleanableRange(
            firstDirtyOffset: dirty, endOffset: dirty, cleanBytes: 0, dirtyBytes: 0, isOverdue: isOverdue)
        for (index, segment) in closed.enumerated() {
            let next = segments[index + 1].baseOffset
            if segment.baseOffset < dirty && next <= dirty {
                range.cleanBytes += segment.size
            } else if next <= limit {
                range.dirtyBytes += segment.size
                range.endOffset = next
            } else {
                break
            }
        }
        return range
    }

    /// After a truncation: what comes back at these offsets has not been cleaned.
    func lowerCleanedOffset(to offset: Int64) {
        if cleanedOffset.load(ordering: .acquiring) > offset { cleanedOffset.store(offset, ordering: .releasing) }
    }

    /// What is below has been cleaned.
    /// - Parameter truncations: how often the log had been truncated when the cleaning began.
    /// - Returns: false when it has been since, and may end elsewhere; nothing has changed then.
    func raiseCleanedOffset(to offset: Int64, truncations: Int) -> Bool {
        writer.withLock { writer in
            guard writer.truncations == truncations else { return false }
            cleanedOffset.store(offset, ordering: .releasing)
            return true
        }
    }

    /// The last that every producer which is still known has in the log.
    func lastOfProducers() -> [Int64: BatchCleaner.LastOfProducer] {
        let states = writer.withLock { $0.producers.states }
        return Dictionary(
            uniqueKeysWithValues: states.lazy.map { id, state in
                (id, BatchCleaner.LastOfProducer(dataOffset: state.batches.last?.lastOffset, epoch: state.epoch))
            })
    }
}
