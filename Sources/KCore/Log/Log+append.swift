internal import Glibc
internal import Synchronization

extension Log {
    /// Appends record batches with one write. Their offsets and epochs are set in place: the caller must hold the only
    /// use of `records`.
    ///
    /// - Parameters:
    ///   - records: batches of format 2, or messages of formats 0 and 1, which are converted.
    ///   - leaderEpoch: of the leader that appends; ignored for ``AppendOrigin/replication``.
    /// - Throws: what a producer is answered with, see ``AppendValidator`` and ``ProducerStates``; OFFSET_OUT_OF_RANGE
    ///   for replicated records that do not follow the log's end; KAFKA_STORAGE_ERROR when the disk refuses, where
    ///   the append can be repeated if there was only no room. Where the disk is known not to answer, at once and without
    ///   asking it.
    ///
    /// Never waits for an fsync. Where `flush.messages` asks for one it is begun, and ``AppendResult/awaitsFlush`` tells.
    public func append(
        _ records: Bytes, leaderEpoch: Int32, origin: AppendOrigin = .client
    ) throws(LogError) -> AppendResult {
        try environment.directory.checkAnswers()
        let config = config
        return try append(prepare(records, origin, config), leaderEpoch: leaderEpoch, origin: origin, config)
    }

    /// The same with what ``prepare(_:origin:)`` or ``appendAtOnce(_:leaderEpoch:origin:)`` has made of the records.
    func append(
        _ prepared: PreparedAppend, leaderEpoch: Int32, origin: AppendOrigin = .client
    ) throws(LogError) -> AppendResult {
        try environment.directory.checkAnswers()
        // The writer is waited for as well, but who has him that long waits for the disk.
        return try environment.directory.watch.during { () throws(LogError) in
            try append(prepared, leaderEpoch: leaderEpoch, origin: origin, config)
        }
    }

    private func append(
        _ prepared: PreparedAppend, leaderEpoch: Int32, origin: AppendOrigin, _ config: LogConfig
    ) throws(LogError) -> AppendResult {
        let appended = try writer.withLock { (writer) throws(LogError) in
            try append(prepared, leaderEpoch, origin, config, waits: true, &writer)
        }
        return finish(appended)
    }

    /// The same for a thread that must not wait for a disk.
    /// - Returns: the records when it would have to, or for somebody who does: then nothing has changed, and they can be
    ///   appended by another thread.
    func appendAtOnce(
        _ records: Bytes, leaderEpoch: Int32, origin: AppendOrigin = .client
    ) throws(LogError) -> AppendAttempt {
        try environment.directory.checkAnswers()
        let config = config
        let prepared = try prepare(records, origin, config)
        do throws(LogError) {
            let appended = try withWriterSoon { (writer) throws(LogError) in
                try append(prepared, leaderEpoch, origin, config, waits: false, &writer)
            }
            if let appended { return .done(finish(appended)) }
        } catch  where error.isWouldWait {}
        return .wouldWait(prepared)
    }

    /// Calls `body` unless somebody else has the writer for longer than some appends take: a disk takes longer.
    /// - Returns: nil then.
    func withWriterSoon<R>(_ body: (inout Writer) throws(LogError) -> R) throws(LogError) -> R? {
        for _ in 0..<Log.mostAttempts {
            let result = try writer.withLockIfAvailable { (writer) throws(LogError) in try body(&writer) }
            if let result { return result }
            // Mostly another loop, which is about to be done.
            sched_yield()
        }
        return nil
    }

    private static let mostAttempts = 200

    /// Checks records, and makes them what they will be in the log but for their offsets.
    func prepare(_ records: Bytes, origin: AppendOrigin) throws(LogError) -> PreparedAppend {
        try prepare(records, origin, config)
    }

    private func prepare(
        _ records: Bytes, _ origin: AppendOrigin, _ config: LogConfig
    ) throws(LogError) -> PreparedAppend {
        let validator = AppendValidator(
            config: config, topicPartition: topicPartition, origin: origin, nowMs: environment.clock.wallMs)
        return try validator.prepare(records)
    }

    private struct Appended: Sendable {
        var result: AppendResult
        var part: WriteBehind?
    }

