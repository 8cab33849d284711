/// Which files of the metadata log are no longer wanted (KIP-630): old snapshots go while there is a newer one, and
/// segments go with the last snapshot that needs them.
struct MetadataRetention {
    struct Snapshot: Equatable {
        var name: MetadataSnapshot
        var bytes: Int64
        /// Milliseconds since 1970.
        var writtenMs: Int64
    }

    /// `metadata.max.retention.bytes`; below 0: no limit.
    var maxBytes: Int64
    /// `metadata.max.retention.ms`; below 0: no limit.
    var maxMs: Int64

    /// Where the log is to begin, and with which snapshots.
    /// - Parameters:
    ///   - snapshots: in the order of their offsets.
    ///   - segments: base offset and bytes, in order.
    func kept(
        _ snapshots: [Snapshot], segments: [(baseOffset: Int64, bytes: Int64)], nowMs: Int64
    ) -> (startOffset: Int64, snapshots: [MetadataSnapshot]) {
        var rest = snapshots[...]
        var start: Int64 = 0
        while let oldest = rest.first, let next = rest.dropFirst().first {
            let total =
                rest.reduce(0) { $0 + $1.bytes }
                + segments.indices.reduce(0) {
                    MetadataRetention.isNeeded(segments, $1, from: start) ? $0 + segments[$1].bytes : $0
                }
            let isTooMuch = maxBytes >= 0 && total > maxBytes
            let isTooOld = maxMs >= 0 && nowMs - oldest.writtenMs > maxMs
            guard isTooMuch || isTooOld else { break }
            rest.removeFirst()
            start = next.name.endOffset
        }
        return (start, rest.map(\.name))
    }

    /// Whether the segment has records from `start` on; the last one is always needed.
    static func isNeeded(_ segments: [(baseOffset: Int64, bytes: Int64)], _ index: Int, from start: Int64) -> Bool {
        index == segments.count - 1 || segments[index + 1].baseOffset > start
    }
}
