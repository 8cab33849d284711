internal import Synchronization

/// Whether what an offset index says has been found to be true so far.
enum OffsetIndexState: UInt8, AtomicRepresentable {
    case trusted
    /// Positions are not those of batches, or there are too few entries: everything takes a scan of the segment.
    case wrong
    case beingRepaired
    /// There was no room for it, or too much was open.
    case repairedLater
}

extension LogSegment {
    /// Notes that the offset index is wrong and the log is not.
    func distrustOffsetIndex() {
        _ = offsetIndexState.compareExchange(expected: .trusted, desired: .wrong, ordering: .relaxed)
    }

    /// The entries that an index should have for the batches from `position` to `end`.
    /// - Parameter entries: those in front of it.
    fileprivate func collectEntries(
        _ entries: inout [OffsetIndex.Entry], from position: Int64, to end: Int64, interval: Int64
    ) throws(LogFault) {
        guard position < end else { return }
        entries += try scan(try file(), from: position, to: end, windowBytes: 8192) {
            (scanner) throws(LogFault) in
            var last = entries.last?.position ?? 0
            var found: [OffsetIndex.Entry] = []
            while let batch = try scanner.next() {
                guard batch.position - last > interval else { continue }
                found.append(OffsetIndex.Entry(offset: batch.lastOffset, position: batch.position))
                last = batch.position
            }
            return found
        }
    }
}

extension Log {
    /// More bytes than there are between two entries of an index in order, but for the batches there; an append can have several.
    var farFromIndexEntry: Int64 { 4 * Int64(config.indexIntervalBytes) + (4 << 20) }

    /// Has what could not be repaired tried again by the next reader that finds it wrong.
    func repairIndexesLater() {
        for segment in published.withLock({ $0.segments }) {
            _ = segment.offsetIndexState.compareExchange(
                expected: .repairedLater, desired: .trusted, ordering: .relaxed)
        }
    }

    /// Has a segment's offset index made anew in the background, if it was found to be wrong.
    func repairOffsetIndex(of segment: LogSegment) {
        guard segment.offsetIndexState.load(ordering: .relaxed) == .wrong else { return }
        let (isMine, _) = segment.offsetIndexState.compareExchange(
            expected: .wrong, desired: .beingRepaired, ordering: .relaxed)
        guard isMine else { return }
        environment.logger.warning(
            "an index is wrong and made anew",
            ["partition": topicPartition, "baseOffset": segment.baseOffset])
        environment.background { [self] in
            do throws(LogFault) {
                try makeOffsetIndexAnew(of: segment)
                segment.offsetIndexState.store(.trusted, ordering: .relaxed)
            } catch  where error.isMissingFile {
                // The segment is not part of the log any more.
            } catch {
                // Else not tried again before the next start: the log itself is damaged, or the disk.
                if case .disk(let error) = error, error.isHarmless {
                    segment.offsetIndexState.store(.repairedLater, ordering: .relaxed)
                }
                environment.logger.error(
                    "an index cannot be made anew", ["partition": topicPartition, "error": answer(to: error)])
            }
        }
    }

    private func makeOffsetIndexAnew(of segment: LogSegment) throws(LogFault) {
        let interval = Int64(config.indexIntervalBytes)
        let truncations = writer.withLock { $0.truncations }
        let seen = segment.size
        var entries: [OffsetIndex.Entry] = []
        try segment.collectEntries(&entries, from: 0, to: seen, interval: interval)
        let index = segment.files.offsetIndex
        try writer.withLock { (writer) throws(LogFault) in
            guard !writer.isClosed, writer.truncations == truncations,
                writer.segments.contains(where: { $0 === segment })
            else { return }
            // What was appended meanwhile.
            try segment.collectEntries(&entries, from: seen, to: segment.size, interval: interval)
            try onDisk { () throws(DiskError) in
                try index.file.truncate(toCount: 0)
                for entry in entries { try index.append(offset: entry.offset, position: entry.position) }
                try index.file.write()
            }
            writer.savedEnd = nil
        }
        try onDisk { () throws(DiskError) in try index.file.sync() }
    }
}
