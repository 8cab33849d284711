/// What a connection knows of the part of a file that is next in its output.
struct ColdRead {
    /// The part is being read from the disk, and the output waits for it.
    var isUnderWay = false
    // What was in memory when it was last looked.
    var source: ObjectIdentifier?
    var range: Range<Int64> = 0..<0

    /// What is looked at, or read, at a time: little enough that what is read stays in memory until it is sent, and that
    /// many readers take turns.
    static let maxBytes = 1 << 20
}

extension Connection {
    /// How much of the region in front may be sent without waiting for a disk. When that is nothing, the region is read by
    /// another thread, one part at a time, and then the connection gets another turn.
    /// - Returns: bytes, at most `budget`.
    func inMemory(_ region: FileRegion, _ budget: Int) -> Int {
        guard let readers = loop.readers, region.inMemoryUntilMs <= loop.nowMs else {
            return min(region.count, budget)
        }
        if coldRead.isUnderWay { return 0 }
        let known = coldRead.source == ObjectIdentifier(region.source) && coldRead.range.contains(region.position)
        if !known {
            let count = min(region.count, ColdRead.maxBytes)
            if !region.source.isCached(at: region.position, count: count),
                load(region, count, region.readers ?? readers)
            {
                return 0
            }
            coldRead.source = ObjectIdentifier(region.source)
            coldRead.range = region.position..<region.position + Int64(count)
        }
        return min(Int(coldRead.range.upperBound - region.position), region.count, budget)
    }

    /// - Returns: false when there is nobody to read it any more.
    private func load(_ region: FileRegion, _ count: Int, _ readers: WorkerPool) -> Bool {
        coldRead.isUnderWay = readers.submit { [self] in
            region.source.load(at: region.position, count: count)
            loop.execute { self.loaded(region, count) }
        }
        return coldRead.isUnderWay
    }

    private func loaded(_ region: FileRegion, _ count: Int) {
        coldRead.isUnderWay = false
        coldRead.source = ObjectIdentifier(region.source)
        coldRead.range = region.position..<region.position + Int64(count)
        scheduleTurn()
    }
}
