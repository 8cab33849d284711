/// Checks a partition's directory: names, each segment, and what the small files say about them.
struct PartitionCheck {
    let path: String
    let topicPartition: TopicPartition
    /// What is known from outside of the directory.
    struct Surroundings {
        /// Nil when nothing says how the last stop was.
        var wasCleanStop: Bool?
        /// Everything below was durable; from the checkpoint.
        var recoveryPoint: Int64 = 0
        var startOffset: Int64 = 0
        /// Nil when it is not known.
        var isCompacted: Bool?
        /// What the metadata says.
        var topicId: Uuid?
    }

    var surroundings: Surroundings
    private(set) var problems: [LogProblem] = []
    /// In order.
    private(set) var bases: [Int64] = []
    private var snapshots: [Int64] = []
    private var hasEpochs = false
    private var hasTopicId = false

    init(path: String, topicPartition: TopicPartition, surroundings: Surroundings) {
        self.path = path
        self.topicPartition = topicPartition
        self.surroundings = surroundings
    }

    func logPath(_ base: Int64) -> String { "\(path)/\(SegmentFileKind.log.fileName(baseOffset: base))" }

    private mutating func found(
        _ name: String, at position: Int64? = nil, _ what: String, _ severity: LogProblem.Severity = .error
    ) {
        problems.append(LogProblem(severity: severity, path: "\(path)/\(name)", position: position, what: what))
    }

    // MARK: Names

    /// Looks at the directory, so that its segments can be checked.
    mutating func readNames(_ disk: any Disk) {
        let names: [String]
        do {
            names = try disk.list(path).filter { !$0.isDirectory }.map { $0.name }.sorted()
        } catch {
            problems.append(LogProblem(path: path, what: error.description))
            return
        }
        var others: [(base: Int64, name: String)] = []
        var indexed: Set<Int64> = []
        for name in names {
            if let (base, kind) = SegmentFileKind.parse(name) {
                switch kind {
                case .log: bases.append(base)
                case .producerSnapshot: snapshots.append(base)
                default: others.append((base, name))
                }
                if kind == .offsetIndex { indexed.insert(base) }
            } else if name == LeaderEpochs.fileName {
                hasEpochs = true
            } else if name == PartitionMetadataFile.name {
                hasTopicId = true
            } else if name.hasSuffix(SegmentFileKind.deletedSuffix) {
                found(name, "waits to be removed", .warning)
            } else if name.hasSuffix(".swap") || name.hasSuffix(".cleaned") || name.hasSuffix(".tmp") {
                found(name, "is left of work that was not finished", .warning)
            } else if !isMetadataName(name) {
                found(name, "is no file of a partition", .warning)
            }
        }
        let known = Set(bases)
        for (base, name) in others where !known.contains(base) { found(name, "has no log beside it", .warning) }
        // Kafka itself writes the first segments of metadata without indexes, and so does this broker.
        if topicPartition.topic != LogDirectoryName.metadataTopic {
            for base in bases where !indexed.contains(base) {
                found(
                    SegmentFileKind.offsetIndex.fileName(baseOffset: base), "is missing and will be made anew", .warning
                )
            }
        }
    }

    private func isMetadataName(_ name: String) -> Bool {
        topicPartition.topic == LogDirectoryName.metadataTopic
            && (name == LocalMetadataLog.quorumStateName || name.hasPrefix(LocalMetadataLog.quorumStateName)
                || MetadataSnapshot(fileName: name) != nil)
    }

    // MARK: What the segments said

    /// Compares the segments with each other and with the small files.
    /// - Parameter checks: of all of ``bases``, in order.
    mutating func finish(_ disk: any Disk, _ checks: [SegmentCheck]) {
        var next: Int64?
        var history = PartitionHistory()
        for (index, check) in checks.enumerated() {
            let isLast = index == checks.count - 1
            take(check, isLast: isLast)
            let name = SegmentFileKind.log.fileName(baseOffset: check.baseOffset)
            if let next, check.baseOffset < next {
                found(name, at: 0, "begins before offset \(next), where the segment in front of it ends")
            } else if let next, check.baseOffset > next {
                gap(name, 0, "offsets \(next) to \(check.baseOffset - 1) are missing in front of it")
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
                "is of offset \(last), but the log ends at \(end)",
                explained(end) ? .warning : .error)
        }
        compareEpochs(disk, history, end: end)
        readTopicId(disk)
        if surroundings.startOffset > end {
            found("", "the log ends at \(end), below its start offset \(surroundings.startOffset)")
        }
        if surroundings.recoveryPoint > end {
            found("", "the log ends at \(end), but \(surroundings.recoveryPoint) had been made durable")
        }
    }

    /// Whether the broker's next start puts right what is wrong at `offset`: it was never promised.
    private func explained(_ offset: Int64) -> Bool {
        surroundings.wasCleanStop == false && offset >= surroundings.recoveryPoint
    }

    private mutating func take(_ check: SegmentCheck, isLast: Bool) {
        for var problem in check.problems {
            let isTorn = problem.path == check.logPath && problem.position == check.facts.tornAt && isLast
            // Indexes above the recovery point are written anew.
            let isIndex = problem.path != check.logPath && check.facts.nextOffset > surroundings.recoveryPoint
            if (isTorn && explained(check.facts.nextOffset)) || (isIndex && surroundings.wasCleanStop == false) {
                problem.severity = .warning
            }
            problems.append(problem)
        }
    }

