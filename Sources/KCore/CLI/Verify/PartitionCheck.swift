/// Checks a partition's directory: names, each segment, and what the small files say about them.
struct PartitionCheck {
    /// What is known from outside of the directory.
    struct Surroundings {
        /// Nil when nothing says how the last stop was: the partition lies in no data directory.
        var wasCleanStop: Bool?
        /// Everything below was durable; from the checkpoint.
        var recoveryPoint: Int64 = 0
        var startOffset: Int64 = 0
        /// 0 when the checkpoint does not say.
        var highWatermark: Int64 = 0
        var compaction = CompactionTraces()
        /// What the metadata says.
        var topicId: Uuid?
    }

    let path: String
    let topicPartition: TopicPartition
    var surroundings: Surroundings
    private(set) var problems: [LogProblem] = []
    /// In order.
    private(set) var bases: [Int64] = []
    private var snapshots: [Int64] = []
    /// Small files that are there.
    private(set) var smallFiles: Set<String> = []

    init(path: String, topicPartition: TopicPartition, surroundings: Surroundings) {
        self.path = path
        self.topicPartition = topicPartition
        self.surroundings = surroundings
    }

    var isMetadata: Bool { topicPartition.topic == LogDirectoryName.metadataTopic }

    func logPath(_ base: Int64) -> String { "\(path)/\(SegmentFileKind.log.fileName(baseOffset: base))" }

    /// - Parameter name: a file's; nil for the directory itself.
    mutating func found(
        _ name: String?, at position: Int64? = nil, _ what: String, _ severity: LogProblem.Severity = .error
    ) {
        let place = name.map { "\(path)/\($0)" } ?? path
        problems.append(LogProblem(severity: severity, path: place, position: position, what: what))
    }

    /// Whether the broker's next start puts right what is wrong at `offset`: it was never promised.
    func explained(_ offset: Int64) -> Bool {
        surroundings.wasCleanStop == false && offset >= surroundings.recoveryPoint
    }

    // MARK: Names

    /// Looks at the directory, so that its segments can be checked.
    mutating func readNames(_ disk: any Disk) {
        let names: [String]
        do {
            names = try disk.list(path).filter { !$0.isDirectory }.map { $0.name }.sorted()
        } catch {
            return found(nil, error.description)
        }
        var others: [(base: Int64, name: String)] = []
        var indexed: [SegmentFileKind: Set<Int64>] = [:]
        var deleted = 0
        for name in names {
            switch DumpedFile.Place(name: name) {
            case .regular: break
            case .deleted:
                deleted += 1
                continue
            case .unfinished:
                found(name, "is left of work that was not finished", .warning)
                continue
            }
            switch DumpedFile(path: name) {
            case .segment(.log, let base): bases.append(base)
            case .segment(.producerSnapshot, let base): snapshots.append(base)
            case .segment(let kind, let base):
                others.append((base, name))
                indexed[kind, default: []].insert(base)
            case .leaderEpochs, .partitionMetadata: smallFiles.insert(name)
            case .quorumState where isMetadata: smallFiles.insert(name)
            case .metadataSnapshot(.some) where isMetadata: break
            case .quorumState, .metadataSnapshot, .offsets, .metaProperties, .cleanStopMarker, .lock, nil:
                found(name, "is no file of a partition", .warning)
            }
        }
        if deleted > 0 {
            found(nil, deleted == 1 ? "1 file waits to be removed" : "\(deleted) files wait to be removed", .warning)
        }
        let known = Set(bases)
        for (base, name) in others where !known.contains(base) { found(name, "has no log beside it", .warning) }
        // Kafka itself writes the first segments of metadata without indexes, and so does this broker.
        if isMetadata { return }
        for kind in [SegmentFileKind.offsetIndex, .timeIndex] {
            for base in bases where indexed[kind]?.contains(base) != true {
                found(kind.fileName(baseOffset: base), "is missing and will be made anew", .warning)
            }
        }
    }

    // MARK: What the segments said

    /// Compares the segments with each other and with the small files.
    /// - Parameter checks: of all of ``bases``, in order.
    mutating func finish(_ disk: any Disk, _ checks: [SegmentCheck]) {
        var next: Int64?
        var history = PartitionHistory()
        for (index, check) in checks.enumerated() {
            take(check, isLast: index == checks.count - 1)
            let name = SegmentFileKind.log.fileName(baseOffset: check.baseOffset)
            let dense = surroundings.compaction.cleanedOffset
            if let next, check.baseOffset < next {
                found(name, at: 0, "begins before offset \(next), where the segment in front of it ends")
            } else if let next, check.baseOffset > max(next, dense) {
                gap(name, 0, "offsets \(max(next, dense)) to \(check.baseOffset - 1) are missing in front of it")
            }
            if let gap = check.facts.gap { self.gap(name, gap.position, gap.what) }
            if snapshots.contains(check.baseOffset) { compare(disk, snapshot: check.baseOffset, history) }
            history.add(check.facts)
            compareAborted(disk, check, history)
            next = check.facts.nextOffset
        }
        let end = next ?? 0
        for offset in snapshots where !bases.contains(offset) {
            compare(disk, snapshot: offset, offset == end ? history : nil)
        }
        if let last = snapshots.last, last > end {
            found(
                SegmentFileKind.producerSnapshot.fileName(baseOffset: last),
                "is of offset \(last), but the log ends at \(end)", explained(end) ? .warning : .error)
        }
        checkSmallFiles(disk, history, end: end)
        compareEnd(end)
    }

    /// Compares the log's end with what the checkpoints of the data directory say of it.
    private mutating func compareEnd(_ end: Int64) {
        let severity = explained(end) ? LogProblem.Severity.warning : .error
        if surroundings.startOffset > end {
            found(nil, "the log ends at \(end), below its start offset \(surroundings.startOffset)")
        }
        if surroundings.recoveryPoint > end {
            found(nil, "the log ends at \(end), but \(surroundings.recoveryPoint) had been made durable")
        }
        if surroundings.highWatermark > end {
            found(
                nil, "the log ends at \(end), below the high watermark \(surroundings.highWatermark) of its last run",
                severity)
        }
        if surroundings.compaction.cleanedOffset > end {
            let cleaned = surroundings.compaction.cleanedOffset
            found(nil, "the log ends at \(end), but had been cleaned up to \(cleaned)", severity)
        }
    }

    private mutating func take(_ check: SegmentCheck, isLast: Bool) {
        for var problem in check.problems {
            let isTorn = problem.path == check.logPath && problem.position == check.facts.tornAt && isLast
            // Indexes above the recovery point are written anew.
            let isIndex = problem.path != check.logPath && check.facts.nextOffset > surroundings.recoveryPoint
            if (isTorn && explained(check.facts.nextOffset)) || (isIndex && surroundings.wasCleanStop == false) {
                problem.severity = .warning
            } else if isTorn && surroundings.wasCleanStop == nil {
                problem.what +=
                    " (good only after a crash, and no \(MetaProperties.fileName) beside the partition's directory "
                    + "says where it comes from)"
            }
            problems.append(problem)
        }
    }

    private mutating func gap(_ name: String, _ position: Int64, _ what: String) {
        if let excuse = surroundings.compaction.excuse {
            found(name, at: position, "\(what): good only if \(excuse)", .warning)
        } else {
            found(name, at: position, what)
        }
    }
}
