/// Which records a batch holds, by their numbers in the order of sends: runs of numbers that follow each other, so that
/// a batch of one stream takes a few bytes and a batch of scattered records eight bytes a record.
struct RecordSerials: Sendable {
    private struct Run: Sendable {
        /// Counted from `base`.
        var start: UInt32
        var count: UInt32
    }

    private var base: Int64 = 0
    private var runs: [Run] = []
    // The run that grows is kept out of the array, because appending to it happens for every record.
    private var start: Int64 = 0
    private var end: Int64 = 0

    private(set) var count = 0

    /// - Parameter serial: larger than all before it, by less than 2^32.
    @inline(__always)
    mutating func append(_ serial: Int64) {
        if serial == end && count > 0 {
            end &+= 1
        } else {
            begin(serial)
        }
        count &+= 1
    }

    /// Appends `serial` and those that follow it, `number` in all.
    mutating func append(_ serial: Int64, count number: Int) {
        guard number > 0 else { return }
        append(serial)
        end += Int64(number - 1)
        count += number - 1
    }

    private mutating func begin(_ serial: Int64) {
        if count == 0 {
            base = serial
        } else {
            runs.append(Run(start: UInt32(start - base), count: UInt32(end - start)))
        }
        start = serial
        end = serial &+ 1
    }

    func visit(_ body: (_ index: Int, _ serial: Int64) -> Void) {
        guard count > 0 else { return }
        var index = 0
        for run in runs {
            for serial in 0..<Int64(run.count) {
                body(index, base + Int64(run.start) + serial)
                index += 1
            }
        }
        for serial in start..<end {
            body(index, serial)
            index += 1
        }
    }

    /// The numbers of the records `range`, counted in the batch.
    func slice(_ range: Range<Int>) -> RecordSerials {
        var result = RecordSerials()
        visit { index, serial in if range.contains(index) { result.append(serial) } }
        return result
    }
}