    private func append(
        _ prepared: PreparedAppend, _ leaderEpoch: Int32, _ origin: AppendOrigin, _ config: LogConfig, waits: Bool,
        _ writer: inout Writer
    ) throws(LogError) -> Appended {
        var part: WriteBehind?
        var result = try append(prepared, leaderEpoch, origin, config, waits: waits, &writer, &part)
        // A duplicate is acknowledged as the first one is.
        result.awaitsFlush =
            writer.recordsSinceFlush >= config.flushMessages
            || config.showsOnlyFlushed && result.lastOffset >= recoveryPoint
        return Appended(result: result, part: part)
    }

    private func finish(_ appended: Appended) -> AppendResult {
        if let part = appended.part { start(part) }
        if appended.result.awaitsFlush { requestFlush() }
        flushAfterRoll()
        return appended.result
    }

    private func append(
        _ prepared: PreparedAppend, _ leaderEpoch: Int32, _ origin: AppendOrigin, _ config: LogConfig, waits: Bool,
        _ writer: inout Writer, _ part: inout WriteBehind?
    ) throws(LogError) -> AppendResult {
        if writer.isClosed { throw LogError(.kafkaStorageError, "the log of \(topicPartition) is closed") }
        // Far from where they can be reckoned with no more; only damage can bring a log there.
        guard writer.endOffset < Int64.max / 2 else {
            throw LogError(.kafkaStorageError, "\(topicPartition) has no offsets behind \(writer.endOffset - 1)")
        }
        try checkCut(writer)
        var prepared = prepared
        guard let first = prepared.batches.first else {
            let end = writer.endOffset
            return AppendResult(
                baseOffset: end, lastOffset: end - 1, logAppendTimeMs: -1, logStartOffset: logStartOffset)
        }
        if origin == .replication {
            try checkOffsets(prepared, writer)
        } else {
            assignOffsets(&prepared, leaderEpoch, writer.endOffset)
        }
        let known = try checkProducers(prepared, origin, &writer)
        if let known {
            return AppendResult(
                baseOffset: known.firstOffset, lastOffset: known.lastOffset,
                logAppendTimeMs: config.messageTimestampType == .logAppendTime ? known.timestamp : -1,
                logStartOffset: logStartOffset, isDuplicate: true)
        }
        try checkVerified(prepared, origin, writer)
        let baseOffset = origin == .replication ? first.header.baseOffset : writer.endOffset
        let lastOffset = try write(prepared, baseOffset: baseOffset, config, waits: waits, &writer, &part)
        writer.recordsSinceFlush += lastOffset - baseOffset + 1
        return AppendResult(
            baseOffset: baseOffset, lastOffset: lastOffset, logAppendTimeMs: prepared.logAppendTimeMs,
            logStartOffset: logStartOffset, maxTimestamp: prepared.maxTimestamp)
    }

