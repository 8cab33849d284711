internal import Synchronization

/// A piece of a log: record batches in one file, and the two indexes beside it.
///
/// Only the log that owns it appends, under its lock. Readers come at any time and see what ``size`` says is there.
final class LogSegment: Sendable {
    let baseOffset: Int64
    let folder: PartitionFolder
    /// No transaction that was aborted ended behind this offset here: -1 where none did, `Int64.max` where nobody has looked.
    let lastAbortedEnd = Atomic<Int64>(.max)
    let offsetIndexState = Atomic<OffsetIndexState>(.trusted)
    private let state: Mutex<State>

    private struct State: Sendable {
        var size: Int64
        var createdMs: Int64
        var bytesSinceIndexEntry = 0
        /// Of the first batch, milliseconds; nil until known.
        var firstTimestamp: Int64?
        /// The largest timestamp and the last offset of its batch; nil until looked up.
        var largest: TimeIndex.Entry?
        /// ``largest`` is the batches' word, not only the index's.
        var isLargestSure = false
        /// Its batches cannot be read, so that nobody knows their times.
        var isUnreadable = false
        var lastTimeEntry: TimeIndex.Entry?
        // Made when first used: a log can have thousands of segments that nobody reads.
        var files: Files?
    }

    final class Files: Sendable {
        let log: FileHandle
        let offsetIndex: OffsetIndex
        let timeIndex: TimeIndex
        let transactionIndex: TransactionIndex

        init(_ folder: PartitionFolder, baseOffset: Int64, stage: SegmentFileStage = .regular) {
            func handle(_ kind: SegmentFileKind) -> FileHandle {
                FileHandle(folder, baseOffset: baseOffset, kind: kind, stage: stage)
            }
            log = handle(.log)
            offsetIndex = OffsetIndex(handle(.offsetIndex), baseOffset: baseOffset)
            timeIndex = TimeIndex(handle(.timeIndex), baseOffset: baseOffset)
            transactionIndex = TransactionIndex(handle(.transactionIndex), baseOffset: baseOffset)
        }

        var all: [FileHandle] { [log, offsetIndex.file.handle, timeIndex.file.handle, transactionIndex.file.handle] }
    }

    /// A segment whose file is there.
    /// - Parameter size: bytes in it.
    init(_ folder: PartitionFolder, baseOffset: Int64, size: Int64, createdMs: Int64) {
        self.folder = folder
        self.baseOffset = baseOffset
        state = Mutex(State(size: size, createdMs: createdMs))
    }

    /// Creates the files of an empty segment.
    static func create(
        _ folder: PartitionFolder, baseOffset: Int64, config: LogConfig, createdMs: Int64,
        stage: SegmentFileStage = .regular
    ) throws(DiskError) -> LogSegment {
        let segment = LogSegment(folder, baseOffset: baseOffset, size: 0, createdMs: createdMs)
        segment.state.withLock { $0.files = Files(folder, baseOffset: baseOffset, stage: stage) }
        segment.state.withLock { state in
            state.largest = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
            state.isLargestSure = true
        }
        do throws(DiskError) {
            let file = try segment.files.log.open(create: true)
            try file.truncate(to: 0)
            if config.preallocate { try file.preallocate(to: Int64(config.segmentBytes)) }
            try segment.files.offsetIndex.file.truncate(toCount: 0)
            try segment.files.timeIndex.file.truncate(toCount: 0)
            try segment.files.transactionIndex.file.truncate(toCount: 0)
        } catch {
            // An empty segment that no log knows of would end the log at the next start, in the middle of its records.
            segment.removeUnused()
            try? folder.sync()
            throw error
        }
        segment.lastAbortedEnd.store(-1, ordering: .relaxed)
        return segment
    }

    var files: Files {
        state.withLock { state in
            if let files = state.files { return files }
            let files = Files(folder, baseOffset: baseOffset)
            state.files = files
            return files
        }
    }

    /// Bytes of whole batches.
    var size: Int64 { state.withLock { $0.size } }

    /// - Parameter waits: whether it may wait for the disk; see ``DiskError/wouldWait``.
    func file(waits: Bool = true) throws(LogFault) -> any DiskFile {
        let handle = files.log
        return try onDisk { () throws(DiskError) in try handle.open(waits: waits) }
    }

    // MARK: Writing

