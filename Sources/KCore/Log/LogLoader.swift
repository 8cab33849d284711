internal import Synchronization

/// Opens the log in a directory, after a clean stop by looking at names and sizes only, after any other stop by reading
/// what lies above the recovery point.
struct LogLoader {
    let topicPartition: TopicPartition
    let folder: PartitionFolder
    let environment: LogEnvironment
    let config: LogConfig
    /// From the checkpoint: everything below was on stable storage.
    var recoveryPoint: Int64 = 0
    /// The checkpoint is there and cannot be read: anything may have been on stable storage.
    var isRecoveryPointUnknown = false
    /// Told what must have been promised although nobody knows what was: an offset that the log is damaged in front of.
    var proves: @Sendable (_ promise: Int64) -> Void = { _ in }
    /// From the checkpoint.
    var startOffset: Int64 = 0
    /// From the checkpoint: consumers were shown what is below.
    var highWatermark: Int64 = 0
    /// From the checkpoint: up to where the log has been cleaned; -1 when it does not say.
    var cleanedOffset: Int64 = -1
    var wasCleanStop = false

    private var disk: any Disk { folder.disk }

    /// - Throws: KAFKA_STORAGE_ERROR when the log is damaged below its recovery point, or the disk fails.
    func load() throws(LogError) -> Log { try loadTelling().log }

    /// The same, with what had to be recovered.
    func loadTelling() throws(LogError) -> (log: Log, recovery: LogRecovery) {
        do {
            var recovery = LogRecovery()
            let log = try open(&recovery)
            recovery.endOffset = log.logEndOffset
            return (log, recovery)
        } catch .disk(let error) {
            // With too many files open, or no room for an index, this log cannot be used now; the others can.
            throw error.isHarmless ? LogError(error) : environment.directory.fail(error)
        } catch {
            throw LogError(error)
        }
    }

    private struct Names {
        var bases: [Int64] = []
        var snapshots: [Int64] = []
        var indexed: Set<Int64> = []
        var transactionIndexes: Set<Int64> = []
        var orphans: [OrphanedIndex] = []
        var deletedLogs: [String] = []
        var hasTopicId = false
        var hasEpochs = false
        var hasLeftovers = false
    }

    private func open(_ recovery: inout LogRecovery) throws(LogFault) -> Log {
        var names = try readNames()
        if names.hasLeftovers {
            try SwapFiles.settle(folder, logger: environment.logger)
            names = try readNames()
        }
        let nowMs = environment.clock.wallMs
        var segments: [LogSegment] = []
        for base in names.bases {
            let path = folder.path + "/" + SegmentFileKind.log.fileName(baseOffset: base)
            let size = try onDisk { () throws(DiskError) in try disk.fileSize(path) ?? 0 }
            let segment = LogSegment(folder, baseOffset: base, size: size, createdMs: nowMs)
            if !names.transactionIndexes.contains(base) { segment.lastAbortedEnd.store(-1, ordering: .relaxed) }
            segments.append(segment)
        }
        try dropUnusedEnd(&segments)
        try settle(names.orphans, deleted: names.deletedLogs, segments)
        var epochs = try readEpochs(names)
        var endOffset: Int64 = 0
        // Where transaction indexes have to be made anew.
        var reindexFrom = Int64.max
        if wasCleanStop, let end = try endOfCleanLog(segments) {
            endOffset = end
            try rebuildMissingIndexes(segments[...], names)
        } else {
            // What a process that died had renamed or removed is taken for done from here on: power must not undo it.
            try onDisk { () throws(DiskError) in try folder.sync() }
            endOffset = try recover(&segments, &epochs, names, &reindexFrom, &recovery)
        }
        var start = max(startOffset, segments.first?.baseOffset ?? startOffset)
        try checkEnd(endOffset, segments, start: start)
        if segments.isEmpty || endOffset < start {
            if !segments.isEmpty {
                environment.logger.warning(
                    "the log ends below its start offset and begins anew there",
                    ["partition": topicPartition, "logEndOffset": endOffset, "logStartOffset": start])
            }
            try discard(segments)
            start = max(start, 0)
            segments = [try create(at: start)]
            endOffset = start
        }
        epochs.truncateEnd(to: endOffset)
        epochs.truncateStart(to: start)
        let producers = try loadProducers(
            names, segments, start: start, end: endOffset, reindexFrom: reindexFrom)
        // Those who read at the end go by it, again and again.
        if let last = segments.last, names.transactionIndexes.contains(last.baseOffset) {
            try last.findLastAbortedEnd()
        }
        var state = Log.Writer(
            segments: segments, endOffset: endOffset, epochs: epochs, producers: producers,
            rollJitterMs: Log.jitter(config), lastFlushMs: nowMs, hasNewFiles: !wasCleanStop)
        let hasIndexes = segments.allSatisfy { $0.size == 0 || names.indexed.contains($0.baseOffset) }
        if wasCleanStop, hasIndexes, names.snapshots.contains(endOffset) { state.savedEnd = endOffset }
        // Of thousands of logs most are not used for now. What recovery has left to write is still in memory.
        if state.savedEnd != nil { for segment in segments { segment.close() } }
        let log = Log(
            topicPartition: topicPartition, topicId: names.hasTopicId ? try topicId() : nil, environment: environment,
            folder: folder, config: config, state: state, startOffset: start,
            recoveryPoint: wasCleanStop ? endOffset : min(recoveryPoint, endOffset))
        log.cleanedOffset.store(cleanedOffset, ordering: .releasing)
        log.wereShown(upTo: min(highWatermark, endOffset))
        return log
    }

