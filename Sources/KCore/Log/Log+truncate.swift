internal import Synchronization

extension Log {
    /// Cuts off everything from `offset` on, as a follower does with what its leader does not have.
    /// - Returns: whether anything was cut off.
    @discardableResult
    public func truncate(to offset: Int64) throws(LogError) -> Bool {
        try environment.directory.check()
        let changed = try rearranging.withLock { (_) throws(LogError) in try cut(to: offset) }
        if changed { environment.checkpoint() }
        return changed
    }

    private func cut(to offset: Int64) throws(LogError) -> Bool {
        try writer.withLock { (writer) throws(LogError) in
            guard offset < writer.endOffset else { return false }
            guard let first = writer.segments.first, offset > first.baseOffset else {
                try begin(at: offset, &writer)
                return true
            }
            do throws(LogFault) {
                let kept = Log.segmentIndex(writer.segments, for: offset) ?? 0
                let removed = Array(writer.segments[(kept + 1)...])
                writer.segments.removeSubrange((kept + 1)...)
                // Readers must not see what is about to go.
                writer.endOffset = offset
                writer.truncations += 1
                writer.savedEnd = nil
                publish(writer)
                for segment in removed { removeLater(try onDisk { () throws(DiskError) in try segment.markDeleted() }) }
                _ = try writer.segments[kept].truncate(to: offset)
                writer.endOffset =
                    try writer.segments[kept].lastBatch().map { $0.lastOffset + 1 }
                    ?? writer.segments[kept].baseOffset
                try reload(&writer)
            } catch {
                throw answer(to: error)
            }
            return true
        }
    }

    /// Removes everything and begins anew at `offset`.
    public func truncateFullyAndStart(at offset: Int64) throws(LogError) {
        try environment.directory.check()
        try rearranging.withLock { (_) throws(LogError) in
            try writer.withLock { (writer) throws(LogError) in try begin(at: offset, &writer) }
        }
        environment.checkpoint()
    }

    private func begin(at offset: Int64, _ writer: inout Writer) throws(LogError) {
        let removed = writer.segments
        do throws(DiskError) {
            for segment in removed { removeLater(try segment.markDeleted()) }
            try removeProducerSnapshots(above: -1)
            writer.segments = [
                try LogSegment.create(
                    folder, baseOffset: offset, config: config, createdMs: environment.clock.wallMs)
            ]
        } catch {
            throw answer(to: error)
        }
        writer.endOffset = offset
        writer.truncations += 1
        writer.savedEnd = nil
        writer.epochs.truncateEnd(to: 0)
        writer.producers = ProducerStates()
        writer.producers.mapEndOffset = offset
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
        try onDisk { () throws(DiskError) in try removeProducerSnapshots(above: end) }
        var producers = ProducerStates()
        let start = logStartOffset
        try Log.replay(writer.segments, from: start, to: writer.endOffset, into: &producers)
        writer.producers = producers
        writer.hasNewFiles = true
        publish(writer)
        // What had ended below the cut is below the high watermark, too: followers cut nothing off that is.
        published.withLock { published in
            published.unstable = UnstableTransactions()
            published.unstable.firstOpenOffset = producers.firstOpenTransactionOffset
        }
    }

    // One that was taken of records which are gone would be wrong once others stand in their place.
    private func removeProducerSnapshots(above offset: Int64) throws(DiskError) {
        for entry in try environment.disk.list(folder.path) {
            guard let (base, kind) = SegmentFileKind.parse(entry.name), kind == .producerSnapshot, base > offset else {
                continue
            }
            try environment.disk.remove(folder.path + "/" + entry.name)
        }
    }
}