    /// Appends batches with one write. On an error nothing has changed that a reader can see, but the file may have bytes
    /// behind ``size``; see ``cutToSize()``.
    /// - Parameters:
    ///   - lastOffset: of the last batch.
    ///   - largest: the largest timestamp of the batches, and the last offset of the batch that has it.
    ///   - waits: whether it may do more to the disk than to write; if not, `takesAtOnce` has said that it need not, and where
    ///     that is not so any more the error is ``DiskError/wouldWait``.
    /// - Returns: where the batches begin.
    func append(
        _ batches: Bytes, lastOffset: Int64, largest: TimeIndex.Entry, indexIntervalBytes: Int, waits: Bool = true
    ) throws(DiskError) -> Int64 {
        let files = files
        let position = size
        let seen = try largestEntry()
        // One that is gone must not be begun in the middle.
        try files.log.write(create: position == 0, waits: waits) { (file) throws(DiskError) in
            try file.write(batches, at: position)
        }
        let (timeEntry, last) = state.withLock { state -> (TimeIndex.Entry?, TimeIndex.Entry?) in
            state.size = position + Int64(batches.count)
            if position == 0 { state.firstTimestamp = largest.timestamp }
            let now = largest.timestamp > seen.timestamp ? largest : seen
            state.largest = now
            let isDue = state.bytesSinceIndexEntry > indexIntervalBytes
            state.bytesSinceIndexEntry = (isDue ? 0 : state.bytesSinceIndexEntry) + batches.count
            return (isDue ? now : nil, state.lastTimeEntry)
        }
        if let timeEntry {
            // The batches are in: from here on the append must not fail for want of room or descriptors, or the next one
            // would get the same offsets behind them. An entry that is missing only makes a search longer.
            do throws(DiskError) {
                try files.offsetIndex.append(offset: lastOffset, position: position, waits: waits)
                try addTimeEntry(timeEntry, last: last, waits: waits)
            } catch  where error.isHarmless {}
        }
        return position
    }

    private func addTimeEntry(
        _ entry: TimeIndex.Entry, last: TimeIndex.Entry?, waits: Bool = true
    ) throws(DiskError) {
        let timeIndex = files.timeIndex
        var last = last
        if last == nil { last = try timeIndex.lastEntry() }
        try timeIndex.appendIfLater(timestamp: entry.timestamp, offset: entry.offset, than: last, waits: waits)
        state.withLock { $0.lastTimeEntry = entry.timestamp > last?.timestamp ?? -1 ? entry : last }
    }

    /// Adds a transaction to the index. Readers know that there is something before it is there.
    /// - Parameter waits: whether it may wait for the disk, see ``IndexFile/append(waits:_:)``.
    func append(_ transaction: AbortedTransaction, waits: Bool = true) throws(DiskError) {
        if lastAbortedEnd.load(ordering: .relaxed) < transaction.lastOffset {
            lastAbortedEnd.store(transaction.lastOffset, ordering: .releasing)
        }
        try files.transactionIndex.append(transaction, waits: waits)
    }

    /// The same for a segment that is not appended to any more, where it is not known yet.
    func learnLastAbortedEnd() throws(LogFault) {
        guard lastAbortedEnd.load(ordering: .acquiring) == .max else { return }
        do {
            let end = try files.transactionIndex.lastEnd() ?? -1
            // Who has made the index anew meanwhile knows better.
            _ = lastAbortedEnd.compareExchange(expected: .max, desired: end, ordering: .acquiringAndReleasing)
        } catch .damaged {
            // Who needs it has it made anew.
        }
    }

    /// Looks up where the last transaction that was aborted ended. Before the segment is appended to.
    func findLastAbortedEnd() throws(LogFault) {
        do {
            lastAbortedEnd.store(try files.transactionIndex.lastEnd() ?? -1, ordering: .releasing)
        } catch .damaged {
            // Who needs it has it made anew.
        }
    }

    /// Removes what a failed write left behind the last whole batch.
    func cutToSize() throws(DiskError) {
        let size = size
        try files.log.write { (file) throws(DiskError) in try file.truncate(to: size) }
    }

    /// Completes the indexes and gives back what `preallocate` has reserved: nothing will be appended any more, or not for a
    /// while.
    /// - Parameter wasReserved: by the topic's settings. Elsewhere nothing is asked: file systems that reserve by themselves
    ///   (XFS) would have it wait for the data.
    func seal(wasReserved: Bool) throws(DiskError) {
        let size = size
        do throws(DiskError) {
            // Of all that was reserved no size tells, and so no retention either.
            if wasReserved { try files.log.open().releaseReserved(behind: size) }
        } catch  where error.isHarmless {}
        guard size > 0 else { return }
        let last = state.withLock { $0.lastTimeEntry }
        try addTimeEntry(try largestEntry(), last: last)
        try files.offsetIndex.file.write()
        try files.timeIndex.file.write()
        try files.transactionIndex.file.write()
    }