    // MARK: Names

    private func readNames() throws(LogFault) -> Names {
        try onDisk { () throws(DiskError) in
            var names = Names()
            var indexes: [(base: Int64, name: String)] = []
            var timeIndexed: Set<Int64> = []
            for entry in try disk.list(folder.path) where !entry.isDirectory {
                if let (base, kind) = SegmentFileKind.parse(entry.name) {
                    switch kind {
                    case .log: names.bases.append(base)
                    case .producerSnapshot: names.snapshots.append(base)
                    default:
                        indexes.append((base, entry.name))
                        if kind == .offsetIndex { names.indexed.insert(base) }
                        if kind == .timeIndex { timeIndexed.insert(base) }
                        if kind == .transactionIndex { names.transactionIndexes.insert(base) }
                    }
                } else if entry.name == PartitionMetadataFile.name {
                    names.hasTopicId = true
                } else if entry.name == LeaderEpochs.fileName {
                    names.hasEpochs = true
                } else if SwapFiles.isLeftover(entry.name) {
                    names.hasLeftovers = true
                } else if entry.name.hasSuffix(SegmentFileKind.log.rawValue + SegmentFileKind.deletedSuffix) {
                    names.deletedLogs.append(entry.name)
                } else if entry.name.hasSuffix(SegmentFileKind.deletedSuffix) || entry.name.hasSuffix(".tmp") {
                    try disk.remove(folder.path + "/" + entry.name)
                }
            }
            names.indexed.formIntersection(timeIndexed)
            names.bases.sort()
            names.snapshots.sort()
            // A swap that is not completed yet can have left an index in front of its log.
            if names.hasLeftovers { return names }
            let bases = Set(names.bases)
            names.orphans = indexes.filter { !bases.contains($0.base) }.map { OrphanedIndex(baseOffset: $0, name: $1) }
            return names
        }
    }

    private func topicId() throws(LogFault) -> Uuid? {
        let path = folder.path + "/" + PartitionMetadataFile.name
        guard let contents = try onDisk({ () throws(DiskError) in try disk.readFile(path) }) else { return nil }
        let id = PartitionMetadataFile.read(contents)
        if id == nil {
            environment.logger.warning("nothing says whose log it is: no topic id can be read", ["path": path])
        }
        return id
    }

    private func readEpochs(_ names: Names) throws(LogFault) -> LeaderEpochs {
        var epochs = LeaderEpochs()
        guard names.hasEpochs else {
            epochs.isDirty = true
            return epochs
        }
        let path = folder.path + "/" + LeaderEpochs.fileName
        let contents = try onDisk { () throws(DiskError) in try disk.readFile(path) ?? Bytes() }
        if contents.isEmpty && recoveryPoint == 0 && !wasCleanStop {
            // As power leaves the file of a new log, which is not waited for.
            epochs.isDirty = true
            return epochs
        }
        do {
            return try LeaderEpochs(reading: contents)
        } catch {
            environment.logger.error(
                "the leader epochs cannot be read and begin anew",
                ["path": path, "line": error.line, "reason": error.reason])
            epochs.isDirty = true
            return epochs
        }
    }

