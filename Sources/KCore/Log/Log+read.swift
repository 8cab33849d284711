internal import Synchronization

extension Log {
    /// For so long after an append the kernel keeps it in memory, whatever else happens there: it has hardly begun to
    /// write it.
    private static let recentMs: Int64 = 5000
    /// At how many segments in a row that cleaning has emptied one read looks.
    private static let maxSkippedSegments = 64

    /// Reads batches from the one that holds `offset` on, as parts of files. Nothing is decoded or copied.
    ///
    /// Segments without a record are passed over while there are records behind them: some clients (librdkafka) take answers
    /// without a record, one after the other, for a limit that is too small.
    ///
    /// - Parameters:
    ///   - maxBytes: of batches; a batch is never cut.
    ///   - upTo: exclusive; a batch that reaches beyond it is not read.
    ///   - minOneBatch: whether the first batch is read even if it is larger than `maxBytes`.
    /// - Throws: OFFSET_OUT_OF_RANGE when `offset` is outside of start and end of the log; KAFKA_STORAGE_ERROR.
    public func read(
        from offset: Int64, maxBytes: Int, upTo: Int64 = .max, minOneBatch: Bool = true
    ) throws(LogError) -> LogRead {
        guard let found = try read(from: offset, maxBytes: maxBytes, upTo: upTo, minOneBatch: minOneBatch, waits: true)
        else { throw LogError(.kafkaStorageError, "\(topicPartition): the disk does not answer") }
        return found
    }

    /// The same for a thread that must not wait for a disk. What is found may itself still have to be read from there.
    /// - Returns: nil when it would have to wait, or to look at much.
    public func readCached(
        from offset: Int64, maxBytes: Int, upTo: Int64 = .max, minOneBatch: Bool = true
    ) throws(LogError) -> LogRead? {
        try read(from: offset, maxBytes: maxBytes, upTo: upTo, minOneBatch: minOneBatch, waits: false)
    }

    private func read(
        from offset: Int64, maxBytes: Int, upTo: Int64, minOneBatch: Bool, waits: Bool
    ) throws(LogError) -> LogRead? {
        try environment.directory.check()
        var missing: LogFault?
        // A segment can be deleted between the look at the list and the opening of its file; the next look tells.
        for _ in 0..<3 {
            var view = published.withLock { $0.look(offset, maxBytes: maxBytes, upTo: upTo) }
            view.readers = environment.readers
            guard offset >= view.startOffset, offset <= view.endOffset else {
                throw LogError(
                    .offsetOutOfRange,
                    "\(topicPartition): offset \(offset) is outside of \(view.startOffset) to \(view.endOffset)")
            }
            if offset >= min(upTo, view.endOffset) { return view.result() }
            do {
                if let tail = view.tail {
                    return view.result(
                        try tail.segment.file(waits: waits), from: tail.start, to: tail.end, firstOffset: offset,
                        inMemoryUntilMs: tail.appendedMs + Log.recentMs)
                }
                return try find(
                    offset, view, maxBytes: maxBytes, upTo: upTo, minOneBatch: minOneBatch, waits: waits)
            } catch  where error.isMissingFile {
                missing = error
            } catch  where error.isWouldWait && !waits {
                return nil
            } catch {
                throw answer(toReading: error)
            }
        }
        if let missing { throw answer(to: missing) }
        throw LogError(.kafkaStorageError, "a file of \(topicPartition) at offset \(offset) is missing")
    }

