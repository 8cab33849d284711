/// The segment that a group of segments becomes, while it is written: files with the suffix `.cleaned`, and batches on
/// their way there in a buffer.
final class CleanedSegment {
    let segment: LogSegment
    private let file: any DiskFile
    private let indexIntervalBytes: Int64
    private var memory: ByteStorage
    private var used = 0
    private var written: Int64 = 0
    private var writtenBehind: Int64 = 0
    private static let writeBehindBytes: Int64 = 8 << 20
    private var largest: TimeIndex.Entry
    private var lastTimeEntry: TimeIndex.Entry?
    private var lastIndexedPosition: Int64 = 0

    /// - Parameter bufferBytes: written at a time. Memory grows with a batch that is larger.
    init(
        _ folder: PartitionFolder, baseOffset: Int64, config: LogConfig, createdMs: Int64, bufferBytes: Int
    ) throws(LogFault) {
        var config = config
        config.preallocate = false
        indexIntervalBytes = Int64(config.indexIntervalBytes)
        largest = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        memory = ByteStorage(capacity: max(bufferBytes, RecordBatchHeader.size))
        let segment = try onDisk { () throws(DiskError) in
            try LogSegment.create(
                folder, baseOffset: baseOffset, config: config, createdMs: createdMs, stage: .cleaned)
        }
        self.segment = segment
        file = try segment.file()
    }

    /// Bytes so far.
    var size: Int64 { written + Int64(used) }

    /// Room for `count` bytes, to be taken by ``commit(_:lastOffset:maxTimestamp:)`` or left.
    func reserve(_ count: Int) throws(LogFault) -> UnsafeMutableRawPointer {
        if count > memory.capacity - used {
            try writeOut()
            if count > memory.capacity { memory = ByteStorage(capacity: count) }
        }
        return memory.base + used
    }

    /// Takes the first `count` bytes of what was reserved as a batch.
    func commit(_ count: Int, lastOffset: Int64, maxTimestamp: Int64) throws(LogFault) {
        let position = size
        used += count
        if maxTimestamp > largest.timestamp { largest = TimeIndex.Entry(timestamp: maxTimestamp, offset: lastOffset) }
        guard position - lastIndexedPosition > indexIntervalBytes else { return }
        lastIndexedPosition = position
        let files = segment.files
        try onDisk { () throws(DiskError) in
            try files.offsetIndex.append(offset: lastOffset, position: position)
            try files.timeIndex.appendIfLater(
                timestamp: largest.timestamp, offset: largest.offset, than: lastTimeEntry)
        }
        if largest.timestamp > lastTimeEntry?.timestamp ?? -1 { lastTimeEntry = largest }
    }

    /// Takes over a whole batch as it is.
    func append(_ batch: UnsafeRawBufferPointer, lastOffset: Int64, maxTimestamp: Int64) throws(LogFault) {
        let target = try reserve(batch.count)
        if let base = batch.baseAddress { target.copyMemory(from: base, byteCount: batch.count) }
        try commit(batch.count, lastOffset: lastOffset, maxTimestamp: maxTimestamp)
    }

    /// Notes an aborted transaction whose marker is in the segment.
    func append(_ transaction: AbortedTransaction) throws(LogFault) {
        try onDisk { () throws(DiskError) in try segment.append(transaction) }
    }

    private func writeOut() throws(LogFault) {
        guard used > 0 else { return }
        let bytes = UnsafeRawBufferPointer(start: memory.base, count: used)
        try onDisk { () throws(DiskError) in
            try segment.files.log.write { (file) throws(DiskError) in try file.write(bytes, at: written) }
        }
        written += Int64(used)
        used = 0
        guard written - writtenBehind >= CleanedSegment.writeBehindBytes else { return }
        // Or the fsync at the end has everything to do, and producers on the same disk wait for it.
        try onDisk { () throws(DiskError) in
            try file.startWriteback(at: writtenBehind, count: written - writtenBehind)
        }
        writtenBehind = written
    }

    /// Returns when all of it is on stable storage. Nothing can be added then.
    /// - Parameter modifiedMs: when the newest of what it was made of last changed. For records without a timestamp, age is
    ///   reckoned by that.
    func finish(modifiedMs: Int64) throws(LogFault) {
        try writeOut()
        segment.recovered(
            size: written, largest: largest, lastTimeEntry: lastTimeEntry,
            bytesSinceIndexEntry: Int(written - lastIndexedPosition))
        try onDisk { () throws(DiskError) in
            try segment.seal(wasReserved: false)
            try segment.flush()
            // Or that of the segment in whose place this one comes could be left beside it, and make readers skip what follows
            // transactions whose records and markers are gone.
            try segment.files.transactionIndex.file.create()
            try segment.folder.disk.setModificationTime(segment.files.log.path, ms: modifiedMs)
            // The names, too: or a crash could leave a swap of which a part never was.
            try segment.folder.sync()
        }
    }

    /// Removes the files, which nobody needs. What cannot be removed is removed at the next start.
    func discard() { segment.removeUnused() }
}
