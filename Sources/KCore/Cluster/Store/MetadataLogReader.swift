/// Reads the metadata log of a node, its newest sound snapshot and the segments behind it, and changes nothing.
struct MetadataLogReader {
    /// Bytes at the end of the last segment that are no whole, sound batch.
    struct TornEnd {
        var path: String
        var position: Int64
        var bytes: Int64
        var reason: String
    }

    let disk: any Disk
    /// `__cluster_metadata-0`
    let directory: String
    /// Whether the last stop was in order. Then all that is in the log was durable, and an end that is torn is damage.
    var wasCleanStop = false

    private(set) var builder: ImageBuilder
    /// Behind the last record.
    private(set) var nextOffset: Int64 = 0
    private(set) var epoch: Int32 = 0
    private(set) var lastTimestampMs: Int64 = 0
    /// Bytes of the segments that hold what no snapshot does.
    private(set) var bytesBehindSnapshot: Int64 = 0
    /// The newest snapshot that could be read.
    private(set) var snapshot: MetadataSnapshot?
    /// Snapshots that could not, and why.
    private(set) var badSnapshots: [(path: String, reason: String)] = []
    /// The last segment, and where its last whole batch ends; nil when there is no segment.
    private(set) var lastSegment: (baseOffset: Int64, end: Int64)?
    private(set) var tornEnd: TornEnd?
    /// Where each epoch began, of those in the segments.
    private(set) var epochs: [LeaderEpochs.Entry] = []
    /// The newest of each, which a snapshot has to carry on: Kafka keeps them outside of the image.
    private(set) var kraftVersion: KRaftVersionRecord?
    private(set) var voters: VotersRecord?

    init(disk: any Disk, directory: String, wasCleanStop: Bool, empty: ClusterImage) {
        self.disk = disk
        self.directory = directory
        self.wasCleanStop = wasCleanStop
        builder = ImageBuilder(empty)
    }

    /// - Throws: ``MetadataStoreError`` that names the file and the byte; ``DiskError``.
    mutating func read() throws {
        let names = try disk.list(directory).map { $0.name }
        try readSnapshots(names)
        try readSegments(names)
    }

    // MARK: Snapshots

    private mutating func readSnapshots(_ names: [String]) throws {
        let newestFirst = names.compactMap { MetadataSnapshot(fileName: $0) }.sorted {
            ($0.endOffset, $0.epoch) > ($1.endOffset, $1.epoch)
        }
        for snapshot in newestFirst {
            let path = "\(directory)/\(snapshot.fileName)"
            // A snapshot has its name only when it is whole, so one that is not was damaged. The log it stands for may
            // still be there, with an older snapshot; if not, reading the segments finds the gap.
            var attempt = self
            do {
                try attempt.read(snapshot: path)
            } catch let error as DiskError {
                throw error
            } catch {
                badSnapshots.append((path, "\(error)"))
                continue
            }
            attempt.badSnapshots = badSnapshots
            attempt.nextOffset = snapshot.endOffset
            attempt.epoch = snapshot.epoch
            attempt.snapshot = snapshot
            self = attempt
            return
        }
    }

    private mutating func read(snapshot path: String) throws {
        var batches = try MetadataBatchFile(disk.open(path, .read))
        while true {
            let position = batches.position
            do {
                guard let batch = try batches.next() else { throw MetadataStoreError("its footer is missing") }
                switch try MetadataBatch.decode(batch) {
                case .control(let records):
                    try take(records)
                    if records.contains(where: { $0.type == .snapshotFooter }) { return }
                case .records(let records): for record in records { try builder.apply(record) }
                }
            } catch let error as DiskError {
                throw error
            } catch {
                throw MetadataStoreError("byte \(position): \(error)")
            }
        }
    }

    private mutating func take(_ records: [MetadataBatch.Control]) throws(WireError) {
        for record in records {
            switch record.type {
            case .kraftVersion: kraftVersion = try KRaftVersionRecord(value: record.value)
            case .kraftVoters: voters = try VotersRecord(value: record.value)
            default: break
            }
        }
    }

    // MARK: Segments

