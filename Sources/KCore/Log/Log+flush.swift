internal import Glibc
internal import Synchronization

extension Log {
    private struct FlushPlan: Sendable {
        var segments: [LogSegment] = []
        var endOffset: Int64 = 0
        var epochs: Bytes?
        var snapshot: ProducerStates?
        var hasNewFiles = false
        var truncations = 0
        var records: Int64 = 0
        var lastFlushMs: Int64 = 0
    }

    /// Returns when everything appended before the call is on stable storage. Several callers share one fsync.
    /// - Throws: KAFKA_STORAGE_ERROR; the log directory is then offline.
    public func flush() throws(LogError) {
        try environment.directory.check()
        let target = logEndOffset
        let hasMoved = try flushing.withLock { (_) throws(LogError) in
            // An earlier holder of the lock may have done it.
            if recoveryPoint >= target && !hasUnwrittenEpochs { return false }
            try environment.directory.check()
            let from = recoveryPoint
            let plan = writer.withLock { (writer) -> FlushPlan in makePlan(from: from, &writer) }
            do throws(DiskError) {
                try write(plan)
                try checkIsThere(plan.segments.last)
            } catch {
                // Nothing was promised if it could not be written: deleted meanwhile, or there is no room for a file of
                // names. What was taken over into the plan is due again.
                if error.isMissing && isDeleted.load(ordering: .acquiring) { return false }
                guard error.isHarmless else { throw environment.directory.fail(error) }
                writer.withLock { writer in
                    writer.hasNewFiles = true
                    writer.epochs.isDirty = true
                    writer.recordsSinceFlush += plan.records
                    writer.lastFlushMs = plan.lastFlushMs
                    writer.dueSnapshot = writer.dueSnapshot ?? plan.snapshot
                }
                throw answer(to: error)
            }
            return writer.withLock { writer in
                // What was cut off meanwhile and written anew is not on the disk yet.
                guard plan.endOffset > from, writer.truncations == plan.truncations, writer.unfinishedCut == nil
                else { return false }
                setRecoveryPoint(plan.endOffset)
                return true
            }
        }
        if hasMoved { flushObserver.withLock { $0 }?.call() }
    }

    /// An fsync of a file that was removed succeeds, and nobody will ever read it again.
    private func checkIsThere(_ segment: LogSegment?) throws(DiskError) {
        guard let path = segment?.files.log.path, try environment.disk.fileSize(path) == nil,
            // Not one that has been cut off or has grown old meanwhile.
            published.withLock({ $0.segments.last === segment })
        else { return }
        throw DiskError(.open, path: path, code: ENOENT)
    }

    private var hasUnwrittenEpochs: Bool { writer.withLock { $0.epochs.isDirty || $0.hasNewFiles } }

    private func makePlan(from offset: Int64, _ writer: inout Writer) -> FlushPlan {
        var plan = FlushPlan()
        plan.endOffset = writer.endOffset
        // From the segment on that holds the last flushed record: its indexes are flushed once it is full.
        // As long as a segment that was retired has its name, it can come back with the power.
        let segments = writer.retired + writer.segments
        plan.segments = Array(segments[(Log.segmentIndex(segments, for: offset - 1) ?? 0)...])
        plan.epochs = writer.epochs.isDirty ? writer.epochs.contents : nil
        plan.snapshot = writer.dueSnapshot
        plan.hasNewFiles = writer.hasNewFiles
        plan.truncations = writer.truncations
        plan.records = writer.recordsSinceFlush
        plan.lastFlushMs = writer.lastFlushMs
        writer.epochs.isDirty = false
        writer.dueSnapshot = nil
        writer.hasNewFiles = false
        writer.recordsSinceFlush = 0
        writer.lastFlushMs = environment.clock.wallMs
        return plan
    }

