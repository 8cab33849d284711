import Synchronization

@testable import KCore

extension LogChecker {
    private struct Place {
        var baseOffset: Int64
        var lastOffset: Int64
    }

    /// Every entry of every index must say what a scan of the segment says.
    func checkIndexes() throws {
        let segments = log.published.withLock { $0.segments }
        for (number, segment) in segments.enumerated() {
            let size = segment.size
            var places: [Int64: Place] = [:]
            var times: [(last: Int64, largest: Int64)] = []
            var largest: Int64 = -1
            try BatchScanner.scan(try segment.file(), from: 0, to: size) { (scanner) throws(LogFault) in
                while let batch = try scanner.next() {
                    places[batch.position] = Place(baseOffset: batch.baseOffset, lastOffset: batch.lastOffset)
                    largest = max(largest, batch.maxTimestamp)
                    times.append((batch.lastOffset, largest))
                }
            }
            let end = number + 1 < segments.count ? segments[number + 1].baseOffset : log.logEndOffset
            try checkOffsets(of: segment, places, end: end)
            try checkTimes(of: segment, times)
            let known = try segment.largestEntry().timestamp
            if known != largest {
                throw SimulationFailure("\(segment.files.log.path): the largest timestamp is \(largest), not \(known)")
            }
        }
    }

    private func checkOffsets(of segment: LogSegment, _ places: [Int64: Place], end: Int64) throws {
        let index = segment.files.offsetIndex
        var last = OffsetIndex.Entry(offset: -1, position: -1)
        for entry in try index.entries(0..<index.file.count()) {
            guard let place = places[entry.position], entry.offset >= place.lastOffset, entry.offset < end,
                entry.offset > last.offset, entry.position > last.position
            else { throw SimulationFailure("\(index.file.path): \(entry) points at no batch, behind \(last)") }
            last = entry
        }
    }

    private func checkTimes(of segment: LogSegment, _ times: [(last: Int64, largest: Int64)]) throws {
        let index = segment.files.timeIndex
        var last = TimeIndex.Entry(timestamp: -1, offset: -1)
        for entry in try index.entries(0..<index.file.count()) {
            let seen = times.last { $0.last <= entry.offset }?.largest ?? -1
            guard entry.timestamp > last.timestamp, entry.offset >= last.offset, seen <= entry.timestamp,
                times.contains(where: { $0.largest >= entry.timestamp })
            else {
                throw SimulationFailure("\(index.file.path): \(entry) is wrong, behind \(last), and \(seen) was seen")
            }
            last = entry
        }
    }
}
