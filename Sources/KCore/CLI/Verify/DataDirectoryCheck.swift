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
    /// What the directories say of themselves, those whose partitions only are asked for included.
    var facts: [String: DirectoryFacts] = [:]
    /// The cluster, and the directory of the metadata log that says so.
    var cluster: (image: ClusterImage, path: String)?
    /// Metadata logs of the directories that were asked for.
    var metadataLogs: [String] = []
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
        let parents = Set(paths.filter { DataDirectoryCheck.partition($0) != nil }.map(parentDirectory))
            .subtracting(directories).sorted()
        for path in directories + parents { readMetadata(path, isAsked: directories.contains(path)) }
        for log in metadataLogs {
            guard let known = cluster?.path, log != known else { continue }
            found(log, "is a second metadata log; the cluster is that of \(known)")
        }
        for path in parents { facts[path] = DirectoryFacts(path, disk) }
        for path in directories { readDirectory(path) }
        for path in directories { compareCheckpoints(path) }
        for path in paths {
            guard let partition = DataDirectoryCheck.partition(path), !directories.contains(parentDirectory(path))
            else { continue }
            add(path, partition, surroundings(parentDirectory(path), partition))
        }
        compareWithMetadata(directories)
        checkSegments()
        problems.sort { ($0.path, $0.position ?? -1) < ($1.path, $1.position ?? -1) }
    }

    mutating func found(
        _ path: String, at position: Int64? = nil, _ what: String, _ severity: LogProblem.Severity = .error
    ) {
        problems.append(LogProblem(severity: severity, path: path, position: position, what: what))
    }

    // MARK: Partitions

    /// Takes a partition's directory on for ``checkSegments()``.
    mutating func add(_ path: String, _ partition: TopicPartition, _ known: PartitionCheck.Surroundings) {
        var check = PartitionCheck(path: path, topicPartition: partition, surroundings: known)
        check.readNames(disk)
        let start = segmentWork.count
        for base in check.bases {
            segmentWork.append(
                SegmentCheck(
                    logPath: check.logPath(base), baseOffset: base, decodesRecords: decodesRecords,
                    denseFrom: known.compaction.cleanedOffset))
        }
        work.append((check, start..<segmentWork.count))
        if cluster != nil, known.topicId == nil, !check.isMetadata {
            found(path, "belongs to no topic of the cluster", .warning)
        }
    }

    private mutating func checkSegments() {
        // The largest first, so that the last thread is not left with one.
        let sizes = segmentWork.map { (try? disk.fileSize($0.logPath)).flatMap { $0 } ?? 0 }
        let order = segmentWork.indices.sorted { sizes[$0] > sizes[$1] }
        let checked = Parallel.map(order.map { segmentWork[$0] }, threads: threads) { [disk] check in
            var check = check
            check.run(disk)
            return check
        }
        var done = segmentWork
        for (index, check) in zip(order, checked) { done[index] = check }
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
