/// Checks data directories: `meta.properties`, checkpoints, names, the cluster's metadata, every partition.
struct DataDirectoryCheck {
    let disk: any Disk
    /// Whether records are decoded.
    let decodesRecords: Bool
    let threads: Int

    private(set) var problems: [LogProblem] = []
    private(set) var partitions = 0
    private(set) var segments = 0
    private(set) var totals = SegmentFacts(nextOffset: 0)
    private var image: ClusterImage?
    private var metas: [(path: String, meta: MetaProperties)] = []
    private var work: [(check: PartitionCheck, range: Range<Int>)] = []
    private var segmentWork: [SegmentCheck] = []

    init(disk: any Disk, decodesRecords: Bool, threads: Int) {
        self.disk = disk
        self.decodesRecords = decodesRecords
        self.threads = threads
    }

    /// Whether `path` is the directory of one partition.
    static func partition(_ path: String) -> TopicPartition? {
        LogDirectoryName.parse(path.split(separator: "/").last.map(String.init) ?? "")
    }

    /// Checks all of `paths`, data directories of one broker or directories of partitions.
    mutating func run(_ paths: [String]) {
        let directories = paths.filter { DataDirectoryCheck.partition($0) == nil }
        let parents = Set(paths.filter { DataDirectoryCheck.partition($0) != nil }.map(parentDirectory)).sorted()
        for path in directories + parents { readMetadata(path, isAsked: directories.contains(path)) }
        for path in directories { readDirectory(path) }
        for path in paths {
            guard let partition = DataDirectoryCheck.partition(path) else { continue }
            add(path, partition, surroundings(parentDirectory(path), partition, quiet: true))
        }
        checkSegments()
        problems.sort { ($0.path, $0.position ?? -1) < ($1.path, $1.position ?? -1) }
    }

    private mutating func found(
        _ path: String, at position: Int64? = nil, _ what: String, _ severity: LogProblem.Severity = .error
    ) {
        problems.append(LogProblem(severity: severity, path: path, position: position, what: what))
    }

    // MARK: The cluster

    private mutating func readMetadata(_ path: String, isAsked: Bool) {
        let directory = "\(path)/\(LocalMetadataLog.directoryName)"
        guard let entries = try? disk.list(directory), !entries.isEmpty else { return }
        var reader = MetadataLogReader(
            disk: disk, directory: directory, wasCleanStop: isClean(path), empty: ClusterImage(clusterId: ""))
        do {
            try reader.read()
            var builder = reader.builder
            image = try builder.finish(lastOffset: reader.nextOffset - 1).image
        } catch {
            if isAsked { found(directory, "\(error)") }
            return
        }
        guard isAsked else { return }
        for (snapshot, reason) in reader.badSnapshots { found(snapshot, reason) }
        if let torn = reader.tornEnd {
            found(torn.path, at: torn.position, "\(torn.bytes) bytes at the end are no whole batch", .warning)
        }
    }

    private func isClean(_ path: String) -> Bool {
        (try? disk.fileSize("\(path)/\(LogDirectoryName.cleanStopMarker)")).flatMap { $0 } != nil
    }

    // MARK: A directory

    private mutating func readDirectory(_ path: String) {
        let entries: [DirectoryEntry]
        do { entries = try disk.list(path).sorted { $0.name < $1.name } } catch {
            return found(path, error.description)
        }
        readMetaProperties(path)
        var checkpoints: [String: [TopicPartition: Int64]] = [:]
        for entry in entries where !entry.isDirectory {
            switch DumpedFile(path: entry.name) {
            case .offsets:
                do {
                    checkpoints[entry.name] = try readOffsets("\(path)/\(entry.name)")
                } catch {
                    found("\(path)/\(entry.name)", "line \(error.line): \(error.reason)")
                }
            case .metaProperties, .cleanStopMarker: break
            case .metadataSnapshot(nil): readBootstrap("\(path)/\(entry.name)")
            default:
                if entry.name != LogDirectoryName.lockFile && entry.name != ".kafka_cleanshutdown.tmp" {
                    found("\(path)/\(entry.name)", "is no file of a data directory", .warning)
                }
            }
        }
        var present: Set<TopicPartition> = []
        for entry in entries where entry.isDirectory {
            let folder = "\(path)/\(entry.name)"
            if LogDirectoryName.isDeleted(entry.name) {
                found(folder, "waits to be removed", .warning)
            } else if LogDirectoryName.isFuture(entry.name) {
                found(folder, "is a copy that was not finished", .warning)
            } else if entry.name.hasSuffix(LogDirectoryName.straySuffix) {
                found(folder, "belongs to no topic of the cluster and was put aside", .warning)
            } else if let partition = LogDirectoryName.parse(entry.name) {
                present.insert(partition)
                add(folder, partition, surroundings(path, partition, quiet: false))
            } else {
                found(folder, "is no directory of a partition", .warning)
            }
        }
        compareCheckpoints(path, checkpoints, present)
        findMissing(path, present)
    }