    private func write(_ plan: FlushPlan) throws(DiskError) {
        for (index, segment) in plan.segments.enumerated() {
            do {
                // The indexes of the segment that holds the recovery point are rebuilt after a crash anyway.
                let isActive = index == plan.segments.count - 1
                try environment.directory.watch.during(mayTakeLong: true) { () throws(DiskError) in
                    if isActive { try segment.flushLog() } else { try segment.flush() }
                }
            } catch  where error.isMissing {}  // Deleted meanwhile.
        }
        if let snapshot = plan.snapshot {
            do throws(DiskError) {
                try writeProducerSnapshot(snapshot, at: snapshot.mapEndOffset)
            } catch  where error.isHarmless {
                // The next start reads more of the log for it.
                environment.logger.warning(
                    "a producer snapshot cannot be written", ["partition": topicPartition, "error": error])
            }
        }
        if let epochs = plan.epochs {
            try environment.disk.replaceFile(folder.path + "/" + LeaderEpochs.fileName, with: epochs)
        } else if plan.hasNewFiles {
            try folder.sync()
        }
    }

    /// Whether `flush.ms` asks for a flush now, or one that should have been could not be.
    func isFlushDue(nowMs: Int64) -> Bool {
        let config = config
        if config.showsOnlyFlushed { return recoveryPoint < logEndOffset }
        return writer.withLock { writer in
            if writer.recordsSinceFlush >= config.flushMessages { return true }
            return config.flushMs != .max && writer.recordsSinceFlush > 0
                && nowMs - writer.lastFlushMs >= config.flushMs
        }
    }

    /// Makes everything durable and closes the files. The log refuses appends from then on.
    public func close() throws(LogError) {
        let isFirst = writer.withLock { writer in
            let isFirst = !writer.isClosed
            writer.isClosed = true
            return isFirst
        }
        guard isFirst else { return }
        defer { closeFiles() }
        if isOffline { return }
        try rearranging.withLock { (_) throws(LogError) in try finishRearranging() }
        do {
            let isSaved = try writer.withLock { (writer) throws(any Error) in
                try checkCut(writer)
                // Most of many partitions have not been touched.
                if writer.savedEnd == writer.endOffset, !writer.hasNewFiles, !writer.epochs.isDirty { return true }
                try writer.segments.last?.seal(wasReserved: config.preallocate)
                try writeProducerSnapshot(writer.producers, at: writer.endOffset)
                writer.hasNewFiles = true
                return false
            }
            if isSaved { return }
            try flush()
            if let active = published.withLock({ $0.segments.last }) { try active.flush() }
        } catch let error as DiskError {
            throw answer(to: error)
        } catch let error as LogError {
            throw error
        } catch {
            throw LogError(.unknownServerError, "\(error)")
        }
    }

    /// Gives the directory a name that no start takes for a log, and has it removed after `file.delete.delay.ms`. Readers
    /// in flight finish.
    public func delete() throws(LogError) {
        if try end(renamingTo: LogDirectoryName.deleted(topicPartition)) { removeLater([folder.path]) }
    }

    /// Gives the directory a name that no start takes for a log, and keeps what is in it.
    func setAside() throws(LogError) {
        _ = try end(renamingTo: LogDirectoryName.stray(topicPartition))
    }

    /// - Returns: false when there is no such directory any more.
    private func end(renamingTo name: String) throws(LogError) -> Bool {
        isDeleted.store(true, ordering: .releasing)
        writer.withLock { $0.isClosed = true }
        closeFiles()
        do {
            try rearranging.withLock { (_) throws(DiskError) in
                try environment.directory.watch.during { () throws(DiskError) in
                    try folder.rename(to: name)
                    try environment.disk.syncDirectory(parentDirectory(folder.path))
                }
            }
        } catch  where error.isMissing {
            return false
        } catch {
            throw answer(to: error)
        }
        return true
    }

    /// Forgets idempotent producers that have not written for `producer.id.expiration.ms`.
    func expireProducers(nowMs: Int64) {
        let limit = nowMs - environment.producerIdExpirationMs
        // There can be millions of them, which no append waits for.
        let expired = writer.withLock { $0.producers }.expired(before: limit)
        writer.withLock { writer in
            writer.producers.expire(expired, before: limit)
        }
        verifications.withLock { $0.expire(before: limit) }
    }

    func closeFiles() {
        for segment in published.withLock({ $0.segments }) { segment.close() }
    }
}
