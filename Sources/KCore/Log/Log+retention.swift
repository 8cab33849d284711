internal import Synchronization

/// Asks up to where consumers can see records. In a type of its own, as ``FlushObserver`` is.
struct VisibleEnd: Sendable {
    var call: @Sendable () -> Int64
}

extension Log {
    /// Up to where consumers were shown records, for the checkpoint of high watermarks: with `delivery.delay.ms` less than what
    /// is replicated. While nobody serves the log, what they were shown before.
    func shownEnd() -> Int64 {
        let replicated = highWatermark
        guard config.deliveryDelayMs > 0 else { return replicated }
        let visible = visibleEnd.withLock { $0 }?.call() ?? 0
        return min(replicated, max(visible, shownEndOffset.load(ordering: .relaxed)))
    }

    /// Removes segments that are too old, or that make the log too large, or that lie below its start offset. Their files
    /// are renamed now and removed after `file.delete.delay.ms`.
    ///
    /// Nothing above the high watermark is removed, and with `delivery.delay.ms` nothing that consumers could not see yet.
    /// When all that is there has expired, a new segment is rolled first, so that the active one is never removed.
    /// - Returns: how many segments were removed.
    @discardableResult
    public func deleteOldSegments(nowMs: Int64) throws(LogError) -> Int {
        try environment.directory.check()
        let config = config
        let visibleEnd = config.deliveryDelayMs > 0 ? self.visibleEnd.withLock { $0 }?.call() ?? 0 : Int64.max
        let count = try rearranging.withLock { (_) throws(LogError) in
            try delete(nowMs: nowMs, visibleEnd: visibleEnd, config)
        }
        flushAfterRoll()
        return count
    }

    private func delete(nowMs: Int64, visibleEnd: Int64, _ config: LogConfig) throws(LogError) -> Int {
        let isDeleting = config.cleanupPolicy.contains(.delete)
        let isByTime = isDeleting && config.retentionMs >= 0
        try finishRearranging()
        do throws(DiskError) {
            if isByTime { try confirmExpired(nowMs: nowMs, config) }
        } catch  where error.isMissing {
            // The partition is being deleted.
            return 0
        } catch {
            throw answer(to: error)
        }
        let removed = try writer.withLock { (writer) throws(LogError) in
            if writer.isClosed || writer.unfinishedCut != nil { return 0 }
            var count = 0
            do throws(DiskError) {
                if isByTime {
                    count = max(count, try expired(writer, nowMs: nowMs, config))
                }
            } catch {
                throw answer(to: error)
            }
            if isDeleting && config.retentionBytes >= 0 { count = max(count, excess(writer, config)) }
            count = max(count, belowStart(writer))
            count = min(count, deletable(writer, visibleEnd: visibleEnd))
            return try take(count, config, &writer)
        }
        try discardRetired()
        return removed
    }

    private func excess(_ writer: Writer, _ config: LogConfig) -> Int {
        var excess = writer.segments.reduce(0) { $0 + $1.size } - config.retentionBytes
        var count = 0
        for segment in writer.segments {
            excess -= segment.size
            if excess < 0 { break }
            count += 1
        }
        return count
    }

    private func belowStart(_ writer: Writer) -> Int {
        let start = logStartOffset
        var count = 0
        while count + 1 < writer.segments.count, writer.segments[count + 1].baseOffset <= start { count += 1 }
        return count
    }

    // Segments that end at or below the high watermark, and where records can be seen; of the last one, only if there is
    // something in it.
    private func deletable(_ writer: Writer, visibleEnd: Int64) -> Int {
        let limit = min(watermark.load(ordering: .acquiring), writer.endOffset, visibleEnd)
        var count = 0
        for (index, segment) in writer.segments.enumerated() {
            let isLast = index == writer.segments.count - 1
            let end = isLast ? writer.endOffset : writer.segments[index + 1].baseOffset
            if end > limit || (isLast && segment.size == 0) { break }
            count += 1
        }
        return count
    }

    private func take(_ count: Int, _ config: LogConfig, _ writer: inout Writer) throws(LogError) -> Int {
        var count = count
        if count > 0 && count == writer.segments.count {
            do throws(LogError) {
                try roll(at: writer.endOffset, config, &writer)
            } catch  where error.isTransient {
                // On a full disk the older ones have to make room before a new one can be begun.
                count -= 1
            }
        }
        guard count > 0 else { return 0 }
        writer.retired += writer.segments.prefix(count)
        firstRetiredOffset.store(writer.retired.first?.baseOffset ?? .max, ordering: .releasing)
        writer.segments.removeFirst(count)
        guard let first = writer.segments.first else { return 0 }
        writer.epochs.truncateStart(to: max(first.baseOffset, logStartOffset))
        publish(writer, startOffset: first.baseOffset)
        environment.logger.info(
            "segments removed",
            ["partition": topicPartition, "count": count, "logStartOffset": logStartOffset])
        return count
    }

    /// What could not be done the last time comes first, or a crash would find a hole behind it. With `rearranging` held.
    func finishRearranging() throws(LogError) {
        try finishSwap()
        try discardRetired()
    }

    // One after the other, each on stable storage before the next, so that a crash leaves no hole: what comes back is the
    // newest of them. Not under the lock, since that takes time. With `rearranging` held.
    private func discardRetired() throws(LogError) {
        func next() -> LogSegment? { writer.withLock { $0.retired.first } }
        do throws(DiskError) {
            // Behind the last of them stands one that may have just been begun, and must be there when they are not.
            if next() != nil { try folder.sync() }
            while let segment = next() {
                removeLater(try segment.markDeleted())
                try folder.sync()
                writer.withLock { writer in
                    writer.retired.removeFirst()
                    firstRetiredOffset.store(writer.retired.first?.baseOffset ?? .max, ordering: .releasing)
                }
            }
        } catch  where error.isMissing {
            // The partition was deleted meanwhile.
        } catch {
            throw answer(to: error)
        }
    }

    /// Makes `offset` the first that may be read (DeleteRecords). Segments below it go with the next
    /// ``deleteOldSegments(nowMs:)``. Waits until the log is on stable storage up to there: a start that outlived the
    /// records in front of it would be a log that begins behind its end.
    /// - Throws: OFFSET_OUT_OF_RANGE when `offset` is above the high watermark; KAFKA_STORAGE_ERROR.
    public func advanceStartOffset(to offset: Int64) throws(LogError) {
        try environment.directory.check()
        guard offset <= highWatermark else {
            throw LogError(
                .offsetOutOfRange, "\(topicPartition): \(offset) is above the high watermark \(highWatermark)")
        }
        if offset > recoveryPoint {
            do throws(LogError) {
                try flush()
            } catch  where error.isTransient {
                // On a full disk this is what makes room. The checkpoint keeps to what is on stable storage.
            }
        }
        writer.withLock { writer in
            let isLater = published.withLock { published in
                guard offset > published.startOffset else { return false }
                published.startOffset = offset
                return true
            }
            guard isLater else { return }
            writer.epochs.truncateStart(to: offset)
            published.withLock { $0.epochs = writer.epochs }
        }
    }
}