    /// Has the disk begin to write what it was given, and does not wait until it has.
    func startWriteback(at position: Int64, count: Int64) throws(DiskError) {
        try files.log.open().startWriteback(at: position, count: count)
    }

    /// Returns when the batches are on stable storage.
    func flushLog() throws(DiskError) { try files.log.sync() }

    /// Returns when log and indexes are on stable storage.
    func flush() throws(DiskError) {
        try files.log.sync()
        try files.offsetIndex.file.sync()
        try files.timeIndex.file.sync()
        try files.transactionIndex.file.sync()
    }

    // MARK: What is in it

    /// The largest timestamp, and the last offset of its batch; a timestamp of -1 when there is none.
    func largestEntry() throws(DiskError) -> TimeIndex.Entry {
        if let known = state.withLock({ $0.largest }) { return known }
        let last = size == 0 ? nil : try files.timeIndex.lastEntry()
        let entry = last ?? TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        return state.withLock { state in
            if let known = state.largest { return known }
            state.largest = entry
            state.lastTimeEntry = last
            return entry
        }
    }

    /// What retention by time goes by, milliseconds: the largest timestamp, else when the file last changed.
    func retentionTimestampMs() throws(DiskError) -> Int64 {
        let largest = try largestEntry().timestamp
        let isKnown = largest >= 0 && !state.withLock { $0.isUnreadable }
        return isKnown ? largest : try lastModifiedMs()
    }

    /// Whether ``retentionTimestampMs()`` is more than what the index says.
    var isTimeSure: Bool { state.withLock { $0.isLargestSure || $0.isUnreadable } }

    /// Takes over what the first `size` bytes of batches say; nothing when the segment has grown since.
    /// - Parameter largest: nil when they cannot be read.
    func confirm(_ largest: TimeIndex.Entry?, size: Int64) {
        state.withLock { state in
            guard state.size == size else { return }
            state.isUnreadable = largest == nil
            guard let largest else { return }
            state.largest = largest
            state.isLargestSure = true
        }
    }

    /// When the log's file last changed, milliseconds.
    func lastModifiedMs() throws(DiskError) -> Int64 { try folder.disk.modificationTimeMs(files.log.path) ?? 0 }

    /// Whether a batch must go into a new segment.
    func mustRoll(
        addingBytes count: Int, lastOffset: Int64, timestamp: Int64, nowMs: Int64, jitterMs: Int64, config: LogConfig
    ) throws(LogFault) -> Bool {
        let size = size
        if lastOffset - baseOffset > Int64(Int32.max) { return true }
        guard size > 0 else { return false }
        if size + Int64(count) > Int64(config.segmentBytes) { return true }
        if try age(timestamp: timestamp, nowMs: nowMs) > config.maxSegmentMs - jitterMs { return true }
        let files = files
        return try onDisk { () throws(DiskError) in
            if try files.offsetIndex.file.count() >= config.maxOffsetIndexEntries { return true }
            return try files.timeIndex.file.count() >= config.maxTimeIndexEntries
        }
    }

    /// Whether batches can be appended by a write to files that are open: no new segment is due, and all that an append looks
    /// at is known. Waits for nobody who waits for the disk; in doubt, no.
    func takesAtOnce(
        addingBytes count: Int, lastOffset: Int64, timestamp: Int64, nowMs: Int64, jitterMs: Int64, config: LogConfig
    ) -> Bool {
        if lastOffset - baseOffset > Int64(Int32.max) { return false }
        let files = state.withLock { state -> (files: Files, hasTimeEntry: Bool)? in
            guard let files = state.files, state.largest != nil else { return nil }
            if state.size > 0 {
                guard let start = state.firstTimestamp, state.size + Int64(count) <= Int64(config.segmentBytes) else {
                    return nil
                }
                let age = start >= 0 ? timestamp - start : nowMs - state.createdMs
                if age > config.maxSegmentMs - jitterMs { return nil }
            }
            return (files, state.lastTimeEntry != nil)
        }
        guard let (files, hasTimeEntry) = files, let offsets = files.offsetIndex.file.countIfReady(),
            let times = files.timeIndex.file.countIfReady()
        else { return false }
        return offsets < config.maxOffsetIndexEntries && times < config.maxTimeIndexEntries
            && (hasTimeEntry || times == 0)
    }

    /// The largest timestamp of the first batch, milliseconds; -1 when there is none.
    func firstBatchTimestampMs() throws(LogFault) -> Int64 {
        if let known = state.withLock({ $0.firstTimestamp }) { return known }
        let first = try firstBatch()?.maxTimestamp ?? -1
        state.withLock { $0.firstTimestamp = first }
        return first
    }

