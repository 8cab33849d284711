internal import Synchronization

/// A part of a segment that the kernel is to begin to write.
struct WriteBehind: Sendable {
    var segment: LogSegment
    var start: Int64
    var count: Int64
}

extension Log {
    /// Notes that the active segment has grown to `size`.
    /// - Returns: what is to be handed to ``start(_:)``, outside of the writer's lock, once there is enough of it and the
    ///   last part is on its way.
    func planWriteBehind(_ segment: LogSegment, size: Int64, _ writer: inout Writer) -> WriteBehind? {
        if size < writer.writtenBehind { writer.writtenBehind = 0 }
        let count = size - writer.writtenBehind
        guard count >= environment.writeBehindBytes, !isWritingBehind.exchange(true, ordering: .acquiringAndReleasing)
        else { return nil }
        defer { writer.writtenBehind = size }
        return WriteBehind(segment: segment, start: writer.writtenBehind, count: count)
    }

    /// Has the kernel begin to write, on a thread that may wait for it: without this it collects gigabytes, and then makes
    /// the producers wait while it writes them all.
    func start(_ part: WriteBehind) {
        environment.writeBehind { [self] in
            // An error comes again with the fsync, which does not overlook it.
            try? part.segment.startWriteback(at: part.start, count: part.count)
            isWritingBehind.store(false, ordering: .releasing)
        }
    }
}