    private func assignOffsets(_ prepared: inout PreparedAppend, _ leaderEpoch: Int32, _ start: Int64) {
        var offset = start
        prepared.records.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for index in prepared.batches.indices {
                let position = prepared.batches[index].position
                RecordBatchHeader.stamp(baseOffset: offset, partitionLeaderEpoch: leaderEpoch, at: base + position)
                prepared.batches[index].header.baseOffset = offset
                prepared.batches[index].header.partitionLeaderEpoch = leaderEpoch
                offset = prepared.batches[index].header.lastOffset + 1
            }
        }
    }

    // A follower's log may have gaps where the leader's was cleaned, but never goes back.
    private func checkOffsets(_ prepared: PreparedAppend, _ writer: Writer) throws(LogError) {
        var next = writer.endOffset
        for batch in prepared.batches {
            guard batch.header.baseOffset >= next else {
                throw LogError(
                    .offsetOutOfRange,
                    "\(topicPartition): records at \(batch.header.baseOffset) cannot follow offset \(next - 1)")
            }
            next = batch.header.lastOffset + 1
        }
    }

    private func checkProducers(
        _ prepared: PreparedAppend, _ origin: AppendOrigin, _ writer: inout Writer
    ) throws(LogError) -> ProducerState.Batch? {
        if prepared.batches.count == 1 {
            return try writer.producers.check(prepared.batches[0].header, marker: prepared.markers[0], origin: origin)
        }
        guard prepared.batches.contains(where: \.header.hasProducerId) else { return nil }
        // Later batches are checked as if the earlier ones were there already.
        var trial = writer.producers.only(Set(prepared.batches.lazy.map(\.header.producerId)))
        for (index, batch) in prepared.batches.enumerated() {
            let marker = prepared.markers[index]
            if let known = try trial.check(batch.header, marker: marker, origin: origin) { return known }
            trial.apply(batch.header, marker: marker, timeMs: environment.clock.wallMs)
        }
        return nil
    }

    private func write(
        _ prepared: PreparedAppend, baseOffset: Int64, _ config: LogConfig, waits: Bool, _ writer: inout Writer,
        _ part: inout WriteBehind?
    ) throws(LogError) -> Int64 {
        var largest = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        var lastOffset = baseOffset
        for batch in prepared.batches {
            lastOffset = batch.header.lastOffset
            if batch.header.maxTimestamp > largest.timestamp {
                largest = TimeIndex.Entry(timestamp: batch.header.maxTimestamp, offset: lastOffset)
            }
        }
        let records = prepared.records
        let segment =
            waits
            ? try activeSegment(
                for: records.count, lastOffset: lastOffset, baseOffset: baseOffset, timestamp: largest.timestamp,
                config, &writer)
            : try readySegment(for: prepared, lastOffset: lastOffset, timestamp: largest.timestamp, config, writer)
        let position: Int64
        do {
            // Afterwards an entry can be added whatever the disk says.
            if waits, prepared.mayAbort { try segment.files.transactionIndex.prepareToAppend() }
            position = try segment.append(
                records, lastOffset: lastOffset, largest: largest, indexIntervalBytes: config.indexIntervalBytes,
                waits: waits)
        } catch  where error.isWouldWait && !waits {
            throw .wouldWait
        } catch {
            throw giveUp(error, segment)
        }
        if isOutOfRoom.load(ordering: .relaxed) {
            isOutOfRoom.store(false, ordering: .relaxed)
            environment.logger.info("there is room for appends again", ["partition": topicPartition])
        }
        writer.endOffset = lastOffset + 1
        part = planWriteBehind(segment, size: position + Int64(records.count), &writer)
        let nowMs = environment.clock.monotonicMs
        let ended = try apply(prepared, segment, waits: waits, &writer)
        // Together with the end: what a reader may see must never include the beginning of a transaction that is not known.
        published.withLock { published in
            published.note(ended, firstOpenOffset: writer.producers.firstOpenTransactionOffset)
            published.endOffset = lastOffset + 1
            published.activeSize = position + Int64(records.count)
            if published.epochs.latest != writer.epochs.latest { published.epochs = writer.epochs }
            published.tail.add(TailMarks.Mark(offset: baseOffset, position: position, appendedMs: nowMs))
        }
        return lastOffset
    }

    // With no room left the log goes on as it was before the append; a producer tries again. Anything else is an end.
    private func giveUp(_ error: DiskError, _ segment: LogSegment) -> LogError {
        if error.operation == .open && error.isHarmless { return answer(to: error) }
        guard error.isDiskFull else { return environment.directory.fail(error) }
        do {
            try segment.cutToSize()
        } catch {
            return environment.directory.fail(error)
        }
        if !isOutOfRoom.exchange(true, ordering: .relaxed) {
            environment.logger.warning("no room for an append", ["partition": topicPartition, "error": error])
        }
        return LogError(error)
    }

    // MARK: Rolling

    private func readySegment(
        for prepared: PreparedAppend, lastOffset: Int64, timestamp: Int64, _ config: LogConfig, _ writer: Writer
    ) throws(LogError) -> LogSegment {
        guard let active = writer.segments.last,
            !prepared.mayAbort || active.files.transactionIndex.file.countIfReady() != nil,
            active.takesAtOnce(
                addingBytes: prepared.records.count, lastOffset: lastOffset, timestamp: timestamp,
                nowMs: environment.clock.wallMs, jitterMs: writer.rollJitterMs, config: config)
        else { throw .wouldWait }
        return active
    }

    private func activeSegment(
        for count: Int, lastOffset: Int64, baseOffset: Int64, timestamp: Int64, _ config: LogConfig,
        _ writer: inout Writer
    ) throws(LogError) -> LogSegment {
        if let active = writer.segments.last {
            do {
                let mustRoll = try active.mustRoll(
                    addingBytes: count, lastOffset: lastOffset, timestamp: timestamp, nowMs: environment.clock.wallMs,
                    jitterMs: writer.rollJitterMs, config: config)
                if !mustRoll { return active }
            } catch {
                throw answer(to: error)
            }
        }
        // Behind a gap that no segment can span, the segment begins with the records.
        let follows = lastOffset - writer.endOffset <= Int64(Int32.max)
        return try roll(at: follows ? writer.endOffset : baseOffset, config, &writer)
    }

    /// Has what was in a segment that is full go to stable storage in the background. Not called under the lock: jobs
    /// may run at once.
    func flushAfterRoll() {
        guard hasRolled.load(ordering: .relaxed), hasRolled.exchange(false, ordering: .relaxed) else { return }
        environment.background { [weak self] in
            // An error takes the directory offline, which the next append answers.
            _ = try? self?.flush()
        }
    }

    /// Begins a new segment. Callers see to ``flushAfterRoll()``.
    @discardableResult
    func roll(at baseOffset: Int64, _ config: LogConfig, _ writer: inout Writer) throws(LogError) -> LogSegment {
        do throws(DiskError) {
            if let active = writer.segments.last {
                if active.baseOffset == baseOffset && active.size == 0 { return active }
                try active.seal(wasReserved: config.preallocate)
                // Of an older one that is not written yet nobody has need.
                writer.dueSnapshot = writer.producers
                writer.dueSnapshot?.mapEndOffset = writer.endOffset
            }
            let segment = try LogSegment.create(
                folder, baseOffset: baseOffset, config: config, createdMs: environment.clock.wallMs)
            // A segment without records that begins elsewhere, or at the same offset, is replaced.
            if let active = writer.segments.last, active.size == 0, writer.segments.count > 0 {
                writer.segments.removeLast()
                if active.baseOffset != baseOffset { removeLater(try active.markDeleted()) }
            }
            writer.segments.append(segment)
            writer.savedEnd = nil
            writer.hasNewFiles = true
            writer.rollJitterMs = Log.jitter(config)
            publish(writer)
            environment.logger.debug("segment rolled", ["partition": topicPartition, "baseOffset": baseOffset])
            hasRolled.store(true, ordering: .relaxed)
            return segment
        } catch {
            throw answer(to: error)
        }
    }

    static func jitter(_ config: LogConfig) -> Int64 {
        let limit = min(config.segmentJitterMs, config.segmentMs)
        return limit > 0 ? Int64.random(in: 0..<limit) : 0
    }

    /// Rolls when the time for it has come, for a log that nothing is appended to.
    public func rollIfNeeded() throws(LogError) {
        try environment.directory.check()
        let config = config
        let nowMs = environment.clock.wallMs
        try writer.withLock { (writer) throws(LogError) in
            guard let active = writer.segments.last, !writer.isClosed, writer.unfinishedCut == nil else { return }
            do throws(LogFault) {
                let mustRoll = try active.mustRoll(
                    addingBytes: 0, lastOffset: writer.endOffset, timestamp: nowMs, nowMs: nowMs,
                    jitterMs: writer.rollJitterMs, config: config)
                // By the clock as well: old records are written today.
                guard mustRoll, try active.wallAgeMs(nowMs: nowMs) > config.maxSegmentMs - writer.rollJitterMs else {
                    return
                }
            } catch {
                throw answer(to: error)
            }
            try roll(at: writer.endOffset, config, &writer)
        }
        flushAfterRoll()
    }

    /// - Parameter endOffset: where the producers are as they are given.
    func writeProducerSnapshot(_ producers: ProducerStates, at endOffset: Int64) throws(DiskError) {
        let name = SegmentFileKind.producerSnapshot.fileName(baseOffset: endOffset)
        try environment.disk.replaceFile(
            folder.path + "/" + name, with: ProducerSnapshot.write(producers))
    }

    func removeLater(_ paths: [String]) {
        environment.removeLater(paths, after: config.fileDeleteDelayMs)
    }
}
