/// Where the last appends to the active segment begin, so that who reads at the tail, offset after offset, needs neither
/// the index nor a look into the file.
struct TailMarks: Sendable {
    struct Mark: Sendable {
        var offset: Int64
        var position: Int64
        /// Milliseconds of the monotonic clock.
        var appendedMs: Int64
    }

    private static let capacity = 64
    private var marks: [Mark] = []
    private var oldest = 0

    mutating func add(_ mark: Mark) {
        if marks.count < TailMarks.capacity {
            marks.append(mark)
        } else {
            marks[oldest] = mark
            oldest = (oldest + 1) % TailMarks.capacity
        }
    }

    mutating func removeAll() {
        marks = []
        oldest = 0
    }

    private subscript(_ index: Int) -> Mark { marks[(oldest + index) % marks.count] }

    /// The append that began with `offset`; nil when it is not remembered.
    func mark(of offset: Int64) -> Mark? {
        guard let index = last(where: { $0.offset <= offset }), self[index].offset == offset else { return nil }
        return self[index]
    }

    /// The last remembered beginning at or before `position`.
    func boundary(atOrBefore position: Int64) -> Int64? {
        last(where: { $0.position <= position }).map { self[$0].position }
    }

    private func last(where matches: (Mark) -> Bool) -> Int? {
        var low = 0
        var high = marks.count
        while low < high {
            let middle = (low + high) / 2
            if matches(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }
}