    private func find(
        _ offset: Int64, _ view: ReadView, maxBytes: Int, upTo: Int64, minOneBatch: Bool, waits: Bool
    ) throws(LogFault) -> LogRead {
        let segments = view.segments
        guard var index = Log.segmentIndex(segments, for: offset) else { return view.result() }
        var offset = offset
        // What was passed over because there is no record in it, and how many segments of that kind.
        var (empty, skipped): (LogRead?, Int) = (nil, 0)
        while index < segments.count {
            let segment = segments[index]
            let isLast = index == segments.count - 1
            var end = isLast ? view.activeSize : segment.size
            defer { repairOffsetIndex(of: segment) }
            let first = try segment.firstBatch(
                endingAtOrAfter: offset, end: end, waits: waits, far: farFromIndexEntry)
            if let first {
                // The checksum does not cover the offset, and what is behind it would be answered out of order.
                let next = isLast ? view.endOffset : segments[index + 1].baseOffset
                guard first.lastOffset < next else {
                    throw .damaged(
                        path: segment.files.log.path, position: first.position,
                        reason: "the offset \(first.lastOffset) cannot be in front of \(next)")
                }
                if first.lastOffset >= upTo { return empty ?? view.result() }
                noteHole(at: offset, in: segment, inFrontOf: first)
                if upTo < next {
                    do throws(LogFault) {
                        end = try segment.position(below: upTo, end: end, waits: waits)
                    } catch .damaged(_, let position, _) where position >= first.end {
                        // What is in front of the damage is below it.
                        end = position
                    }
                }
                if !isLast, upTo >= next, skipped < Self.maxSkippedSegments,
                    try segment.isWithoutRecords(from: first, end: end, waits: waits)
                {
                    empty = view.result(
                        try segment.file(waits: waits), from: first.position, to: end, firstOffset: first.baseOffset)
                    (offset, index, skipped) = (next, index + 1, skipped + 1)
                    continue
                }
                let cut = try segment.cut(
                    after: first, maxBytes: maxBytes, end: end, minOneBatch: minOneBatch, waits: waits)
                return view.result(
                    try segment.file(waits: waits), from: first.position, to: cut, firstOffset: first.baseOffset)
            }
            // The end of a cleaned segment can be a gap.
            index += 1
            if index < segments.count { noteHole(at: offset, between: segment, and: segments[index]) }
        }
        return empty ?? view.result()
    }
}

/// What a read needs to know of a log at one moment.
struct ReadView: Sendable {
    struct Tail: Sendable {
        var segment: LogSegment
        var start: Int64
        var end: Int64
        /// When the oldest of it was appended, milliseconds of the monotonic clock.
        var appendedMs: Int64
    }

    var segments: [LogSegment]
    var startOffset: Int64
    var endOffset: Int64
    var activeSize: Int64
    /// The answer, where the last appends tell it.
    var tail: Tail?
    var readers: WorkerPool?

    func result() -> LogRead {
        LogRead(records: .empty, firstOffset: endOffset, logStartOffset: startOffset, logEndOffset: endOffset)
    }

    func result(
        _ file: any DiskFile, from start: Int64, to end: Int64, firstOffset: Int64, inMemoryUntilMs: Int64 = 0
    ) -> LogRead {
        var region = FileRegion(source: file, position: start, count: Int(end - start))
        region.inMemoryUntilMs = inMemoryUntilMs
        region.readers = readers
        return LogRead(
            records: region.count > 0 ? .files([region]) : .empty, firstOffset: firstOffset,
            logStartOffset: startOffset, logEndOffset: endOffset)
    }
}

extension Log.Published {
    /// - Returns: the view; its tail is set when `offset` is where one of the last appends began and the answer ends
    ///   where one did.
    func look(_ offset: Int64, maxBytes: Int, upTo: Int64) -> ReadView {
        var view = ReadView(
            segments: segments, startOffset: startOffset, endOffset: endOffset, activeSize: activeSize)
        guard let active = segments.last, offset >= startOffset, let first = tail.mark(of: offset) else {
            return view
        }
        let start = first.position
        let limit = upTo >= endOffset ? activeSize : tail.mark(of: upTo)?.position
        guard var end = limit, end > start else { return view }
        if end - start > Int64(clamping: maxBytes) {
            guard let cut = tail.boundary(atOrBefore: start + Int64(maxBytes)), cut > start else { return view }
            end = min(cut, end)
        }
        view.tail = ReadView.Tail(segment: active, start: start, end: end, appendedMs: first.appendedMs)
        return view
    }
}
