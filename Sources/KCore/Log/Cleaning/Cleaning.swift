internal import Synchronization

/// One cleaning of one log, a step at a time: segment by segment into the map of offsets, then group by group into new
/// segments. Used by one thread; between two steps anything may happen to the log.
final class Cleaning {
    /// Why a cleaning ends before its end.
    enum End: Error {
        /// The cleaner stops, or the log was deleted, truncated or shortened meanwhile. It can be tried again.
        case abandoned
        /// Something in the log cannot be read.
        case uncleanable(segment: Int64, reason: String)
        /// The disk refused.
        case failed(LogError)
    }

    private enum Phase {
        case beginning
        case indexing(next: Int)
        case writing(group: Int)
        case finished
    }

    let log: Log
    let range: CleanableRange
    private let map: OffsetMap
    private let bufferBytes: Int
    private let nowMs: Int64
    private let config: LogConfig
    /// Told of bytes read and written, between batches; may take its time. Says whether to go on.
    private let goOn: (_ read: Int, _ written: Int) -> Bool
    private var phase = Phase.beginning
    private var segments: [LogSegment] = []
    private var groups: [[LogSegment]] = []
    private var truncations = 0
    private var aborted: [AbortedTransaction] = []
    private var lastOfProducers: [Int64: BatchCleaner.LastOfProducer] = [:]
    private var cleaner: BatchCleaner?
    private var indexed: CleanedTransactions
    private var oldHorizonMs = Int64.min
    private(set) var result: CleaningResult

    /// - Parameters:
    ///   - map: emptied first.
    ///   - bufferBytes: for reading, and the same for writing.
    init(
        _ log: Log, _ range: CleanableRange, map: OffsetMap, bufferBytes: Int, nowMs: Int64,
        goOn: @escaping (_ read: Int, _ written: Int) -> Bool = { _, _ in true }
    ) {
        self.log = log
        self.range = range
        self.map = map
        self.bufferBytes = bufferBytes
        self.nowMs = nowMs
        self.goOn = goOn
        config = log.config
        indexed = CleanedTransactions(aborted: [])
        result = CleaningResult(
            topicPartition: log.topicPartition, firstDirtyOffset: range.firstDirtyOffset,
            endOffset: range.firstDirtyOffset)
    }

    /// Bytes that will be read: what is new twice, what is clean once.
    var bytesToRead: Int64 { range.cleanBytes + 2 * range.dirtyBytes }

    /// Does a part of the work.
    /// - Returns: whether there is more to do.
    func step() throws(End) -> Bool {
        switch phase {
        case .beginning:
            try begin()
        case .indexing(let next):
            try withRemaining(of: [segments[next]]) { (left) throws(End) in
                for segment in left { try index(segment) }
                return true
            }
            // What is missing at the end of a segment is a gap.
            if !result.isPartial { map.advance(to: end(of: segments[next]) - 1) }
            let isLast = result.isPartial || next + 1 == segments.count
            phase = isLast ? .writing(group: 0) : .indexing(next: next + 1)
            if isLast { try prepareWriting() }
        case .writing(let group):
            try withRemaining(of: groups[group]) { (left) throws(End) in try write(left) }
            phase = group + 1 == groups.count ? .finished : .writing(group: group + 1)
        case .finished:
            return false
        }
        if case .finished = phase {
            try finish()
            return false
        }
        return true
    }

    private func begin() throws(End) {
        map.removeAll()
        lastOfProducers = log.lastOfProducers()
        // Below the recovery point nothing is read after a crash, and the gaps that cleaning leaves raise no questions. What
        // decides that something goes must not be lost either: the marker of its transaction, a later batch of its producer.
        try attempt { () throws(LogError) in try log.flush() }
        guard log.environment.checkpoint().isWritten else {
            throw .failed(
                LogError(
                    .kafkaStorageError, "\(log.topicPartition): the checkpoints of its directory cannot be written"))
        }
        (segments, truncations) = log.segmentsToClean(below: range.endOffset)
        guard let first = segments.firstIndex(where: { end(of: $0) > range.firstDirtyOffset }) else {
            throw .abandoned
        }
        aborted = try attempt { () throws(LogError) in
            try log.abortedTransactions(from: segments[0].baseOffset, upTo: range.endOffset)
        }
        // Of one that ended before, the marker would not be met on the way.
        let start = segments[first].baseOffset
        indexed = CleanedTransactions(aborted: aborted.filter { $0.lastOffset >= start })
        phase = .indexing(next: first)
    }

