/// Reads a segment from end to end after a stop that was not clean: cuts off what is no whole, sound batch, and writes both
/// indexes anew.
struct SegmentRecovery {
    struct Outcome: Sendable {
        /// Behind the last sound record.
        var nextOffset: Int64
        /// Bytes that were cut off.
        var removedBytes: Int64 = 0
        /// Why bytes were cut off, and where.
        var damage: LogFault?
    }

    let segment: LogSegment
    let indexIntervalBytes: Int
    private static let windowBytes = 1 << 20

    /// - Parameters:
    ///   - mayCut: asked before bytes are cut off; when it says no, nothing is changed and the damage is thrown.
    ///   - body: called for each sound batch.
    func run(
        mayCut: (Outcome) -> Bool, _ body: (StoredBatch) -> Void
    ) throws(LogFault) -> Outcome {
        let file = try segment.file()
        // Of a former process, whose fsync may have failed.
        file.dropCache()
        let fileSize = try onDisk { () throws(DiskError) in try file.size() }
        let window = ByteStorage(capacity: SegmentRecovery.windowBytes)
        let memory = UnsafeMutableRawBufferPointer(start: window.base, count: window.capacity)
        var reader = BatchReader(
            file: file, end: fileSize, segmentOffset: segment.baseOffset, window: memory)
        var outcome = Outcome(nextOffset: segment.baseOffset)
        var index = IndexEntries()
        var position: Int64 = 0
        while position < fileSize {
            do {
                let batch = try reader.next(at: position, atLeast: outcome.nextOffset)
                index.add(batch, interval: Int64(indexIntervalBytes), baseOffset: segment.baseOffset)
                body(batch)
                outcome.nextOffset = batch.lastOffset + 1
                position = batch.end
            } catch .damaged(let path, let place, let reason) {
                outcome.damage = .damaged(path: path, position: place, reason: reason)
                outcome.removedBytes = fileSize - position
                break
            }
        }
        if let damage = outcome.damage {
            guard mayCut(outcome) else { throw damage }
            try onDisk { () throws(DiskError) in
                try file.truncate(to: position)
                try file.sync()
            }
        }
        try write(index, size: position)
        return outcome
    }

    /// Whether the segment is whole batches with right checksums, from end to end. Changes nothing.
    var isSound: Bool {
        do throws(LogFault) {
            let file = try segment.file()
            file.dropCache()
            let fileSize = try onDisk { () throws(DiskError) in try file.size() }
            let window = ByteStorage(capacity: SegmentRecovery.windowBytes)
            let memory = UnsafeMutableRawBufferPointer(start: window.base, count: window.capacity)
            var reader = BatchReader(file: file, end: fileSize, segmentOffset: segment.baseOffset, window: memory)
            var position: Int64 = 0
            var nextOffset = segment.baseOffset
            while position < fileSize {
                let batch = try reader.next(at: position, atLeast: nextOffset)
                (position, nextOffset) = (batch.end, batch.lastOffset + 1)
            }
            withExtendedLifetime(window) {}
            return true
        } catch {
            return false
        }
    }

    private struct IndexEntries {
        var offsets: [OffsetIndex.Entry] = []
        var times: [TimeIndex.Entry] = []
        var largest = TimeIndex.Entry(timestamp: -1, offset: 0)
        var lastPosition: Int64 = 0

        mutating func add(_ batch: StoredBatch, interval: Int64, baseOffset: Int64) {
            if batch.maxTimestamp > largest.timestamp {
                largest = TimeIndex.Entry(timestamp: batch.maxTimestamp, offset: batch.lastOffset)
            }
            guard batch.position - lastPosition > interval else { return }
            offsets.append(OffsetIndex.Entry(offset: batch.lastOffset, position: batch.position))
            if largest.timestamp > times.last?.timestamp ?? -1 { times.append(largest) }
            lastPosition = batch.position
        }
    }