    /// For how long there has been the segment, as far as one can tell: since it was made, or last written to before the start.
    func wallAgeMs(nowMs: Int64) throws(LogFault) -> Int64 {
        let created = state.withLock { $0.createdMs }
        let modified = try onDisk { () throws(DiskError) in try lastModifiedMs() }
        return nowMs - min(created, modified)
    }

    // By the records' own time where they have one, so that a log that is copied rolls as the original did.
    private func age(timestamp: Int64, nowMs: Int64) throws(LogFault) -> Int64 {
        let start = try firstBatchTimestampMs()
        let created = state.withLock { $0.createdMs }
        return start >= 0 ? timestamp - start : nowMs - created
    }

    private func firstBatch() throws(LogFault) -> StoredBatch? {
        let size = size
        guard size > 0 else { return nil }
        return try scan(try file(), from: 0, to: size, windowBytes: 64) {
            (scanner) throws(LogFault) in try scanner.next()
        }
    }

    // MARK: Changing

    /// Cuts off everything from `offset` on. Indexes are shortened with it.
    /// - Returns: bytes removed.
    func truncate(to offset: Int64) throws(LogFault) -> Int64 {
        let size = size
        let batch = try firstBatch(endingAtOrAfter: offset, end: size)
        let position = batch?.position ?? size
        let files = files
        try onDisk { () throws(DiskError) in
            try files.offsetIndex.truncate(to: offset)
            try files.timeIndex.truncate(to: offset)
            try files.transactionIndex.truncate(to: offset)
            // On stable storage before anything is written behind it: what was cut off must not come back.
            let file = try files.log.open()
            try file.truncate(to: position)
            try file.sync()
        }
        let last = try onDisk { () throws(DiskError) in try files.timeIndex.lastEntry() }
        let largest = try largestTimestamp(from: 0, end: position)
        state.withLock { state in
            state.size = position
            state.bytesSinceIndexEntry = 0
            state.lastTimeEntry = last
            state.largest = largest
            state.isLargestSure = true
            if position == 0 { state.firstTimestamp = nil }
        }
        return size - position
    }

    /// The largest timestamp of the batches between two positions, and the last offset of its batch.
    func largestTimestamp(from start: Int64, end: Int64) throws(LogFault) -> TimeIndex.Entry {
        var largest = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        guard start < end else { return largest }
        try scan(try file(), from: start, to: end) { (scanner) throws(LogFault) in
            while let batch = try scanner.next() {
                if batch.maxTimestamp > largest.timestamp {
                    largest = TimeIndex.Entry(timestamp: batch.maxTimestamp, offset: batch.lastOffset)
                }
            }
        }
        return largest
    }

    /// After recovery has read the whole segment.
    func recovered(size: Int64, largest: TimeIndex.Entry, lastTimeEntry: TimeIndex.Entry?, bytesSinceIndexEntry: Int) {
        state.withLock { state in
            state.size = size
            state.largest = largest
            state.isLargestSure = true
            state.lastTimeEntry = lastTimeEntry
            state.bytesSinceIndexEntry = bytesSinceIndexEntry
            state.firstTimestamp = nil
        }
    }

    /// Closes the files. They open again when they are needed.
    func close() {
        guard let files = state.withLock({ $0.files }) else { return }
        files.log.close()
        files.offsetIndex.file.close()
        files.timeIndex.file.close()
        files.transactionIndex.file.close()
    }

    /// Renames the files so that they no longer belong to the log. Readers in flight keep theirs; who would open one now
    /// is told that it is missing, and looks at the log anew.
    /// - Parameter keepingSnapshot: whether the producer snapshot of the base offset stays, for a segment that takes the
    ///   place of this one.
    /// - Returns: the paths to remove later.
    func markDeleted(keepingSnapshot: Bool = false) throws(DiskError) -> [String] {
        var paths: [String] = []
        for handle in files.all where try handle.rename(to: .deleted) { paths.append(handle.path) }
        if keepingSnapshot { return paths }
        let snapshot = folder.path + "/" + SegmentFileKind.producerSnapshot.fileName(baseOffset: baseOffset)
        do {
            try folder.disk.rename(snapshot, to: snapshot + SegmentFileKind.deletedSuffix)
            paths.append(snapshot + SegmentFileKind.deletedSuffix)
        } catch  where error.isMissing {}
        return paths
    }

    /// Gives all files another name, the log's last: as long as that has the old one, nothing has happened.
    func rename(to stage: SegmentFileStage) throws(DiskError) {
        for handle in files.all.reversed() { _ = try handle.rename(to: stage) }
    }

    /// Removes the files, which do not belong to a log. What cannot be removed now is removed at the next start.
    func removeUnused() {
        close()
        for handle in files.all { try? folder.disk.remove(handle.path) }
    }
}
