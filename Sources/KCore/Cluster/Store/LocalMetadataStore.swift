/// The metadata of a cluster of one node: Kafka's KRaft log in `__cluster_metadata-0`, with this node as its only voter.
///
/// Each start is a new epoch and begins with a LeaderChange record. Each change is one record batch; ``commit(_:)``
/// writes the batches of all waiting changes at once and returns after one fsync. After a crash the log ends with whole
/// batches of changes, the last of which may not have been acknowledged: what was cut off was not, for nothing is
/// written behind a batch before its fsync.
final class LocalMetadataStore: MetadataStore {
    struct Settings {
        /// `metadata.log.max.record.bytes.between.snapshots`
        var maxBytesBetweenSnapshots: Int64 = 20 << 20
    }

    private let disk: any Disk
    private let directory: String
    private let parent: String
    private let identity: NodeIdentity
    private let clock: any Clock
    private let logger: Logger
    private let settings: Settings

    private var file: (any DiskFile)?
    /// Bytes of the last segment, all of them whole batches.
    private var endPosition: Int64 = 0
    private(set) var nextOffset: Int64 = 0
    private(set) var epoch: Int32 = 0
    private var lastTimestampMs: Int64 = 0
    private var bytesSinceSnapshot: Int64 = 0
    private var isDirectoryDurable = false
    private var areParentsDurable = false
    private var hasKafkaFiles = false
    private var failure: MetadataStoreError?

    /// - Parameter directory: the log directory that the metadata log is in: `metadata.log.dir`, or the first one.
    init(
        disk: any Disk, directory: String, identity: NodeIdentity, clock: any Clock, logger: Logger,
        settings: Settings = Settings()
    ) {
        self.disk = disk
        parent = directory
        self.directory = "\(directory)/\(LocalMetadataLog.directoryName)"
        self.identity = identity
        self.clock = clock
        self.logger = logger
        self.settings = settings
    }

    // MARK: Opening

    func open() throws(MetadataStoreError) -> ClusterImage {
        do {
            return try load()
        } catch let error as MetadataStoreError {
            throw error
        } catch let error as DiskError {
            throw MetadataStoreError(error)
        } catch {
            throw MetadataStoreError("\(directory): \(error)")
        }
    }

    private func load() throws -> ClusterImage {
        try disk.createDirectory(directory)
        let names = try disk.list(directory).map { $0.name }
        var builder = ImageBuilder(ClusterImage(clusterId: identity.clusterId, controllerId: identity.nodeId))
        for name in names where name.hasSuffix(MetadataSnapshot.partSuffix) { try disk.remove("\(directory)/\(name)") }
        try readSnapshot(names, into: &builder)
        try readSegments(names, into: &builder)
        let isNew = nextOffset == 0
        epoch += 1
        var batches = [try leaderChange()]
        nextOffset += 1
        if isNew {
            try append(try bootstrapRecords(), to: &batches, &builder)
        } else if builder.hasOpenTransaction {
            try append([.abortTransaction(AbortTransactionRecord())], to: &batches, &builder)
        }
        // Made durable by the first commit: until then nobody was told anything.
        try write(batches)
        let image = try builder.finish(lastOffset: nextOffset - 1).image
        try checkVersion(image)
        return image
    }

    private func readSnapshot(_ names: [String], into builder: inout ImageBuilder) throws {
        let newestFirst = names.compactMap { MetadataSnapshot(fileName: $0) }.sorted {
            ($0.endOffset, $0.epoch) > ($1.endOffset, $1.epoch)
        }
        for snapshot in newestFirst {
            var attempt = builder
            let path = "\(directory)/\(snapshot.fileName)"
            // A snapshot has its name only when it is whole, so one that is not was damaged. The log it stands for may
            // still be there, with an older snapshot; if not, reading the segments finds the gap.
            guard try MetadataSnapshot.read(disk.open(path, .read), into: &attempt) else {
                logger.warning("metadata snapshot is not whole", ["path": path])
                continue
            }
            builder = attempt
            nextOffset = snapshot.endOffset
            epoch = snapshot.epoch
            return
        }
    }

