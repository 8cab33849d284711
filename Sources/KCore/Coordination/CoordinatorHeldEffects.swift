/// What waits until that is kept of which it tells, in the order in which it was given out.
struct CoordinatorHeldEffects {
    private typealias Row = (endOffset: Int64, flushedTo: Int64, effects: [CoordinatorEffect])

    private var rows: [Row] = []
    /// Those before it have been taken out: as long as a disk does not answer there may be many of them.
    private var taken = 0

    var isEmpty: Bool { taken == rows.count }
    private var first: Row? { isEmpty ? nil : rows[taken] }

    /// - Parameters:
    ///   - endOffset: what the high watermark has to reach.
    ///   - flushedTo: up to where the log has to be on stable storage.
    mutating func add(_ effects: [CoordinatorEffect], endOffset: Int64, flushedTo: Int64) {
        rows.append((endOffset, flushedTo, effects))
    }

    /// Takes out the first that need not wait any more.
    mutating func next(highWatermark: Int64, flushedOffset: Int64) -> [CoordinatorEffect]? {
        guard let first, first.endOffset <= highWatermark, first.flushedTo <= flushedOffset else { return nil }
        rows[taken].effects = []
        taken += 1
        if taken * 2 >= rows.count {
            rows.removeFirst(taken)
            taken = 0
        }
        return first.effects
    }

    /// Up to where the log has to be on stable storage before the first can go; nil when it is, or need not be.
    func awaitedFlush(_ flushedOffset: Int64) -> Int64? {
        first.flatMap { $0.flushedTo > flushedOffset ? $0.flushedTo : nil }
    }

    /// - Returns: all that waited.
    mutating func removeAll() -> [CoordinatorEffect] {
        defer { (rows, taken) = ([], 0) }
        return rows.flatMap(\.effects)
    }
}