    private func write(_ index: IndexEntries, size: Int64) throws(LogFault) {
        let files = segment.files
        var last: TimeIndex.Entry?
        try onDisk { () throws(DiskError) in
            try files.offsetIndex.file.truncate(toCount: 0)
            try files.timeIndex.file.truncate(toCount: 0)
            for entry in index.offsets { try files.offsetIndex.append(offset: entry.offset, position: entry.position) }
            for entry in index.times {
                try files.timeIndex.appendIfLater(timestamp: entry.timestamp, offset: entry.offset, than: last)
                last = entry
            }
        }
        var largest = index.largest
        if largest.timestamp < 0 { largest.offset = segment.baseOffset }
        segment.recovered(
            size: size, largest: largest, lastTimeEntry: last, bytesSinceIndexEntry: Int(size - index.lastPosition))
    }
}

/// Reads whole batches and checks them, in memory that does not grow with a batch.
private struct BatchReader {
    let file: any DiskFile
    let end: Int64
    let segmentOffset: Int64
    let window: UnsafeMutableRawBufferPointer
    private var start: Int64 = 0
    private var count = 0

    init(file: any DiskFile, end: Int64, segmentOffset: Int64, window: UnsafeMutableRawBufferPointer) {
        self.file = file
        self.end = end
        self.segmentOffset = segmentOffset
        self.window = window
    }

    private func damaged(_ position: Int64, _ reason: String) -> LogFault {
        .damaged(path: file.path, position: position, reason: reason)
    }

    mutating func next(at position: Int64, atLeast offset: Int64) throws(LogFault) -> StoredBatch {
        let batch: StoredBatch
        do {
            let head = try bytes(at: position, wanted: StoredBatch.headerBytes)
            batch = try StoredBatch(head, position: position, available: end - position)
        } catch let error as RecordsError {
            throw damaged(position, error.description)
        } catch let error as DiskError {
            throw .disk(error)
        } catch {
            throw damaged(position, "\(error)")
        }
        // The checksum does not cover the offset: one that a torn write left can be anything.
        guard batch.baseOffset >= offset, batch.canBe(in: segmentOffset) else {
            throw damaged(position, "offset \(batch.baseOffset) cannot follow \(offset - 1)")
        }
        let stored: UInt32
        let computed: UInt32
        if let header = batch.header {
            stored = header.crc
            computed = try checksum(
                batch, from: RecordBatchHeader.attributesPosition, start: 0
            ) { CRC32C.extend($0, $1) }
        } else {
            // The old formats: zlib's checksum of what follows it.
            stored = try load(position + 12)
            computed = try ~checksum(batch, from: 16, start: ~0) { BatchReader.legacyTable.update($0, $1) }
        }
        guard stored == computed else { throw damaged(position, "the checksum is wrong") }
        return batch
    }

    private static let legacyTable = CRCTable(polynomial: 0xEDB8_8320)

    private mutating func load(_ position: Int64) throws(LogFault) -> UInt32 {
        do {
            let field = try bytes(at: position, wanted: 4)
            guard let base = field.baseAddress, field.count >= 4 else { throw damaged(position, "the file is cut off") }
            return base.bigEndian(0)
        } catch let error as DiskError {
            throw .disk(error)
        } catch {
            throw damaged(position, "\(error)")
        }
    }

    private mutating func checksum(
        _ batch: StoredBatch, from field: Int, start: UInt32, _ extend: (UInt32, UnsafeRawBufferPointer) -> UInt32
    ) throws(LogFault) -> UInt32 {
        var crc = start
        var position = batch.position + Int64(field)
        while position < batch.end {
            do {
                let wanted = Int(min(batch.end - position, Int64(window.count)))
                let piece = try bytes(at: position, wanted: wanted)
                guard !piece.isEmpty else { throw damaged(position, "the file ends inside of a batch") }
                let used = UnsafeRawBufferPointer(
                    rebasing: piece.prefix(Int(min(Int64(piece.count), batch.end - position))))
                crc = extend(crc, used)
                position += Int64(used.count)
            } catch let error as DiskError {
                throw .disk(error)
            } catch {
                throw damaged(position, "\(error)")
            }
        }
        return crc
    }

    // What the window has from `position` on, filled anew when that is less than wanted.
    private mutating func bytes(at position: Int64, wanted: Int) throws(DiskError) -> UnsafeRawBufferPointer {
        let limit = Int(min(Int64(wanted), end - position))
        if position < start || position + Int64(limit) > start + Int64(count) {
            start = position
            count = try file.readFully(at: position, into: window)
        }
        return UnsafeRawBufferPointer(rebasing: window[Int(position - start)..<count])
    }
}