    private func readSegments(_ names: [String], into builder: inout ImageBuilder) throws {
        let bases = names.compactMap { LocalMetadataLog.baseOffset($0) }.sorted()
        guard !bases.isEmpty else {
            try begin(segment: nextOffset)
            return
        }
        let snapshotEnd = nextOffset
        if bases[0] > snapshotEnd {
            throw MetadataStoreError("\(directory): the records from \(snapshotEnd) to \(bases[0] - 1) are missing")
        }
        for (index, base) in bases.enumerated() {
            let isLast = index == bases.count - 1
            if !isLast && bases[index + 1] <= snapshotEnd { continue }
            let segment = try disk.open("\(directory)/\(LocalMetadataLog.segmentName(base))", .update)
            let position = try read(segment, isLast: isLast, snapshotEnd: snapshotEnd, into: &builder)
            bytesSinceSnapshot += position
            guard isLast else { continue }
            if base > nextOffset {
                throw MetadataStoreError("\(segment.path) does not continue the log, which ends at \(nextOffset - 1)")
            }
            file = segment
            endPosition = position
        }
    }

    /// - Returns: where the segment's last whole batch ends.
    private func read(
        _ segment: any DiskFile, isLast: Bool, snapshotEnd: Int64, into builder: inout ImageBuilder
    ) throws -> Int64 {
        var batches = try MetadataBatchFile(segment)
        while true {
            let batch: RecordBatchReader?
            do {
                batch = try batches.next()
            } catch let error as RecordsError {
                guard isLast else {
                    throw MetadataStoreError("\(segment.path) is damaged at byte \(batches.position): \(error)")
                }
                logger.warning(
                    "cut the torn end of the metadata log",
                    [
                        "path": segment.path, "position": batches.position, "bytes": batches.remaining,
                        "reason": "\(error)",
                    ])
                try segment.truncate(to: batches.position)
                // Before anything is written there: what is cut must not come back behind it.
                try segment.sync()
                return batches.position
            }
            guard let batch else { return batches.position }
            let header = batch.header
            if header.lastOffset < snapshotEnd { continue }
            guard header.baseOffset == nextOffset else {
                throw MetadataStoreError("\(segment.path): offset \(header.baseOffset) follows on \(nextOffset - 1)")
            }
            if case .records(let records) = try MetadataBatch.decode(batch) {
                for record in records { try builder.apply(record) }
            }
            nextOffset = header.lastOffset + 1
            epoch = max(epoch, header.partitionLeaderEpoch)
            lastTimestampMs = max(lastTimestampMs, header.maxTimestamp)
        }
    }

    private func leaderChange() throws(MetadataStoreError) -> Bytes {
        var voter = LeaderChangeMessage.Voter()
        voter.voterId = identity.nodeId
        var record = LeaderChangeMessage()
        record.leaderId = identity.nodeId
        record.voters = [voter]
        record.grantingVoters = [voter]
        return try MetadataBatch.encode(control: record, baseOffset: nextOffset, epoch: epoch, timestampMs: now())
    }

    /// The first records of a log: those that Kafka's formatting tool left, or the newest level.
    private func bootstrapRecords() throws -> [MetadataLogRecord] {
        let path = "\(parent)/\(LocalMetadataLog.bootstrapName)"
        if try disk.fileSize(path) != nil {
            var builder = ImageBuilder(ClusterImage(clusterId: identity.clusterId))
            guard try MetadataSnapshot.read(disk.open(path, .read), into: &builder) else {
                throw MetadataStoreError("\(path) is not whole")
            }
            return try builder.finish().image.records
        }
        var record = FeatureLevelRecord()
        record.name = MetadataVersion.featureName
        record.featureLevel = MetadataVersion.current
        return [.featureLevel(record)]
    }

