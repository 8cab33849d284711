extension LogLoader {
    /// Compares where a log ends with what the checkpoints promise.
    ///
    /// - Below the recovery point everything was on stable storage: when the log ends in front of it, records are gone that
    ///   had been promised, even where what is left is sound.
    /// - A start behind the end is what a loss of power leaves of a log whose newest records had been deleted before they
    ///   were on stable storage (Apache Kafka writes start offsets regardless of that). What is left was deleted, too, and
    ///   the log begins anew at its start, as with Kafka: no offset is given twice. But then the high watermark had been
    ///   there. If it had not, or the last stop was clean, the start is not to be believed, and would cost all records.
    ///
    /// - Throws: what is wrong, with the end of the log's last file.
    func checkEnd(_ end: Int64, _ segments: [LogSegment], start: Int64) throws(LogFault) {
        if end < recoveryPoint {
            throw damaged(
                segments, "the log ends at offset \(end), and had been on stable storage up to \(recoveryPoint)")
        }
        // What has no records has none to lose.
        guard segments.contains(where: { $0.size > 0 }), end < start, wasCleanStop || highWatermark < start else {
            return
        }
        throw damaged(
            segments,
            "the log ends at offset \(end), in front of its start \(start) in \(OffsetCheckpoint.logStartOffsetName)")
    }

    private func damaged(_ segments: [LogSegment], _ reason: String) -> LogFault {
        guard let last = segments.last else { return .damaged(path: folder.path, position: 0, reason: reason) }
        let path = folder.path + "/" + SegmentFileKind.log.fileName(baseOffset: last.baseOffset)
        return .damaged(path: path, position: last.size, reason: reason)
    }

    /// Reports records that are missing between two segments where all had been on stable storage. Compaction leaves such
    /// gaps, too, and is told by its checkpoint; the log of a topic that is not compacted has none.
    func reportGap(from end: Int64, to next: Int64) {
        if next > end, isCleaningUnknown {
            environment.logger.warning(
                "offsets are missing as where compaction was, of which no checkpoint tells, and what follows them is kept",
                ["partition": topicPartition, "from": end, "to": next - 1])
        }
        let isExpected = next <= end || end >= recoveryPoint || next <= cleanedOffset
        if isExpected || config.cleanupPolicy.contains(.compact) { return }
        environment.logger.error(
            "records that had been flushed are missing", ["partition": topicPartition, "from": end, "to": next - 1])
    }

    // Kafka cleans above the recovery point, too, and other checkpoints are lost together with its own.
    private var isCleaningUnknown: Bool {
        config.cleanupPolicy.contains(.compact) && recoveryPoint == 0 && cleanedOffset < 0
    }

    /// Whether the gap in front of `segment` may be what compaction has left, although no checkpoint says so: as after a move
    /// from a directory that is gone, or where the files were lost. A crash leaves gaps, too, where a segment was not flushed
    /// and a later one was; but the snapshot of the producers where a segment begins is written only once everything in front
    /// of it is on stable storage.
    /// - Parameter hasSnapshot: whether there is one where `segment` begins.
    func mayBeCompacted(inFrontOf segment: LogSegment, hasSnapshot: Bool) -> Bool {
        // Where nobody knows what had been promised nothing is cut off.
        isCleaningUnknown && (isRecoveryPointUnknown || hasSnapshot && segment.size > 0)
    }

    /// A snapshot of the producers was taken at `offset`, where no segment begins. Where the log has a hole there, the segment
    /// that began with it is gone, and nothing else may tell.
    func reportHole(at offset: Int64, _ segments: [LogSegment]) throws(LogFault) {
        guard !config.cleanupPolicy.contains(.compact), cleanedOffset < 0,
            let index = segments.firstIndex(where: { $0.baseOffset > offset }), index > 0
        else { return }
        let next = segments[index].baseOffset
        // What a crash has taken above the recovery point was never promised.
        guard wasCleanStop || next <= recoveryPoint, let last = try lastBatch(segments[index - 1]) else { return }
        guard last.lastOffset < offset else { return }
        environment.logger.error(
            "records are missing in front of a segment",
            [
                "partition": topicPartition,
                "path": folder.path + "/" + SegmentFileKind.log.fileName(baseOffset: next),
                "from": last.lastOffset + 1, "to": next - 1,
            ])
    }

    /// Whether there are records in `segments`, behind something damaged or missing, that may have been promised: it is not
    /// known what was.
    func mayHavePromised(_ segments: ArraySlice<LogSegment>) -> Bool {
        isRecoveryPointUnknown
            && segments.contains { segment in
                let batch = try? segment.firstBatch(endingAtOrAfter: segment.baseOffset, end: segment.size)
                return batch != nil
            }
    }

    /// What must be taken for promised of a log that is damaged in front of `later`, so that no later start cuts anything off
    /// where whole segments follow: not the first damage counts, which may be put right alone, but the last.
    /// - Returns: nil when nothing behind the damage can have been promised.
    func promise(behindDamage later: ArraySlice<LogSegment>) -> Int64? {
        guard mayHavePromised(later), var promise = later.first?.baseOffset else { return nil }
        for index in later.indices.dropFirst() where mayHavePromised(later[index...]) {
            let former = SegmentRecovery(segment: later[index - 1], indexIntervalBytes: config.indexIntervalBytes)
            if !former.isSound { promise = later[index].baseOffset }
        }
        return promise
    }

    /// - Throws: when what follows a hole may have been promised, so that it must not be taken for what a crash has left.
    func checkHole(from end: Int64, in later: ArraySlice<LogSegment>) throws(LogFault) {
        guard let next = later.first, next.baseOffset > end, mayHavePromised(later) else { return }
        throw .damaged(
            path: folder.path + "/" + SegmentFileKind.log.fileName(baseOffset: next.baseOffset), position: 0,
            reason: "the offsets \(end) to \(next.baseOffset - 1) in front of it are missing")
    }
}
