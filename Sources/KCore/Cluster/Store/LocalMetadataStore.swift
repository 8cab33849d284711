/// The metadata of a cluster of one node: Kafka's KRaft log in `__cluster_metadata-0`, with this node as its only voter.
///
/// Each start is a new epoch and begins with a LeaderChange record. Each change is one record batch; ``commit(_:)``
/// writes the batches of all waiting changes at once and returns after one fsync. After a crash the log ends with whole
/// batches of changes, the last of which may not have been acknowledged: what was cut off was not, for nothing is
/// written behind a batch before its fsync.
///
/// All batches that one fsync makes durable have the same timestamp, and the next have a later one. So a reader can tell
/// an end that a crash tore from damage: two timestamps behind a bad batch say that it had been durable.
final class LocalMetadataStore: MetadataStore {
    struct Settings {
        /// `metadata.log.max.record.bytes.between.snapshots`
        var maxBytesBetweenSnapshots: Int64 = 20 << 20
        /// `metadata.log.max.snapshot.interval.ms`; 0: only by bytes.
        var maxSnapshotIntervalMs: Int64 = 3_600_000
        /// `metadata.log.segment.bytes`
        var segmentBytes: Int64 = 1 << 30
        var retention = MetadataRetention(maxBytes: 100 << 20, maxMs: 604_800_000)
    }