    /// Writes the small files beside the log that Kafka wants and this store does not: after the first commit, so that
    /// the start does not wait for them.
    private func writeKafkaFiles() throws(DiskError) {
        try replace(
            LocalMetadataLog.quorumStateName, LocalMetadataLog.quorumState(nodeId: identity.nodeId, epoch: epoch))
        if try disk.fileSize("\(directory)/\(PartitionMetadataFile.name)") == nil {
            try replace(
                PartitionMetadataFile.name, PartitionMetadataFile.write(topicId: LocalMetadataLog.topicId))
        }
        try disk.syncDirectory(directory)
    }

    /// Replaces a file; its contents are durable, its name when the directory is synced.
    private func replace(_ name: String, _ contents: Bytes) throws(DiskError) {
        let path = "\(directory)/\(name)"
        let file = try disk.open(path + ".tmp", .create)
        try file.truncate(to: 0)
        try file.write(contents, at: 0)
        try file.sync()
        try disk.rename(path + ".tmp", to: path)
    }

    private func checkVersion(_ image: ClusterImage) throws(MetadataStoreError) {
        let level = image.features[MetadataVersion.featureName] ?? 0
        guard level <= MetadataVersion.supported.upperBound else {
            throw MetadataStoreError(
                "\(directory) has metadata.version \(level); this broker knows up to "
                    + "\(MetadataVersion.supported.upperBound)")
        }
    }

    private func append(
        _ records: [MetadataLogRecord], to batches: inout [Bytes], _ builder: inout ImageBuilder
    ) throws {
        batches.append(
            try MetadataBatch.encode(records, baseOffset: nextOffset, epoch: epoch, timestampMs: now()))
        for record in records { try builder.apply(record) }
        nextOffset += Int64(records.count)
    }

    // MARK: Writing

    func commit(_ changes: [[MetadataLogRecord]]) throws(MetadataStoreError) {
        if let failure { throw failure }
        let start = endPosition
        do {
            var batches: [Bytes] = []
            var offset = nextOffset
            for records in changes where !records.isEmpty {
                batches.append(
                    try MetadataBatch.encode(records, baseOffset: offset, epoch: epoch, timestampMs: now()))
                offset += Int64(records.count)
            }
            try write(batches)
            try makeNamesDurable()
            try file?.sync()
            nextOffset = offset
        } catch let error as DiskError where error.isHarmless && undo(to: start) {
            // No room: the log is as it was before, and the next change may find some.
            throw MetadataStoreError("the metadata log cannot be written now: \(error)", isTransient: true)
        } catch {
            // Whether the batches are on the disk is unknown: nothing may be written behind them.
            let reason = MetadataStoreError("the metadata log failed: \(error)")
            failure = reason
            throw reason
        }
    }

    /// Takes back what a commit has written, on stable storage, so that a change that was refused does not come back.
    private func undo(to position: Int64) -> Bool {
        do {
            try file?.truncate(to: position)
            try file?.sync()
        } catch {
            logger.error("the metadata log cannot be cut", ["directory": directory, "reason": "\(error)"])
            return false
        }
        bytesSinceSnapshot -= endPosition - position
        endPosition = position
        return true
    }