    private func create(at offset: Int64) throws(LogFault) -> LogSegment {
        try onDisk { () throws(DiskError) in
            let segment = try LogSegment.create(
                folder, baseOffset: offset, config: config, createdMs: environment.clock.wallMs)
            // Without its name a log would begin with whichever of the later ones a crash leaves.
            try folder.sync()
            return segment
        }
    }

    private func discard(_ segments: [LogSegment]) throws(LogFault) {
        try onDisk { () throws(DiskError) in
            for segment in segments {
                environment.removeLater(try segment.markDeleted(), after: config.fileDeleteDelayMs)
            }
        }
    }

    // MARK: The end

    // A roll that failed can leave an empty segment behind, while the one in front went on.
    private func dropUnusedEnd(_ segments: inout [LogSegment]) throws(LogFault) {
        guard let last = segments.last, last.size == 0, segments.count > 1 else { return }
        let batch: StoredBatch?
        do throws(LogFault) {
            batch = try segments[segments.count - 2].lastBatch()
        } catch .damaged {
            // Recovery says what is wrong, and where.
            return
        }
        guard let batch, batch.lastOffset >= last.baseOffset else { return }
        environment.logger.warning(
            "an empty segment in the middle of the records is removed",
            ["partition": topicPartition, "baseOffset": last.baseOffset])
        segments.removeLast()
        try discard([last])
        try onDisk { () throws(DiskError) in try folder.sync() }
        try dropUnusedEnd(&segments)
    }

    /// - Returns: nil when the last segment is not as a clean stop leaves it.
    private func endOfCleanLog(_ segments: [LogSegment]) throws(LogFault) -> Int64? {
        guard let active = segments.last else { return startOffset }
        do {
            return try active.lastBatch().map { $0.lastOffset + 1 } ?? active.baseOffset
        } catch .damaged(let path, let position, let reason) {
            environment.logger.error(
                "a log that was stopped cleanly is damaged", ["path": path, "position": position, "reason": reason])
            return nil
        }
    }

    // A deletion that power interrupts can leave a segment without them.
    private func rebuildMissingIndexes(_ segments: ArraySlice<LogSegment>, _ names: Names) throws(LogFault) {
        for segment in segments where segment.size > 0 && !names.indexed.contains(segment.baseOffset) {
            environment.logger.warning(
                "an index is missing and made anew", ["partition": topicPartition, "baseOffset": segment.baseOffset])
            let recovery = SegmentRecovery(segment: segment, indexIntervalBytes: config.indexIntervalBytes)
            do throws(LogFault) {
                _ = try recovery.run(mayCut: { _ in false }) { _ in }
                try onDisk { () throws(DiskError) in
                    if segment.baseOffset != names.bases.last { try segment.seal(wasReserved: config.preallocate) }
                    // Nobody flushes below the recovery point, nor makes them anew once more.
                    try segment.flush()
                    try folder.sync()
                }
            } catch .damaged(let path, let position, let reason) {
                // What is sound is still served, by scanning.
                environment.logger.error(
                    "a log is damaged where it had been flushed",
                    ["path": path, "position": position, "reason": reason])
            }
        }
    }

