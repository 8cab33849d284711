internal import Synchronization

extension Log {
    /// What a pass over the log finds out for its transaction indexes.
    private struct Rebuild: Sendable {
        var producers: ProducerStates
        /// By the base offsets of the segments that they ended in.
        var aborted: [Int64: [AbortedTransaction]] = [:]
        /// Up to where the log has been read.
        var end: Int64

        mutating func read(_ segments: [LogSegment], to newEnd: Int64) throws(LogFault) {
            guard end < newEnd else { return }
            for segment in segments[(segmentIndex(segments, for: end) ?? 0)...] where segment.baseOffset < newEnd {
                aborted[segment.baseOffset, default: []] += try replay(
                    segment, from: end, to: newEnd, into: &producers)
            }
            end = newEnd
        }
    }

    /// Passes over what was appended during the one before, until there is little left to do under the writer's lock.
    private static let rebuildPasses = 4

    /// Makes the transaction indexes from `segment` on anew, after one of them was found damaged. Appends go on meanwhile:
    /// only what comes during the last pass is read under the writer's lock, and the indexes are written.
    func rebuildTransactionIndexes(from segment: LogSegment) throws(LogFault) {
        // Nothing is removed or exchanged while it is read.
        try rearranging.withLock { (_) throws(LogFault) in
            guard var rebuild = try beginRebuild(from: segment) else { return }
            let start = segment.baseOffset
            for _ in 0..<Log.rebuildPasses {
                let (segments, end) = published.withLock { ($0.segments, $0.endOffset) }
                try rebuild.read(segments, to: end)
            }
            try writer.withLock { (writer) throws(LogFault) in
                if writer.isClosed { return }
                try rebuild.read(writer.segments, to: writer.endOffset)
                // Who reads an index meanwhile does so again.
                indexRebuilds.add(1, ordering: .acquiringAndReleasing)
                defer { indexRebuilds.add(1, ordering: .acquiringAndReleasing) }
                for segment in writer.segments where segment.baseOffset >= start {
                    let aborted = rebuild.aborted[segment.baseOffset] ?? []
                    try onDisk { () throws(DiskError) in try segment.replaceAborted(with: aborted) }
                }
                writer.savedEnd = nil
                writer.hasNewFiles = true
            }
        }
    }

    /// - Returns: nil when the segment is not part of the log any more.
    private func beginRebuild(from segment: LogSegment) throws(LogFault) -> Rebuild? {
        let segments = published.withLock { $0.segments }
        guard segments.contains(where: { $0 === segment }) else { return nil }
        let start = segment.baseOffset
        let path = folder.path + "/" + SegmentFileKind.producerSnapshot.fileName(baseOffset: start)
        let contents = try onDisk { () throws(DiskError) in try environment.disk.readFile(path) }
        if let snapshot = contents.flatMap({ ProducerSnapshot.read($0, endOffset: start) }) {
            return Rebuild(producers: snapshot, end: start)
        }
        var rebuild = Rebuild(producers: ProducerStates(), end: segments.first?.baseOffset ?? start)
        try rebuild.read(segments, to: start)
        rebuild.aborted = [:]
        return rebuild
    }

    /// What `collect` reads from transaction indexes, read anew when they were being made anew.
    func settled<R>(_ collect: () throws(LogFault) -> R) throws(LogFault) -> R {
        while true {
            let before = indexRebuilds.load(ordering: .acquiring)
            if before % 2 == 1 {
                // They are being written, under this lock.
                writer.withLock { _ in }
                continue
            }
            let result: Result<R, LogFault>
            do throws(LogFault) { result = .success(try collect()) } catch { result = .failure(error) }
            if indexRebuilds.load(ordering: .acquiring) == before { return try result.get() }
        }
    }
}

extension LogSegment {
    fileprivate func replaceAborted(with aborted: [AbortedTransaction]) throws(DiskError) {
        let index = files.transactionIndex
        lastAbortedEnd.store(aborted.last?.lastOffset ?? -1, ordering: .releasing)
        try index.file.truncate(toCount: 0)
        guard !aborted.isEmpty else { return }
        for entry in aborted { try index.append(entry) }
        try index.file.write()
    }
}
