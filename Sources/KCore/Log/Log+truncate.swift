internal import Synchronization

extension Log {
    /// Cuts off everything from `offset` on, as a follower does with what its leader does not have. A batch that holds
    /// `offset` goes as a whole.
    /// - Returns: whether anything was cut off.
    /// - Throws: KAFKA_STORAGE_ERROR. Where there was only no room the same is to be tried again, and until it is done
    ///   nothing can be appended.
    @discardableResult
    public func truncate(to offset: Int64) throws(LogError) -> Bool {
        try withoutPromise(from: offset) { (writer) throws(LogError) in
            // What an earlier one left undone is a part of this one.
            let offset = min(offset, writer.unfinishedCut ?? offset)
            guard offset < writer.endOffset || writer.unfinishedCut != nil else { return false }
            guard let first = writer.segments.first, offset > first.baseOffset else {
                try begin(at: offset, &writer)
                return true
            }
            do throws(LogFault) {
                try cut(at: offset, &writer)
            } catch {
                throw answer(to: error)
            }
            return true
        }
    }

    /// Removes everything and begins anew at `offset`.
    public func truncateFullyAndStart(at offset: Int64) throws(LogError) {
        _ = try withoutPromise(from: -1) { (writer) throws(LogError) in
            try begin(at: offset, &writer)
            return true
        }
    }

    /// Takes back that what is at `offset` and behind is safe, durably, before `body` removes it: a crash in between then
    /// finds a log with an end that is torn, and not one that is damaged where it had been flushed. Nothing is flushed
    /// meanwhile.
    /// - Parameter body: returns whether it has removed anything.
    private func withoutPromise(
        from offset: Int64, _ body: (inout Writer) throws(LogError) -> Bool
    ) throws(LogError) -> Bool {
        try environment.directory.check()
        let changed = try rearranging.withLock { (_) throws(LogError) in
            // A new beginning may have one of their names.
            try finishRearranging()
            return try flushing.withLock { (_) throws(LogError) in
                try takeBackPromise(from: offset)
                return try writer.withLock { (writer) throws(LogError) in try body(&writer) }
            }
        }
        // The start may be a lower one now.
        if changed {
            _ = environment.checkpoint()
            try environment.directory.check()
        }
        return changed
    }

    private func takeBackPromise(from offset: Int64) throws(LogError) {
        let segments = published.withLock { $0.segments }
        let point: Int64
        do throws(LogFault) {
            point = try Log.endOfCut(segments, offset)
        } catch {
            throw answer(to: error)
        }
        let before = recoveryPoint
        guard before > point else { return }
        setRecoveryPoint(point)
        let outcome = environment.checkpoint()
        try environment.directory.check()
        if outcome.isSafe { return }
        // It is true still.
        setRecoveryPoint(before)
        var error = LogError(
            .kafkaStorageError,
            "\(topicPartition) cannot be cut off at \(offset): the promise of more cannot be taken back")
        error.isTransient = true
        throw error
    }

    /// Where the log ends once it is cut off at `offset`: behind the last batch below, which in a cleaned log can be well below.
    static func endOfCut(_ segments: [LogSegment], _ offset: Int64) throws(LogFault) -> Int64 {
        guard let index = segmentIndex(segments, for: offset) else { return max(offset, 0) }
        let segment = segments[index]
        let end = try segment.position(below: offset, end: segment.size)
        return try segment.lastBatch(below: end).map { $0.lastOffset + 1 } ?? segment.baseOffset
    }

    /// Throws what passes as long as something is still to be cut off.
    func checkCut(_ writer: Writer) throws(LogError) {
        guard let offset = writer.unfinishedCut else { return }
        var error = LogError(.kafkaStorageError, "\(topicPartition) is not cut off at \(offset) yet")
        error.isTransient = true
        throw error
    }