    private mutating func readMetaProperties(_ path: String) {
        let file = "\(path)/\(MetaProperties.fileName)"
        do {
            guard let contents = try disk.readFile(file) else { return found(file, "is missing") }
            let meta = try MetaProperties(text: contents.utf8String)
            if let image, !image.clusterId.isEmpty, meta.clusterId != image.clusterId {
                found(file, "belongs to cluster \(meta.clusterId ?? "none")")
            }
            if meta.clusterId == nil || meta.nodeId == nil { found(file, "has no cluster.id or no node.id") }
            for (other, otherMeta) in metas {
                if otherMeta.clusterId != meta.clusterId || otherMeta.nodeId != meta.nodeId {
                    found(file, "belongs to another node or cluster than \(other)")
                } else if meta.directoryId != nil && otherMeta.directoryId == meta.directoryId {
                    found(file, "has the directory.id of \(other): one is a copy")
                }
            }
            metas.append((file, meta))
        } catch {
            found(file, "\(error)")
        }
    }

    private mutating func readBootstrap(_ file: String) {
        var builder = ImageBuilder(ClusterImage(clusterId: ""))
        do {
            guard try MetadataSnapshot.read(disk.open(file, .read), into: &builder) else {
                return found(file, "its footer is missing")
            }
        } catch {
            found(file, "\(error)")
        }
    }

    private func readOffsets(_ file: String) throws(CheckpointFile.Malformed) -> [TopicPartition: Int64] {
        let contents: Bytes
        do { contents = try disk.readFile(file) ?? Bytes() } catch {
            throw CheckpointFile.Malformed(line: 0, reason: error.description)
        }
        var offsets: [TopicPartition: Int64] = [:]
        for (index, fields) in try CheckpointFile.read(contents, fields: 3).enumerated() {
            guard let partition = Int32(fields[1]), let offset = Int64(fields[2]), partition >= 0, offset >= 0 else {
                throw CheckpointFile.Malformed(line: index + 3, reason: "not a topic, a partition and an offset")
            }
            offsets[TopicPartition(topic: String(fields[0]), partition: partition)] = offset
        }
        return offsets
    }

    private mutating func compareCheckpoints(
        _ path: String, _ checkpoints: [String: [TopicPartition: Int64]], _ present: Set<TopicPartition>
    ) {
        for (name, offsets) in checkpoints {
            for partition in offsets.keys.sorted() where !present.contains(partition) {
                found("\(path)/\(name)", "has partition \(partition), which is not here", .warning)
            }
        }
    }

    /// Partitions that the metadata places in this directory.
    private mutating func findMissing(_ path: String, _ present: Set<TopicPartition>) {
        guard let image, let id = metas.last(where: { parentDirectory($0.path) == path })?.meta.directoryId else {
            return
        }
        for topic in image.topics.sorted(by: { $0.name < $1.name }) {
            for (index, partition) in topic.partitions.enumerated() {
                let wanted = TopicPartition(topic: topic.name, partition: Int32(index))
                if partition.directories.contains(id) && !present.contains(wanted) {
                    found(path, "partition \(wanted) is missing; the metadata says that it is here")
                }
            }
        }
    }

    // MARK: Partitions

    private func surroundings(
        _ directory: String, _ partition: TopicPartition, quiet: Bool
    ) -> PartitionCheck.Surroundings {
        var known = PartitionCheck.Surroundings()
        known.wasCleanStop = isClean(directory)
        func offset(_ name: String) -> Int64 { (try? readOffsets("\(directory)/\(name)"))?[partition] ?? 0 }
        known.recoveryPoint = offset(OffsetCheckpoint.recoveryPointName)
        known.startOffset = offset(OffsetCheckpoint.logStartOffsetName)
        if partition.topic == LogDirectoryName.metadataTopic {
            known.topicId = LocalMetadataLog.topicId
            known.isCompacted = false
        } else if let image {
            known.topicId = image.topic(partition.topic)?.id
            let own = image.configs(of: .topic(partition.topic))["cleanup.policy"]
            known.isCompacted = own?.contains("compact") ?? false
        }
        return known
    }

    private mutating func add(_ path: String, _ partition: TopicPartition, _ known: PartitionCheck.Surroundings) {
        var check = PartitionCheck(path: path, topicPartition: partition, surroundings: known)
        check.readNames(disk)
        let start = segmentWork.count
        for base in check.bases {
            segmentWork.append(
                SegmentCheck(logPath: check.logPath(base), baseOffset: base, decodesRecords: decodesRecords))
        }
        work.append((check, start..<segmentWork.count))
        if image != nil, known.topicId == nil, partition.topic != LogDirectoryName.metadataTopic {
            found(path, "belongs to no topic of the cluster", .warning)
        }
    }

    private mutating func checkSegments() {
        // The largest first, so that the last thread is not left with one.
        let todo = segmentWork
        let done = Parallel.map(todo, threads: threads) { [disk] check in
            var check = check
            check.run(disk)
            return check
        }
        for (partition, range) in work {
            var partition = partition
            partition.finish(disk, Array(done[range]))
            problems += partition.problems
        }
        partitions = work.count
        segments = done.count
        for check in done {
            totals.bytes += check.facts.bytes
            totals.batches += check.facts.batches
            totals.records += check.facts.records
        }
    }
}
