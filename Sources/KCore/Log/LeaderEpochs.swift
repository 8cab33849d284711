/// Which leader epoch began at which offset, ascending in both; what lets a follower find where its log left the leader's
/// (KIP-101). Kept in `leader-epoch-checkpoint`.
struct LeaderEpochs: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        var epoch: Int32
        var startOffset: Int64
    }

    static let fileName = "leader-epoch-checkpoint"

    private(set) var entries: [Entry] = []
    /// Changed since it was last written.
    var isDirty = false

    init() {}

    var latest: Int32? { entries.last?.epoch }

    /// Notes that records of `epoch` begin at `startOffset`. Entries that this contradicts are dropped.
    mutating func assign(_ epoch: Int32, startOffset: Int64) {
        guard epoch >= 0 else { return }
        if let last = entries.last, last.epoch == epoch, last.startOffset <= startOffset { return }
        entries.removeAll { $0.epoch >= epoch || $0.startOffset >= startOffset }
        entries.append(Entry(epoch: epoch, startOffset: startOffset))
        isDirty = true
    }

    /// The largest epoch that is at most `epoch`, and the offset where it ended.
    /// - Parameter leading: the leader's, which begins at the end when it has no records; -1 for none.
    /// - Returns: nil when nothing is known of such an epoch.
    func endOffset(of epoch: Int32, leading: Int32, logEndOffset: Int64) -> (epoch: Int32, endOffset: Int64)? {
        let current = max(leading, latest ?? -1)
        guard epoch >= 0, epoch <= current else { return nil }
        if epoch == current { return (epoch, logEndOffset) }
        // Everything from before the first known epoch ended where that one begins.
        guard let index = entries.lastIndex(where: { $0.epoch <= epoch }) else {
            return (epoch, entries.first?.startOffset ?? logEndOffset)
        }
        return (entries[index].epoch, index + 1 < entries.count ? entries[index + 1].startOffset : logEndOffset)
    }

    /// The epoch of the record at `offset`.
    func epoch(at offset: Int64) -> Int32? { entries.last { $0.startOffset <= offset }?.epoch }

    mutating func truncateEnd(to offset: Int64) {
        guard let last = entries.last, last.startOffset >= offset else { return }
        entries.removeAll { $0.startOffset >= offset }
        isDirty = true
    }

    /// Forgets what was before `offset`; the epoch that `offset` belongs to then begins there.
    mutating func truncateStart(to offset: Int64) {
        guard let first = entries.first, first.startOffset < offset else { return }
        let covering = epoch(at: offset)
        entries.removeAll { $0.startOffset <= offset }
        if let covering { entries.insert(Entry(epoch: covering, startOffset: offset), at: 0) }
        isDirty = true
    }

    // MARK: File

    init(reading contents: Bytes) throws(CheckpointFile.Malformed) {
        var entries: [Entry] = []
        try CheckpointFile.leaderEpochs(contents) { entries.append($0) }
        self.entries = entries
    }

    var contents: Bytes { CheckpointFile.write(entries.map { "\($0.epoch) \($0.startOffset)" }) }
}