    private func write(_ batches: [Bytes]) throws {
        guard let file else { throw MetadataStoreError("the metadata log is not open") }
        let count = batches.reduce(0) { $0 + $1.count }
        guard count > 0 else { return }
        // One write, so that a crash leaves at most one end to cut.
        let storage = ByteStorage(capacity: count)
        var position = 0
        for batch in batches {
            batch.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress {
                    (storage.base + position).copyMemory(from: base, byteCount: bytes.count)
                }
            }
            position += batch.count
        }
        try file.write(UnsafeRawBufferPointer(start: storage.base, count: count), at: endPosition)
        withExtendedLifetime(storage) {}
        endPosition += Int64(count)
        bytesSinceSnapshot += Int64(count)
    }

    /// Syncs what was created since the last time. All of it waits for the first commit, which is the first time that
    /// somebody is told something: one after the other costs one commit of the file system's journal, not one each.
    private func makeNamesDurable() throws(DiskError) {
        if !areParentsDurable {
            for path in identity.newDirectories {
                try disk.open("\(path)/\(MetaProperties.fileName)", .update).sync()
                try disk.syncDirectory(path)
            }
            if !identity.newDirectories.contains(parent) { try disk.syncDirectory(parent) }
            areParentsDurable = true
        }
        if !isDirectoryDurable {
            try disk.syncDirectory(directory)
            isDirectoryDurable = true
        }
    }

    private func begin(segment baseOffset: Int64) throws(DiskError) {
        let segment = try disk.open("\(directory)/\(LocalMetadataLog.segmentName(baseOffset))", .create)
        try segment.truncate(to: 0)
        file = segment
        endPosition = 0
        isDirectoryDurable = false
    }

    private func now() -> Int64 {
        lastTimestampMs = max(lastTimestampMs, clock.wallMs)
        return lastTimestampMs
    }

    // MARK: Making it shorter

    func didPublish(_ image: ClusterImage) {
        if !hasKafkaFiles {
            hasKafkaFiles = true
            do { try writeKafkaFiles() } catch {
                logger.warning("cannot write files for Kafka", ["directory": directory, "reason": "\(error)"])
            }
        }
        guard bytesSinceSnapshot > settings.maxBytesBetweenSnapshots, failure == nil else { return }
        bytesSinceSnapshot = 0
        let snapshot = MetadataSnapshot(endOffset: nextOffset, epoch: epoch)
        do {
            try write(snapshot, of: image)
        } catch {
            // The log is whole without it. Try again after as many bytes.
            try? disk.remove("\(directory)/\(snapshot.fileName)" + MetadataSnapshot.partSuffix)
            logger.error("cannot write a metadata snapshot", ["directory": directory, "reason": "\(error)"])
            return
        }
        do {
            try begin(segment: nextOffset)
        } catch  where error.isHarmless && hasNoSegment(nextOffset) {
            logger.warning(
                "the metadata log cannot begin a new segment now", ["directory": directory, "reason": "\(error)"])
        } catch {
            // A new segment may be there, and what is written behind the old one would not be read.
            failure = MetadataStoreError("the metadata log cannot begin a new segment: \(error)")
            return
        }
        do {
            try removeFiles(before: snapshot)
        } catch {
            logger.warning("old metadata segments stay", ["directory": directory, "reason": "\(error)"])
        }
    }

    /// Sees to it that there is no segment that begins at `baseOffset`.
    private func hasNoSegment(_ baseOffset: Int64) -> Bool {
        do {
            try disk.removeTree("\(directory)/\(LocalMetadataLog.segmentName(baseOffset))")
            try disk.syncDirectory(directory)
            return true
        } catch {
            return false
        }
    }

    private func write(_ snapshot: MetadataSnapshot, of image: ClusterImage) throws {
        let path = "\(directory)/\(snapshot.fileName)"
        let part = path + MetadataSnapshot.partSuffix
        let target = try disk.open(part, .create)
        try target.truncate(to: 0)
        var position: Int64 = 0
        for batch in try snapshot.encode(image, timestampMs: lastTimestampMs) {
            try target.write(batch, at: position)
            position += Int64(batch.count)
        }
        try target.sync()
        try disk.rename(part, to: path)
        try disk.syncDirectory(directory)
        logger.info("wrote a metadata snapshot", ["offset": snapshot.endOffset, "bytes": position])
    }

    /// Removes the segments and snapshots that `snapshot` stands for. One that stays is no harm.
    private func removeFiles(before snapshot: MetadataSnapshot) throws(DiskError) {
        for name in try disk.list(directory).map({ $0.name }) {
            let isOldSegment = LocalMetadataLog.baseOffset(name).map { $0 < snapshot.endOffset } ?? false
            let isOldSnapshot = MetadataSnapshot(fileName: name).map { $0 != snapshot } ?? false
            if isOldSegment || isOldSnapshot { try? disk.remove("\(directory)/\(name)") }
        }
    }

    func close() { file = nil }
}