    private func end(of segment: LogSegment) -> Int64 {
        guard let index = segments.firstIndex(where: { $0 === segment }), index + 1 < segments.count else {
            return range.endOffset
        }
        return segments[index + 1].baseOffset
    }

    private func finish() throws(End) {
        result.endOffset = min(map.latestOffset + 1, range.endOffset)
        result.keys = map.count
        result.mapUtilization = map.utilization
        map.removeAll()
        guard log.raiseCleanedOffset(to: result.endOffset, truncations: truncations) else { throw .abandoned }
    }

    // MARK: The map

    private func index(_ segment: LogSegment) throws(End) {
        try read(segment) { (batch) throws(BatchCleaner.Failure) in
            guard let header = batch.stored.header else { return try indexOld(batch) }
            if header.isControl {
                _ = indexed.meet(header, marker: try EndTransactionMarker(header: header, batch: batch.bytes))
            } else if !indexed.meet(header), header.lastOffset >= range.firstDirtyOffset {
                guard try index(batch, header) else { return false }
            }
            if header.lastOffset >= range.firstDirtyOffset { map.advance(to: header.lastOffset) }
            return true
        }
    }

    /// - Returns: false when the map is full.
    private func index(
        _ batch: CleaningReader.Batch, _ header: RecordBatchHeader
    ) throws(BatchCleaner.Failure) -> Bool {
        let section = UnsafeRawBufferPointer(rebasing: batch.bytes[RecordBatchHeader.size...])
        return try BatchCleaner.readable { () throws(RecordsError) in
            guard let codec = header.attributes.compression else {
                throw .unknownCodec(header.attributes.compressionId)
            }
            if codec == .none || header.recordCount == 0 { return try put(section, header) }
            let records = try codec.decompress(section, maxBytes: RecordBatchReader.defaultMaxDecompressedBytes)
            return try records.withUnsafeBytes { (section) throws(RecordsError) in try put(section, header) }
        }
    }

    private func put(_ section: UnsafeRawBufferPointer, _ header: RecordBatchHeader) throws(RecordsError) -> Bool {
        guard header.recordCount > 0 else { return true }
        var cursor = try RecordCursor(records: section, header: header)
        while let record = try cursor.next() {
            guard put(record) else { return false }
        }
        return true
    }

    @inline(__always)
    private func put(_ record: RecordView) -> Bool {
        guard let key = record.key, record.offset >= range.firstDirtyOffset else { return true }
        if map.put(key, offset: record.offset) { return true }
        result.isPartial = true
        return false
    }

    private func indexOld(_ batch: CleaningReader.Batch) throws(BatchCleaner.Failure) -> Bool {
        try BatchCleaner.readable { () throws(RecordsError) in
            try LegacyRecords.forEachRecord(in: batch.bytes) { (record) throws(RecordsError) in
                if !result.isPartial { _ = put(record) }
            }
        }
        if result.isPartial { return false }
        map.advance(to: batch.stored.lastOffset)
        return true
    }

    // MARK: The new segments

    private func prepareWriting() throws(End) {
        // Not even one key fitted.
        guard map.latestOffset >= range.firstDirtyOffset else { throw .abandoned }
        let end = result.isPartial ? map.latestOffset + 1 : range.endOffset
        let kept = segments.prefix { $0.baseOffset < end }
        let lastEnd = kept.count < segments.count ? segments[kept.count].baseOffset : range.endOffset
        cleaner = BatchCleaner(
            map: map, nowMs: nowMs, deleteRetentionMs: config.deleteRetentionMs, lastOfProducers: lastOfProducers,
            transactions: CleanedTransactions(aborted: aborted))
        try withRemaining(of: Array(kept)) { (left) throws(End) in
            groups = try attempt { () throws(LogFault) in
                try SegmentGroups.make(left, endOffset: lastEnd, config: config)
            }
            return true
        }
        guard !groups.isEmpty else { throw .abandoned }
        if let lastClean = segments.last(where: { self.end(of: $0) <= range.firstDirtyOffset }) {
            oldHorizonMs = try lastModifiedMs(lastClean) - config.deleteRetentionMs
        }
    }

    private func lastModifiedMs(_ segment: LogSegment) throws(End) -> Int64 {
        try attempt { () throws(LogFault) in
            try onDisk { () throws(DiskError) in try segment.lastModifiedMs() }
        }
    }

