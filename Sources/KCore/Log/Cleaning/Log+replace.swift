internal import Synchronization

/// A cleaned segment that is part of the log, with those that it was made of, whose files may still have their names.
struct UnfinishedSwap: Sendable {
    var old: [LogSegment]
    var new: LogSegment
}

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
    /// - Throws: KAFKA_STORAGE_ERROR. Half a swap for which there was no room is completed before anything else is done with
    ///   the log's segments, or by the next start.
    func replace(
        _ old: [LogSegment], with new: LogSegment, truncations: Int, willReplace: () -> Void
    ) throws(LogError) -> Bool {
        try rearranging.withLock { (_) throws(LogError) in
            try finishSwap()
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
                writer.unfinishedSwap = UnfinishedSwap(old: old, new: new)
                publish(writer)
            }
            try finishSwap()
            return true
        }
    }

    /// Gives the files of a segment that is part of the log the names that they should have. With `rearranging` held.
    func finishSwap() throws(LogError) {
        guard let swap = writer.withLock({ $0.unfinishedSwap }) else { return }
        do throws(DiskError) {
            // Segments that begin elsewhere take their producer snapshots with them.
            for segment in swap.old {
                removeLater(try segment.markDeleted(keepingSnapshot: segment.baseOffset == swap.new.baseOffset))
            }
            try folder.sync()
            try swap.new.rename(to: .regular)
            try swap.new.files.transactionIndex.file.removeIfEmpty()
            try folder.sync()
        } catch {
            throw answer(to: error)
        }
        writer.withLock { $0.unfinishedSwap = nil }
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
