/// An index whose log file is not there.
struct OrphanedIndex: Sendable {
    var baseOffset: Int64
    var name: String
}

extension LogLoader {
    /// Finds out why there are indexes without a log file, and removes them where that is no loss: a crash leaves them behind a
    /// log that was about to go on, and in front of one that was made shorter; then their log file is there by another name.
    ///
    /// In a log that was never compacted offsets follow each other. Where they do not, and the index of what would be between
    /// is there, its segment had been, too: the log is refused with everything as it is, so that nobody takes the hole for the
    /// truth. Who has no copy of the file removes the index, and goes on without these records.
    /// - Parameter deleted: names of log files that wait to be removed. They are removed last.
    /// - Throws: damage, with the path of the file that is missing.
    func settle(_ orphans: [OrphanedIndex], deleted: [String], _ segments: [LogSegment]) throws(LogFault) {
        if !orphans.isEmpty { try remove(orphans, deleted, segments) }
        try onDisk { () throws(DiskError) in
            for name in deleted { try folder.disk.remove(folder.path + "/" + name) }
        }
    }

    private func remove(_ orphans: [OrphanedIndex], _ deleted: [String], _ segments: [LogSegment]) throws(LogFault) {
        if !config.cleanupPolicy.contains(.compact) && cleanedOffset < 0 {
            for base in Set(orphans.map(\.baseOffset)).sorted() {
                let name = SegmentFileKind.log.fileName(baseOffset: base) + SegmentFileKind.deletedSuffix
                if !deleted.contains(name) { try check(base, segments) }
            }
        }
        environment.logger.warning(
            "indexes without a log file are removed",
            ["partition": topicPartition, "files": orphans.map(\.name).sorted().joined(separator: ",")])
        try onDisk { () throws(DiskError) in
            for orphan in orphans { try folder.disk.remove(folder.path + "/" + orphan.name) }
            // Before what tells where they came from.
            try folder.sync()
        }
    }

    private func check(_ base: Int64, _ segments: [LogSegment]) throws(LogFault) {
        // Behind the last one it is the recovery point that tells.
        guard let index = segments.firstIndex(where: { $0.baseOffset > base }) else { return }
        let next = segments[index].baseOffset
        var end = max(base, startOffset)
        if index > 0 {
            // What a crash has taken above the recovery point was never promised.
            guard wasCleanStop || next <= recoveryPoint, let last = try lastBatch(segments[index - 1]) else { return }
            end = last.lastOffset + 1
        }
        guard end < next else { return }
        throw .damaged(
            path: folder.path + "/" + SegmentFileKind.log.fileName(baseOffset: base), position: 0,
            reason:
                "the file is missing, and with it the offsets \(end) to \(next - 1), but an index of it is there. "
                + "Restore the file, or remove all of its indexes to go on without these records")
    }

    // Nil when it cannot be read, of which others tell.
    func lastBatch(_ segment: LogSegment) throws(LogFault) -> StoredBatch? {
        do throws(LogFault) {
            return try segment.lastBatch()
        } catch .damaged {
            return nil
        }
    }
}