    /// - Returns: false when the segments are not those of the log any more.
    private func write(_ group: [LogSegment]) throws(End) -> Bool {
        guard let first = group.first, let last = group.last, var cleaner else { return true }
        let output = try attempt { () throws(LogFault) in
            try CleanedSegment(
                log.folder, baseOffset: first.baseOffset, config: config, createdMs: nowMs, bufferBytes: bufferBytes)
        }
        cleaner.endOffset = end(of: last)
        var isReplaced = false
        defer { if !isReplaced { output.discard() } }
        for segment in group {
            cleaner.keepsOldTombstones = try lastModifiedMs(segment) > oldHorizonMs
            var size = output.size
            try read(segment) { (batch) throws(BatchCleaner.Failure) in
                try cleaner.clean(batch, into: output)
                let grown = Int(output.size - size)
                size = output.size
                result.bytesWritten += Int64(grown)
                return true
            }
        }
        let modifiedMs = try lastModifiedMs(last)
        try attempt { () throws(LogFault) in try output.finish(modifiedMs: modifiedMs) }
        let isDone = try attempt { () throws(LogError) in
            try log.replace(group, with: output.segment, truncations: truncations) { isReplaced = true }
        }
        guard isDone else { return false }
        result.bytesBefore += group.reduce(0) { $0 + $1.size }
        result.bytesAfter += output.size
        result.recordsRead = cleaner.recordsRead
        result.recordsKept = cleaner.recordsKept
        result.recordsWithoutKey = cleaner.recordsWithoutKey
        self.cleaner = cleaner
        return true
    }

    // MARK: Reading

    /// Has `body` work on those of `segments` that retention has not removed, if there are any; and again when it has
    /// removed more of them meanwhile.
    /// - Parameter body: returns false, or ends the cleaning, when it met something else than it was given.
    private func withRemaining(
        of segments: [LogSegment], _ body: ([LogSegment]) throws(End) -> Bool
    ) throws(End) {
        var left = segments
        while true {
            guard let now = log.remaining(of: left, truncations: truncations) else { throw .abandoned }
            left = now
            if left.isEmpty { return }
            do throws(End) {
                if try body(left) { return }
            } catch .abandoned {}
            guard let after = log.remaining(of: left, truncations: truncations), after.count < left.count else {
                throw .abandoned
            }
        }
    }

    /// - Parameter body: says whether to go on.
    private func read(
        _ segment: LogSegment, _ body: (CleaningReader.Batch) throws(BatchCleaner.Failure) -> Bool
    ) throws(End) {
        let file = try attempt { () throws(LogFault) in try segment.file() }
        var reader = CleaningReader(
            file, end: segment.size, firstOffset: segment.baseOffset, endOffset: end(of: segment),
            bufferBytes: bufferBytes)
        var read = 0
        var written = result.bytesWritten
        while let batch = try attempt({ () throws(LogFault) in try reader.next() }) {
            if reader.bytesRead > read {
                let newlyRead = reader.bytesRead - read
                let newlyWritten = Int(result.bytesWritten - written)
                result.bytesRead += Int64(newlyRead)
                read = reader.bytesRead
                written = result.bytesWritten
                guard goOn(newlyRead, newlyWritten), !log.isDeleted.load(ordering: .acquiring), !log.isOffline else {
                    throw .abandoned
                }
            }
            do throws(BatchCleaner.Failure) {
                guard try body(batch) else { return }
            } catch {
                switch error {
                case .log(let fault): throw end(fault)
                case .records(let error):
                    throw end(reader.damaged(at: batch.stored.position, error.description))
                }
            }
        }
    }

    private func end(_ fault: LogFault) -> End {
        switch fault {
        case .damaged(let path, _, _):
            // The name is that of the segment.
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            return .uncleanable(segment: SegmentFileKind.parse(name)?.baseOffset ?? -1, reason: fault.description)
        case .disk(let error):
            return error.isMissing ? .abandoned : .failed(log.answer(to: error))
        }
    }

    private func attempt<R>(_ body: () throws(LogFault) -> R) throws(End) -> R {
        do { return try body() } catch { throw end(error) }
    }

    private func attempt<R>(_ body: () throws(LogError) -> R) throws(End) -> R {
        do { return try body() } catch { throw .failed(error) }
    }
}
