import Synchronization

@testable import KCore

/// The steps that one log takes part in.
extension Simulation {
    func flush(_ log: Log) throws {
        guard var model = models[log.topicPartition] else { return }
        let end = log.logEndOffset
        let isDone = try excusing(log, leaves: .whole) { try log.flush() }
        guard isDone else { return }
        model = models[log.topicPartition] ?? model
        if !failedDirectories.contains(directory(of: log)) { model.promisedEnd = max(model.promisedEnd, end) }
        models[log.topicPartition] = model
    }

    func retain(_ log: Log, _ random: inout SimulatedDisk.Random) throws {
        if random.oneIn(2) {
            log.highWatermark = Int64.random(in: log.logStartOffset...log.logEndOffset, using: &random)
        }
        models[log.topicPartition]?.willRetain(log)
        isRetaining = true
        defer { isRetaining = false }
        try excusing(log, leaves: .whole) { try log.deleteOldSegments(nowMs: clock.wallMs) }
        try noticeRetention()
    }

    /// Takes over what retention has removed, if it may.
    func noticeRetention() throws {
        if disk.isDead { return }
        for log in partitions.compactMap({ log($0) }) {
            guard let model = models[log.topicPartition], model.truncation == nil,
                log.logStartOffset > model.startOffset
            else { continue }
            let start = log.logStartOffset
            guard start <= model.allowedStart else {
                throw SimulationFailure(
                    "\(log.topicPartition) begins at \(start) and nobody asked for more than \(model.allowedStart)")
            }
            models[log.topicPartition]?.didAdvance(to: start)
            // The files have their new names for good.
            if !log.isOffline && !isShort && !failedDirectories.contains(directory(of: log)) && !isNested {
                models[log.topicPartition]?.promisedStart = max(model.promisedStart, log.firstSegmentOffset)
            }
        }
    }

    func truncate(_ log: Log, _ random: inout SimulatedDisk.Random) throws {
        guard let model = models[log.topicPartition] else { return }
        let lowest = max(0, log.firstSegmentOffset)
        // What is cleaned was below the high watermark, where no follower cuts: older values of what is cut would be gone.
        let least = max(random.oneIn(4) ? lowest : log.logStartOffset, model.cleaning.decidedEnd)
        let offset = Int64.random(in: min(least, log.logEndOffset)...log.logEndOffset, using: &random)
        var point = model.cutPoint(offset)
        if model.wasCleaned || model.hasGaps || offset <= model.startOffset {
            // The model does not know which batches are left, and where the last of them ends; nor those of deleted records.
            let segments = log.published.withLock { $0.segments }
            point = min(point, (try? Log.endOfCut(segments, offset)) ?? 0)
        }
        tell("    to \(offset), that is to \(point)")
        if offset <= lowest && offset < log.logEndOffset {
            models[log.topicPartition]?.restart = offset
        }
        models[log.topicPartition]?.willTruncate(to: point)
        var cut = false
        guard try excusing(log, { cut = try log.truncate(to: offset) }) else { return }
        models[log.topicPartition]?.restart = nil
        models[log.topicPartition]?.truncation = nil
        if !cut { return }
        // A checkpoint may say it still.
        if isShort { models[log.topicPartition]?.staleStart = max(model.startOffset, model.staleStart) }
        if offset <= lowest {
            models[log.topicPartition]?.didRestart(at: offset)
        } else {
            // Where the model does not know what was there, the log's own word must do.
            let isKnown = offset > model.startOffset && !model.hasGaps && !model.wasCleaned
            models[log.topicPartition]?.didTruncate(to: isKnown ? point : log.logEndOffset)
        }
        log.highWatermark = log.logEndOffset
    }

    func truncateFully(_ log: Log, _ random: inout SimulatedDisk.Random) throws {
        let offset = random.oneIn(2) ? log.logEndOffset + Int64(random.int(0...20)) : Int64(random.int(0...100))
        tell("    begin anew at \(offset)")
        models[log.topicPartition]?.restart = offset
        models[log.topicPartition]?.willTruncate(to: 0)
        guard try excusing(log, { try log.truncateFullyAndStart(at: offset) }) else { return }
        models[log.topicPartition]?.didRestart(at: offset)
        log.highWatermark = log.logEndOffset
    }
}

extension LogModel {
    /// The log says what is safe; it is taken at its word.
    mutating func notice(_ log: Log) { promisedEnd = max(promisedEnd, min(log.recoveryPoint, endOffset)) }

    /// Everything is on stable storage.
    mutating func didFlush(_ log: Log) {
        promisedEnd = endOffset
        promisedStart = startOffset
    }

    /// Segments may go, if the topic's settings say so.
    mutating func willRetain(_ log: Log?) {
        guard let log else { return }
        let isDeleting =
            config.cleanupPolicy.contains(.delete) && (config.retentionBytes >= 0 || config.retentionMs >= 0)
        if isDeleting { mayAdvance(to: min(log.highWatermark, log.logEndOffset)) }
    }
}