    private mutating func gap(_ name: String, _ position: Int64, _ what: String) {
        switch surroundings.isCompacted {
        case true?: break
        case false?: found(name, at: position, what)
        case nil: found(name, at: position, "\(what): good only if the topic is compacted", .warning)
        }
    }

    // MARK: Producers and transactions

    private mutating func compare(_ disk: any Disk, snapshot offset: Int64, _ history: PartitionHistory?) {
        let name = SegmentFileKind.producerSnapshot.fileName(baseOffset: offset)
        do {
            guard let contents = try disk.readFile("\(path)/\(name)") else { return }
            let states = try ProducerSnapshotReader.read(contents)
            guard let history, surroundings.isCompacted != true else { return }
            for entry in states {
                guard let what = history.contradiction(entry, start: bases.first ?? 0) else { continue }
                found(name, at: entry.place, what)
            }
        } catch let error as ProducerSnapshotReader.Malformed {
            found(name, at: error.position, error.reason, explained(offset) ? .warning : .error)
        } catch {
            found(name, "\(error)")
        }
    }

    private mutating func compareAborted(_ disk: any Disk, _ check: SegmentCheck, _ history: PartitionHistory) {
        let name = SegmentFileKind.transactionIndex.fileName(baseOffset: check.baseOffset)
        let contents: Bytes?
        do { contents = try disk.readFile("\(path)/\(name)") } catch { return found(name, error.description) }
        let index = AbortedIndexReader(contents ?? Bytes())
        let severity = explained(check.facts.nextOffset) ? LogProblem.Severity.warning : .error
        for problem in index.problems(baseOffset: check.baseOffset) {
            found(name, at: problem.position, problem.what, severity)
        }
        guard surroundings.isCompacted != true, check.facts.gap == nil else { return }
        let inSegment = history.aborted.filter {
            $0.lastOffset >= check.baseOffset && $0.lastOffset < check.facts.nextOffset
        }
        for entry in index.entries {
            guard let aborted = inSegment.first(where: { $0.lastOffset == entry.lastOffset }) else {
                found(name, at: entry.place, "no transaction was aborted at offset \(entry.lastOffset)", severity)
                continue
            }
            if aborted.producerId != entry.producerId || aborted.firstOffset != entry.firstOffset {
                found(
                    name, at: entry.place,
                    "says producer \(entry.producerId) from offset \(entry.firstOffset); in the log it is "
                        + "\(aborted.producerId) from \(aborted.firstOffset)", severity)
            }
        }
        for aborted in inSegment where !index.entries.contains(where: { $0.lastOffset == aborted.lastOffset }) {
            found(
                name, at: nil,
                "the transaction of producer \(aborted.producerId) from \(aborted.firstOffset) to \(aborted.lastOffset) "
                    + "was aborted and is missing", severity)
        }
    }

    // MARK: Epochs and id

    private mutating func compareEpochs(_ disk: any Disk, _ history: PartitionHistory, end: Int64) {
        guard hasEpochs else {
            if !history.epochs.isEmpty {
                found(LeaderEpochs.fileName, "is missing", explained(end) ? .warning : .error)
            }
            return
        }
        let epochs: [LeaderEpochs.Entry]
        do {
            let contents = try disk.readFile("\(path)/\(LeaderEpochs.fileName)") ?? Bytes()
            epochs = try EpochFileReader.read(contents)
        } catch let error as CheckpointFile.Malformed {
            return found(LeaderEpochs.fileName, "line \(error.line): \(error.reason)")
        } catch {
            return found(LeaderEpochs.fileName, "\(error)")
        }
        for (line, entry) in epochs.enumerated() where entry.startOffset > end && !explained(end) {
            found(
                LeaderEpochs.fileName,
                "line \(line + 3): epoch \(entry.epoch) begins at \(entry.startOffset), behind the "
                    + "end of the log at \(end)")
        }
        // The last run's epochs may not have reached the file.
        for entry in history.epochs where !explained(entry.startOffset) {
            let said = epochs.last { $0.startOffset <= entry.startOffset }?.epoch
            if said != entry.epoch && entry.startOffset >= surroundings.startOffset {
                found(
                    LeaderEpochs.fileName,
                    "offset \(entry.startOffset) is of epoch \(entry.epoch) in the log, and of "
                        + (said.map { "\($0)" } ?? "none") + " here")
            }
        }
    }

    private mutating func readTopicId(_ disk: any Disk) {
        guard hasTopicId else { return }
        do {
            let contents = try disk.readFile("\(path)/\(PartitionMetadataFile.name)") ?? Bytes()
            guard let id = PartitionMetadataFile.read(contents) else {
                return found(PartitionMetadataFile.name, "no topic id of version 0")
            }
            if let wanted = surroundings.topicId, wanted != id {
                found(PartitionMetadataFile.name, "says topic id \(id), the metadata \(wanted)")
            }
        } catch {
            found(PartitionMetadataFile.name, error.description)
        }
    }
}