    /// The small files beside the log that Kafka wants.
    private enum KafkaFiles {
        case notDue
        /// There was no room for them.
        case missing
        case written
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
    private var epochs = LeaderEpochs()
    private var lastTimestampMs: Int64 = 0
    /// That of the batches that are not durable yet.
    private var openTimestampMs: Int64?
    private var bytesSinceSnapshot: Int64 = 0
    private var lastSnapshotMs: Int64 = 0
    private var kraftVersion: KRaftVersionRecord?
    private var voters: VotersRecord?
    private var isDirectoryDurable = false
    private var areParentsDurable = false
    private var kafkaFiles = KafkaFiles.notDue
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
        // Its name lasts from the first commit on, and not before what `meta.properties` says does.
        try disk.createDirectory(directory, durable: false)
        for name in try disk.list(directory).map({ $0.name }) where name.hasSuffix(MetadataSnapshot.partSuffix) {
            try disk.remove("\(directory)/\(name)")
        }
        var reader = MetadataLogReader(
            disk: disk, directory: directory,
            wasCleanStop: try disk.fileSize("\(parent)/\(LogDirectoryName.cleanStopMarker)") != nil,
            empty: ClusterImage(clusterId: identity.clusterId, controllerId: identity.nodeId))
        try reader.read()
        try takeOver(reader)
        var builder = reader.builder
        let isNew = nextOffset == 0
        epoch += 1
        epochs.assign(epoch, startOffset: nextOffset)
        var batches = [try leaderChange()]
        nextOffset += 1
        if isNew {
            try checkIsUnused()
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

    /// A new cluster would put aside whatever partitions are there.
    private func checkIsUnused() throws {
        for path in [parent] + identity.directories.map(\.path) {
            try LogDirectoryContents.checkIsUnused(path, by: directory, disk)
        }
    }

    private func takeOver(_ reader: MetadataLogReader) throws {
        for (path, reason) in reader.badSnapshots {
            logger.error("a metadata snapshot is damaged and not used", ["path": path, "reason": reason])
        }
        nextOffset = reader.nextOffset
        epoch = reader.epoch
        lastTimestampMs = reader.lastTimestampMs
        bytesSinceSnapshot = reader.bytesBehindSnapshot
        lastSnapshotMs = clock.wallMs
        kraftVersion = reader.kraftVersion
        voters = reader.voters
        readEpochs(reader)
        guard let last = reader.lastSegment else { return try begin(segment: nextOffset) }
        let segment = try disk.open("\(directory)/\(LocalMetadataLog.segmentName(last.baseOffset))", .update)
        if let torn = reader.tornEnd {
            logger.warning(
                "cut the torn end of the metadata log",
                ["path": torn.path, "position": torn.position, "bytes": torn.bytes, "reason": torn.reason])
            try segment.truncate(to: torn.position)
            // Before anything is written there: what is cut must not come back behind it.
            try segment.sync()
        }
        file = segment
        endPosition = last.end
    }

    /// What the file says of epochs that are in snapshots only, and what the segments say.
    private func readEpochs(_ reader: MetadataLogReader) {
        let contents = try? disk.readFile("\(directory)/\(LeaderEpochs.fileName)")
        epochs = contents.flatMap { try? LeaderEpochs(reading: $0) } ?? LeaderEpochs()
        epochs.truncateEnd(to: reader.epochs.first?.startOffset ?? nextOffset)
        for entry in reader.epochs { epochs.assign(entry.epoch, startOffset: entry.startOffset) }
    }

    private func leaderChange() throws(MetadataStoreError) -> Bytes {
        var voter = LeaderChangeMessage.Voter()
        voter.voterId = identity.nodeId
        var record = LeaderChangeMessage()
        if let voters, let own = voters.voters.first(where: { $0.voterId == identity.nodeId }) {
            // The quorum's members have directories (KIP-853), and say so here.
            voter.voterDirectoryId = own.voterDirectoryId
            record.version = 1
        }
        record.leaderId = identity.nodeId
        record.voters = [voter]
        record.grantingVoters = [voter]
        return try MetadataBatch.encode(control: [record], baseOffset: nextOffset, epoch: epoch, timestampMs: now())
    }

    /// The first records of a log: those that Kafka's formatting tool left, or the newest level.
    private func bootstrapRecords() throws -> [MetadataLogRecord] {
        let path = "\(parent)/\(LocalMetadataLog.bootstrapName)"
        if try disk.fileSize(path) != nil {
            var builder = ImageBuilder(ClusterImage(clusterId: identity.clusterId))
            do {
                guard try MetadataSnapshot.read(disk.open(path, .read), into: &builder) else {
                    throw MetadataStoreError("it is not whole")
                }
            } catch {
                throw MetadataStoreError("\(path) cannot be read: \(error)")
            }
            return try builder.finish().image.records
        }
        var record = FeatureLevelRecord()
        record.name = MetadataVersion.featureName
        record.featureLevel = MetadataVersion.current
        return [.featureLevel(record)]
    }

    private func checkVersion(_ image: ClusterImage) throws(MetadataStoreError) {
        let level = image.metadataVersion
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
        if failure == nil && endPosition >= settings.segmentBytes { beginNextSegment() }
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
            openTimestampMs = nil
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
        if let openTimestampMs { return openTimestampMs }
        lastTimestampMs = max(lastTimestampMs + 1, clock.wallMs)
        openTimestampMs = lastTimestampMs
        return lastTimestampMs
    }

    // MARK: Making it shorter

    func didPublish(_ image: ClusterImage) {
        if kafkaFiles != .written { tryToWriteKafkaFiles() }
        let interval = settings.maxSnapshotIntervalMs
        let isDue = interval > 0 && clock.wallMs - lastSnapshotMs >= interval
        guard isDue || bytesSinceSnapshot > settings.maxBytesBetweenSnapshots, failure == nil else { return }
        bytesSinceSnapshot = 0
        lastSnapshotMs = clock.wallMs
        let snapshot = MetadataSnapshot(endOffset: nextOffset, epoch: epoch)
        do {
            try write(snapshot, of: image)
        } catch {
            // The log is whole without it. Try again after as many bytes.
            try? disk.remove("\(directory)/\(snapshot.fileName)" + MetadataSnapshot.partSuffix)
            logger.error("cannot write a metadata snapshot", ["directory": directory, "reason": "\(error)"])
            return
        }
        beginNextSegment()
        guard failure == nil else { return }
        do {
            try removeOldFiles()
        } catch {
            logger.warning("old metadata segments stay", ["directory": directory, "reason": "\(error)"])
        }
    }

    /// Begins a segment, or goes on in the old one when there is no room for another.
    private func beginNextSegment() {
        do {
            try begin(segment: nextOffset)
        } catch  where error.isHarmless && hasNoSegment(nextOffset) {
            logger.warning(
                "the metadata log cannot begin a new segment now", ["directory": directory, "reason": "\(error)"])
        } catch {
            // A new segment may be there, and what is written behind the old one would not be read.
            failure = MetadataStoreError("the metadata log cannot begin a new segment: \(error)")
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
        let batches = try snapshot.encode(
            image, timestampMs: lastTimestampMs, kraftVersion: kraftVersion, voters: voters)
        for batch in batches {
            try target.write(batch, at: position)
            position += Int64(batch.count)
        }
        try target.sync()
        try disk.rename(part, to: path)
        try disk.syncDirectory(directory)
        logger.info("wrote a metadata snapshot", ["offset": snapshot.endOffset, "bytes": position])
    }

    /// Removes what retention no longer keeps, oldest first, so that a crash leaves no hole. A file that stays is no
    /// harm.
    private func removeOldFiles() throws(DiskError) {
        let names = try disk.list(directory).map { $0.name }
        var snapshots: [MetadataRetention.Snapshot] = []
        for name in names.sorted() {
            guard let snapshot = MetadataSnapshot(fileName: name) else { continue }
            let path = "\(directory)/\(name)"
            snapshots.append(
                .init(
                    name: snapshot, bytes: try disk.fileSize(path) ?? 0,
                    writtenMs: try disk.modificationTimeMs(path) ?? 0))
        }
        var segments: [(baseOffset: Int64, bytes: Int64)] = []
        for base in names.compactMap({ LocalMetadataLog.baseOffset($0) }).sorted() {
            segments.append((base, try disk.fileSize("\(directory)/\(LocalMetadataLog.segmentName(base))") ?? 0))
        }
        let kept = settings.retention.kept(snapshots, segments: segments, nowMs: clock.wallMs)
        let needed = segments.indices.first { MetadataRetention.isNeeded(segments, $0, from: kept.startOffset) }
        let first = needed.map { segments[$0].baseOffset } ?? 0
        for name in names.sorted() {
            // Kafka's indexes and snapshots of producers go with their segment.
            let isOldSegment = SegmentFileKind.parse(name).map { $0.baseOffset < first } ?? false
            let isOldSnapshot = MetadataSnapshot(fileName: name).map { !kept.snapshots.contains($0) } ?? false
            if isOldSegment || isOldSnapshot { try? disk.remove("\(directory)/\(name)") }
        }
        epochs.truncateStart(to: first)
    }

    // MARK: Files that Kafka wants

    /// What there is no room for is tried again after each change, and when the store is closed.
    private func tryToWriteKafkaFiles() {
        let isFirst = kafkaFiles == .notDue
        do throws(DiskError) {
            try writeKafkaFiles()
            if !isFirst { logger.info("wrote the files for Kafka", ["directory": directory]) }
            kafkaFiles = .written
        } catch {
            kafkaFiles = .missing
            guard isFirst else { return }
            logger.warning(
                "cannot write files for Kafka now", ["directory": directory, "reason": error.description])
        }
    }

    /// Writes the small files beside the log that Kafka wants and this store does not: after the first commit, so that
    /// the start does not wait for them.
    private func writeKafkaFiles() throws(DiskError) {
        try replace(
            LocalMetadataLog.quorumStateName,
            LocalMetadataLog.quorumState(nodeId: identity.nodeId, epoch: epoch, directoryId: ownDirectoryId))
        try replace(LeaderEpochs.fileName, epochs.contents)
        if try disk.fileSize("\(directory)/\(PartitionMetadataFile.name)") == nil {
            try replace(
                PartitionMetadataFile.name, PartitionMetadataFile.write(topicId: LocalMetadataLog.topicId))
        }
        try disk.syncDirectory(directory)
    }

    /// Of this node as a voter, where the quorum's members have such ids (KIP-853).
    private var ownDirectoryId: Uuid? {
        voters?.voters.first { $0.voterId == identity.nodeId }?.voterDirectoryId
    }

    /// Replaces a file; its contents are durable, its name when the directory is synced.
    private func replace(_ name: String, _ contents: Bytes) throws(DiskError) {
        let path = "\(directory)/\(name)"
        do throws(DiskError) {
            let file = try disk.open(path + ".tmp", .create)
            try file.truncate(to: 0)
            try file.write(contents, at: 0)
            try file.sync()
            try disk.rename(path + ".tmp", to: path)
        } catch {
            try? disk.remove(path + ".tmp")
            throw error
        }
    }

    func close() {
        if kafkaFiles == .missing && failure == nil { tryToWriteKafkaFiles() }
        // Behind the marker of a clean stop nothing may be torn.
        if openTimestampMs != nil && failure == nil { try? file?.sync() }
        file = nil
    }
}
