/// Which segments become one: as many as fit, in order. Cleaning makes segments smaller, and many small ones cost files.
enum SegmentGroups {
    /// - Parameters:
    ///   - endOffset: where the last of `segments` ends.
    static func make(
        _ segments: [LogSegment], endOffset: Int64, config: LogConfig
    ) throws(LogFault) -> [[LogSegment]] {
        var groups: [[LogSegment]] = []
        var group: [LogSegment] = []
        var total = Sizes()
        for (index, segment) in segments.enumerated() {
            let files = segment.files
            let sizes = Sizes(
                log: segment.size,
                offsetEntries: try onDisk { () throws(DiskError) in try files.offsetIndex.file.count() },
                timeEntries: try onDisk { () throws(DiskError) in try files.timeIndex.file.count() })
            let end = index + 1 < segments.count ? segments[index + 1].baseOffset : endOffset
            if let first = group.first, !total.fits(sizes, config) || end - 1 - first.baseOffset > Int64(Int32.max) {
                groups.append(group)
                group = []
                total = Sizes()
            }
            group.append(segment)
            total.add(sizes)
        }
        if !group.isEmpty { groups.append(group) }
        return groups
    }

    private struct Sizes {
        var log: Int64 = 0
        var offsetEntries = 0
        var timeEntries = 0

        func fits(_ other: Sizes, _ config: LogConfig) -> Bool {
            log + other.log <= Int64(config.segmentBytes)
                && offsetEntries + other.offsetEntries <= config.maxOffsetIndexEntries
                && timeEntries + other.timeEntries <= config.maxTimeIndexEntries
        }

        mutating func add(_ other: Sizes) {
            log += other.log
            offsetEntries += other.offsetEntries
            timeEntries += other.timeEntries
        }
    }
}