    private mutating func readSegments(_ names: [String]) throws {
        let bases = names.compactMap { LocalMetadataLog.baseOffset($0) }.sorted()
        guard let first = bases.first else { return }
        let snapshotEnd = nextOffset
        if first > snapshotEnd {
            throw MetadataStoreError("\(directory): the records from \(snapshotEnd) to \(first - 1) are missing")
        }
        for (index, base) in bases.enumerated() {
            let isLast = index == bases.count - 1
            if !isLast && bases[index + 1] <= snapshotEnd { continue }
            let path = "\(directory)/\(LocalMetadataLog.segmentName(base))"
            let end = try read(segment: path, isLast: isLast, snapshotEnd: snapshotEnd)
            bytesBehindSnapshot += end
            guard isLast else { continue }
            if base > nextOffset {
                throw MetadataStoreError("\(path) does not continue the log, which ends at \(nextOffset - 1)")
            }
            lastSegment = (base, end)
        }
    }

    /// - Returns: where the segment's last whole batch ends.
    private mutating func read(segment path: String, isLast: Bool, snapshotEnd: Int64) throws -> Int64 {
        let segment = try disk.open(path, .read)
        // What a former process could not write must not be taken for written.
        segment.dropCache()
        var batches = try MetadataBatchFile(segment)
        while true {
            let position = batches.position
            let batch: RecordBatchReader?
            do {
                batch = try batches.next()
            } catch let error as RecordsError {
                try checkIsTorn(segment, position, isLast: isLast, error)
                tornEnd = TornEnd(path: path, position: position, bytes: batches.remaining, reason: "\(error)")
                return position
            }
            guard let batch else { return position }
            let header = batch.header
            if header.lastOffset < snapshotEnd { continue }
            guard header.baseOffset == nextOffset else {
                throw MetadataStoreError(
                    "\(path), byte \(position): offset \(header.baseOffset) follows on \(nextOffset - 1)")
            }
            do {
                switch try MetadataBatch.decode(batch) {
                case .records(let records): for record in records { try builder.apply(record) }
                case .control(let records): try take(records)
                }
            } catch {
                throw MetadataStoreError("\(path), byte \(position): \(error)")
            }
            nextOffset = header.lastOffset + 1
            if header.partitionLeaderEpoch > epochs.last?.epoch ?? -1 {
                epochs.append(.init(epoch: header.partitionLeaderEpoch, startOffset: header.baseOffset))
            }
            epoch = max(epoch, header.partitionLeaderEpoch)
            lastTimestampMs = max(lastTimestampMs, header.maxTimestamp)
        }
    }

    /// Tells an end that a crash tore from damage: behind a torn end there is at most what became durable with it, and
    /// that has one timestamp.
    private func checkIsTorn(
        _ segment: any DiskFile, _ position: Int64, isLast: Bool, _ error: RecordsError
    ) throws {
        var behind: [(position: Int, header: RecordBatchHeader)] = []
        if isLast && !wasCleanStop {
            let size = try segment.size()
            let rest = try segment.readBytes(at: position, count: Int(min(size - position, Int64(Int32.max))))
            behind = MetadataLogReader.soundBatches(rest, atLeast: nextOffset)
            let timestamps = Set(behind.map(\.header.maxTimestamp))
            // Where the bad batch's header still leads to the next one, its own timestamp can be believed.
            let own = try? rest.withUnsafeBytes { bytes throws(RecordsError) in try RecordBatchHeader(reading: bytes) }
            let isOlder = own.map { own in
                behind.first.map { $0.position == own.sizeInBytes && own.maxTimestamp < $0.header.maxTimestamp }
                    ?? false
            }
            if timestamps.count <= 1 && isOlder != true { return }
        }
        let why =
            behind.last.map { "and records up to offset \($0.header.lastOffset) are behind it" }
            ?? "and it had been made durable"
        throw MetadataStoreError(
            "\(segment.path) is damaged at byte \(position): \(error), \(why). Restore the file from a copy; to give up "
                + "what is from there on, cut the file at that byte and remove \(LogDirectoryName.cleanStopMarker). "
                + "Partitions of topics that it has made known are then put aside as *\(LogDirectoryName.straySuffix)")
    }

    /// The batches in `bytes` whose checksums are right, wherever they begin.
    private static func soundBatches(
        _ bytes: Bytes, atLeast offset: Int64
    ) -> [(position: Int, header: RecordBatchHeader)] {
        bytes.withUnsafeBytes { bytes in
            var found: [(position: Int, header: RecordBatchHeader)] = []
            var position = 0
            while position + RecordBatchHeader.size <= bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
                if rest[RecordBatchHeader.magicPosition] == 2, let header = try? RecordBatchHeader(reading: rest),
                    header.baseOffset >= offset, header.sizeInBytes <= rest.count,
                    (try? header.checkCRC(in: rest)) != nil
                {
                    found.append((position, header))
                    position += header.sizeInBytes
                } else {
                    position += 1
                }
            }
            return found
        }
    }
}
