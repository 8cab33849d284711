internal import Synchronization

/// Where files were found to be damaged while they were read.
struct DamagedPlaces: Sendable {
    /// More than this many places are not told apart: a file of nonsense has one at every step.
    private static let limit = 100

    private var known: Set<String> = []

    /// - Returns: whether it is to be told: once for each place.
    mutating func add(_ path: String, _ position: Int64) -> Bool {
        known.count < DamagedPlaces.limit && known.insert("\(path):\(position)").inserted
    }
}

extension Log {
    /// The answer to who reads. Damage is told with CORRUPT_MESSAGE, by which clients know that waiting does not help, and
    /// is logged once for each place.
    func answer(toReading fault: LogFault) -> LogError {
        guard case .damaged(let path, let position, let reason) = fault else { return answer(to: fault) }
        if damagedPlaces.withLock({ $0.add(path, position) }) {
            environment.logger.error(
                "a log is damaged, and its records cannot be read there",
                ["partition": topicPartition, "path": path, "position": position, "reason": reason])
        }
        return LogError(.corruptMessage, fault.description)
    }

    /// A reader came to the end of a segment and did not find the offset that is next. In a log that was never compacted that
    /// is a loss: a file that is gone with all that tells of it. It is logged once, and readers go on behind it.
    func noteHole(at offset: Int64, between segment: LogSegment, and next: LogSegment) {
        guard hasNoGaps else { return }
        // One that is being cut off ends early, too.
        let areThere = published.withLock { published in
            zip(published.segments, published.segments.dropFirst()).contains { $0 === segment && $1 === next }
        }
        let path = next.folder.path + "/" + SegmentFileKind.log.fileName(baseOffset: next.baseOffset)
        guard areThere, damagedPlaces.withLock({ $0.add(path, -1) }) else { return }
        environment.logger.error(
            "records are missing in front of a segment",
            ["partition": topicPartition, "path": path, "from": offset, "to": next.baseOffset - 1])
    }

    /// The same where the next batch of the segment begins behind the offset.
    func noteHole(at offset: Int64, in segment: LogSegment, inFrontOf batch: StoredBatch) {
        // Of a message set in an old format only the last offset is known.
        guard batch.header != nil, batch.baseOffset > offset, hasNoGaps else { return }
        let path = segment.files.log.path
        guard damagedPlaces.withLock({ $0.add(path, batch.position) }) else { return }
        environment.logger.error(
            "records are missing in front of a batch",
            [
                "partition": topicPartition, "path": path, "position": batch.position, "from": offset,
                "to": batch.baseOffset - 1,
            ])
    }

    /// Whether offsets follow each other: it was never compacted.
    private var hasNoGaps: Bool {
        !config.cleanupPolicy.contains(.compact) && cleanedOffset.load(ordering: .acquiring) < 0
    }

    /// Where the batch begins that holds `offset`, or what is in its place; nil when that cannot be found out.
    func place(of offset: Int64) -> (path: String, position: Int64)? {
        let segments = published.withLock { $0.segments }
        guard let index = Log.segmentIndex(segments, for: offset) else { return nil }
        let segment = segments[index]
        do throws(LogFault) {
            guard let batch = try segment.firstBatch(endingAtOrAfter: offset, end: segment.size) else { return nil }
            return (segment.files.log.path, batch.position)
        } catch .damaged(let path, let position, _) {
            return (path, position)
        } catch {
            return nil
        }
    }
}
