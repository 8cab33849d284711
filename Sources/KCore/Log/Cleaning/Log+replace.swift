internal import Synchronization

extension Log {
    /// Puts a cleaned segment, which is on stable storage, in the place of those that it was made of.
    ///
    /// A crash at any moment leaves either the old segments or the new one: the new one is `.swap` before the old ones get
    /// names of their own, and a start completes a swap (see ``SwapFiles``). Readers that hold an old segment finish with
    /// the files that they have open.
    /// - Parameters:
    ///   - truncations: how often the log had been truncated when the cleaning began.
    ///   - willReplace: called when the new segment is part of the log: from then on its files must not be removed,
    ///     whatever fails.
    /// - Returns: false when the log is not what was cleaned any more; nothing has changed then.
    /// - Throws: KAFKA_STORAGE_ERROR. Once the new segment is part of the log, every error takes the directory offline:
    ///   half a swap is completed by the next start, and by nothing else.
    func replace(
        _ old: [LogSegment], with new: LogSegment, truncations: Int, willReplace: () -> Void
    ) throws(LogError) -> Bool {
        try rearranging.withLock { (_) throws(LogError) in
            guard let first = old.first, stillHas(old, truncations) else { return false }
            do throws(DiskError) {
                try new.rename(to: .swap)
                try folder.sync()
            } catch {
                throw answer(to: error)
            }
            willReplace()
            writer.withLock { writer in
                guard let index = writer.segments.firstIndex(where: { $0 === first }) else { return }
                writer.segments.replaceSubrange(index..<index + old.count, with: [new])
                publish(writer)
            }
            do throws(DiskError) {
                // Segments that begin elsewhere take their producer snapshots with them.
                for segment in old {
                    removeLater(try segment.markDeleted(keepingSnapshot: segment.baseOffset == new.baseOffset))
                }
                try folder.sync()
                try new.rename(to: .regular)
                try new.files.transactionIndex.file.removeIfEmpty()
                try folder.sync()
            } catch {
                throw environment.directory.fail(error)
            }
            return true
        }
    }

    /// Whether the segments are this log's, one behind the other, and the last of them is not appended to.
    private func stillHas(_ segments: [LogSegment], _ truncations: Int) -> Bool {
        writer.withLock { writer in
            guard !writer.isClosed, writer.truncations == truncations, let first = segments.first,
                let index = writer.segments.firstIndex(where: { $0 === first }),
                index + segments.count < writer.segments.count
            else { return false }
            return zip(writer.segments[index...], segments).allSatisfy { $0 === $1 }
        }
    }

    /// What is left of segments that are being cleaned: retention removes the oldest at any time.
    /// - Returns: nil when something else has become of them.
    func remaining(of segments: [LogSegment], truncations: Int) -> [LogSegment]? {
        writer.withLock { writer in
            guard !writer.isClosed, writer.truncations == truncations, let first = writer.segments.first else {
                return nil
            }
            // Not by their offsets: another segment may begin where one of these began.
            let isThere = segments.first { $0.baseOffset >= first.baseOffset }
            guard let isThere, let start = segments.firstIndex(where: { $0 === isThere }) else { return [] }
            if start > 0 && isThere !== first { return nil }
            return writer.segments.contains { $0 === isThere } ? Array(segments[start...]) : nil
        }
    }

    /// The segments below `endOffset`, and how often the log has been truncated.
    func segmentsToClean(below endOffset: Int64) -> (segments: [LogSegment], truncations: Int) {
        writer.withLock { writer in
            (Array(writer.segments.dropLast().prefix { $0.baseOffset < endOffset }), writer.truncations)
        }
    }
}
