/// What waits until that is kept of which it tells, in the order in which it was given out.
struct CoordinatorHeldEffects {
    private var rows: [(endOffset: Int64, flushedTo: Int64, effects: [CoordinatorEffect])] = []

    var isEmpty: Bool { rows.isEmpty }

    /// - Parameters:
    ///   - endOffset: what the high watermark has to reach.
    ///   - flushedTo: up to where the log has to be on stable storage.
    mutating func add(_ effects: [CoordinatorEffect], endOffset: Int64, flushedTo: Int64) {
        rows.append((endOffset, flushedTo, effects))
    }

    /// Takes out the first that need not wait any more.
    mutating func next(highWatermark: Int64, flushedOffset: Int64) -> [CoordinatorEffect]? {
        guard let first = rows.first, first.endOffset <= highWatermark, first.flushedTo <= flushedOffset else {
            return nil
        }
        rows.removeFirst()
        return first.effects
    }

    /// Up to where the log has to be on stable storage before the first can go; nil when it is, or need not be.
    func awaitedFlush(_ flushedOffset: Int64) -> Int64? {
        rows.first.flatMap { $0.flushedTo > flushedOffset ? $0.flushedTo : nil }
    }

    /// - Returns: all that waited.
    mutating func removeAll() -> [CoordinatorEffect] {
        defer { rows = [] }
        return rows.flatMap(\.effects)
    }
}