    private func cut(at offset: Int64, _ writer: inout Writer) throws(LogFault) {
        let kept = Log.segmentIndex(writer.segments, for: offset) ?? 0
        writer.unfinishedCut = offset
        writer.leftovers += writer.segments[(kept + 1)...]
        writer.segments.removeSubrange((kept + 1)...)
        // Readers must not see what is about to go.
        writer.endOffset = offset
        writer.truncations += 1
        writer.savedEnd = nil
        publish(writer)
        // What follows the cut must not come back behind what is appended next.
        try onDisk { () throws(DiskError) in try removeLeftovers(&writer) }
        _ = try writer.segments[kept].truncate(to: offset)
        writer.endOffset =
            try writer.segments[kept].lastBatch().map { $0.lastOffset + 1 } ?? writer.segments[kept].baseOffset
        try reload(&writer)
        writer.unfinishedCut = nil
    }

    private func removeLeftovers(_ writer: inout Writer) throws(DiskError) {
        if writer.leftovers.isEmpty { return }
        while let segment = writer.leftovers.last {
            removeLater(try segment.markDeleted())
            writer.leftovers.removeLast()
        }
        try folder.sync()
    }

    private func begin(at offset: Int64, _ writer: inout Writer) throws(LogError) {
        do throws(LogFault) {
            // A crash must find a log that begins somewhere: the old beginning stays until the new one is there.
            if let first = writer.segments.first { try cut(at: first.baseOffset, &writer) }
            try onDisk { () throws(DiskError) in
                let old = writer.segments.filter { $0.baseOffset != offset }
                if !old.isEmpty || writer.segments.isEmpty {
                    let new = try LogSegment.create(
                        folder, baseOffset: offset, config: config, createdMs: environment.clock.wallMs)
                    writer.unfinishedCut = offset
                    writer.segments = [new]
                    writer.leftovers += old
                    try folder.sync()
                }
                beginsAnew(at: offset, &writer)
                try removeLeftovers(&writer)
                try removeProducerSnapshots(above: -1)
                try folder.sync()
            }
            writer.unfinishedCut = nil
        } catch {
            throw answer(to: error)
        }
    }

    private func beginsAnew(at offset: Int64, _ writer: inout Writer) {
        writer.endOffset = offset
        writer.truncations += 1
        writer.savedEnd = nil
        writer.epochs.truncateEnd(to: 0)
        writer.producers = ProducerStates()
        writer.producers.mapEndOffset = offset
        writer.dueSnapshot = nil
        writer.hasNewFiles = true
        setRecoveryPoint(offset)
        lowerCleanedOffset(to: offset)
        publish(writer)
        published.withLock { published in
            published.startOffset = offset
            published.unstable = UnstableTransactions()
        }
    }

    private func reload(_ writer: inout Writer) throws(LogFault) {
        writer.epochs.truncateEnd(to: writer.endOffset)
        if recoveryPoint > writer.endOffset { setRecoveryPoint(writer.endOffset) }
        lowerCleanedOffset(to: writer.endOffset)
        // What followed may have been the newest of a producer; what came before is in the log.
        let end = writer.endOffset
        if let due = writer.dueSnapshot, due.mapEndOffset > end { writer.dueSnapshot = nil }
        try onDisk { () throws(DiskError) in try removeProducerSnapshots(above: end) }
        var producers = ProducerStates()
        let start = logStartOffset
        try Log.replay(writer.segments, from: start, to: writer.endOffset, into: &producers)
        writer.producers = producers
        writer.hasNewFiles = true
        // A log whose records were deleted up to an offset behind the cut begins at its end.
        published.withLock { $0.startOffset = min($0.startOffset, end) }
        publish(writer)
        // What had ended below the cut is below the high watermark, too: followers cut nothing off that is.
        published.withLock { published in
            published.unstable = UnstableTransactions()
            published.unstable.firstOpenOffset = producers.firstOpenTransactionOffset
        }
    }

    // One that was taken of records which are gone would be wrong once others stand in their place.
    private func removeProducerSnapshots(above offset: Int64) throws(DiskError) {
        var hasRemoved = false
        for entry in try environment.disk.list(folder.path) {
            guard let (base, kind) = SegmentFileKind.parse(entry.name), kind == .producerSnapshot, base > offset else {
                continue
            }
            try environment.disk.remove(folder.path + "/" + entry.name)
            hasRemoved = true
        }
        if hasRemoved { try folder.sync() }
    }
}