    private func recover(
        _ segments: inout [LogSegment], _ epochs: inout LeaderEpochs, _ names: Names, _ reindexFrom: inout Int64,
        _ report: inout LogRecovery
    ) throws(LogFault) -> Int64 {
        guard let first = segments.first else { return startOffset }
        // Of the segment that holds the last flushed record the indexes may not have been flushed.
        var index = Log.segmentIndex(segments, for: recoveryPoint - 1) ?? 0
        var nextOffset = first.baseOffset
        var found = epochs
        var hasMarkers = false
        let firstRecovered = segments[index].baseOffset
        // What is read again says it anew; an epoch of before would otherwise contradict a later one.
        found.truncateEnd(to: firstRecovered)
        try rebuildMissingIndexes(segments[..<index], names)
        while index < segments.count {
            let segment = segments[index]
            let recovery = SegmentRecovery(segment: segment, indexIntervalBytes: config.indexIntervalBytes)
            let later = segments[(index + 1)...]
            let mayCut = { (outcome: SegmentRecovery.Outcome) in
                guard let promise = promise(behindDamage: later) else { return outcome.nextOffset >= recoveryPoint }
                proves(promise)
                return false
            }
            let outcome = try recovery.run(mayCut: mayCut) { batch in
                if let epoch = batch.leaderEpoch { found.assign(epoch, startOffset: batch.baseOffset) }
                if batch.header?.isControl == true { hasMarkers = true }
            }
            nextOffset = outcome.nextOffset
            report.segments += 1
            report.bytes += segment.size + outcome.removedBytes
            report.removedBytes += outcome.removedBytes
            index += 1
            var reason = "what is in front of them was cut off"
            if let damage = outcome.damage {
                environment.logger.warning(
                    "unfinished writes were cut off",
                    ["partition": topicPartition, "bytes": outcome.removedBytes, "cause": damage])
            } else if index == segments.count {
                break
            } else if follows(segments[index], end: nextOffset, names) {
                reportGap(from: nextOffset, to: segments[index].baseOffset)
                // Nothing will be appended to it, which would complete its indexes.
                try onDisk { () throws(DiskError) in try segment.seal(wasReserved: config.preallocate) }
                continue
            } else {
                let next = segments[index].baseOffset
                reason =
                    next > nextOffset
                    ? "offsets \(nextOffset) to \(next - 1) are missing"
                    : "the log in front of them ends at \(nextOffset)"
            }
            if outcome.damage == nil { try checkHole(from: nextOffset, in: segments[index...]) }
            // What follows a cut or a hole was written later than what is missing: it was never promised.
            let rest = Array(segments[index...])
            segments.removeSubrange(index...)
            reportRemoved(rest, reason, &report)
            try discard(rest)
            // Nor may it come back behind what is appended next.
            try onDisk { () throws(DiskError) in try folder.sync() }
        }
        epochs = found
        if hasMarkers || names.transactionIndexes.contains(where: { $0 >= firstRecovered }) {
            reindexFrom = firstRecovered
        }
        return nextOffset
    }

    private func reportRemoved(_ segments: [LogSegment], _ reason: String, _ report: inout LogRecovery) {
        guard let first = segments.first else { return }
        let bytes = segments.reduce(0) { $0 + $1.size }
        report.bytes += bytes
        report.removedBytes += bytes
        environment.logger.warning(
            "segments are removed that cannot follow what was recovered",
            [
                "partition": topicPartition, "segments": segments.count, "bytes": bytes, "from": first.baseOffset,
                "cause": reason,
            ])
    }

    // A segment that begins before the one in front ends is from before a truncation, and came back with the power.
    // Behind it there can be a gap where cleaning was, but only in what had been flushed or is known to be cleaned.
    private func follows(_ segment: LogSegment, end: Int64, _ names: Names) -> Bool {
        let next = segment.baseOffset
        if next < recoveryPoint || next == end { return true }
        return next > end
            && (end < recoveryPoint || next <= cleanedOffset
                || mayBeCompacted(inFrontOf: segment, hasSnapshot: names.snapshots.contains(next)))
    }

    // MARK: Producers

    private func loadProducers(
        _ names: Names, _ segments: [LogSegment], start: Int64, end: Int64, reindexFrom: Int64
    ) throws(LogFault) -> ProducerStates {
        var producers = ProducerStates()
        var from = start
        for offset in names.snapshots.reversed() where offset <= min(end, reindexFrom) && offset >= start {
            let path = folder.path + "/" + SegmentFileKind.producerSnapshot.fileName(baseOffset: offset)
            let contents = try onDisk { () throws(DiskError) in try disk.readFile(path) ?? Bytes() }
            if let read = ProducerSnapshot.read(contents, endOffset: offset) {
                producers = read
                from = offset
                break
            }
            environment.logger.warning("a producer snapshot cannot be read", ["path": path])
        }
        try removeStraySnapshots(names, segments, end: end)
        try Log.replay(segments, from: from, to: end, into: &producers, reindexFrom: reindexFrom)
        let nowMs = environment.clock.wallMs
        producers.expire(before: nowMs - environment.producerIdExpirationMs)
        return producers
    }

    private func removeStraySnapshots(_ names: Names, _ segments: [LogSegment], end: Int64) throws(LogFault) {
        let bases = Set(segments.map(\.baseOffset))
        let newest = names.snapshots.last { $0 <= end }
        let stray = names.snapshots.filter { !bases.contains($0) && $0 != newest }
        if stray.isEmpty { return }
        for offset in stray { try reportHole(at: offset, segments) }
        try onDisk { () throws(DiskError) in
            for offset in stray {
                let path = folder.path + "/" + SegmentFileKind.producerSnapshot.fileName(baseOffset: offset)
                try disk.removeTree(path)
            }
            // One that came back later would tell of records that others have taken the place of.
            try folder.sync()
        }
    }
}
