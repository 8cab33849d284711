extension DataDirectoryCheck {
    /// Reads the files of a data directory and takes its partitions on.
    mutating func readDirectory(_ path: String) {
        let entries: [DirectoryEntry]
        do { entries = try disk.list(path).sorted { $0.name < $1.name } } catch {
            return found(path, error.description)
        }
        let known = DirectoryFacts(path, disk)
        checkMetaProperties(path, known)
        facts[path] = known
        for (name, error) in known.malformed { found("\(path)/\(name)", "line \(error.line): \(error.reason)") }
        for entry in entries where !entry.isDirectory { checkFile(path, entry.name) }
        for entry in entries where entry.isDirectory { checkFolder(path, entry.name) }
    }

    private mutating func checkFile(_ path: String, _ name: String) {
        let file = "\(path)/\(name)"
        switch DumpedFile.Place(name: name) {
        case .regular: break
        case .deleted: return found(file, "waits to be removed", .warning)
        case .unfinished:
            // Kafka leaves that of its marker behind.
            if name == LogDirectoryName.cleanStopMarker + ".tmp" { return }
            return found(file, "is left of work that was not finished", .warning)
        }
        switch DumpedFile(path: name) {
        case .offsets, .metaProperties, .lock: break
        case .metadataSnapshot(nil): readBootstrap(file)
        case .cleanStopMarker:
            let contents = (try? disk.readFile(file)).flatMap { $0 } ?? Bytes()
            // The file's being there is what counts.
            if let what = JSONFiles.problemOfCleanStopMarker(contents) { found(file, what, .warning) }
        case .segment, .metadataSnapshot, .leaderEpochs, .partitionMetadata, .quorumState, nil:
            found(file, "is no file of a data directory", .warning)
        }
    }

    private mutating func checkFolder(_ path: String, _ name: String) {
        let folder = "\(path)/\(name)"
        if LogDirectoryName.isDeleted(name) {
            if let partition = LogDirectoryName.parseDeleted(name) { facts[path]?.deleted.insert(partition) }
            found(folder, "waits to be removed", .warning)
        } else if LogDirectoryName.isFuture(name) {
            found(folder, "is a copy that was not finished", .warning)
        } else if name.hasSuffix(LogDirectoryName.straySuffix) {
            found(folder, "belongs to no topic of the cluster and was put aside", .warning)
        } else if let partition = LogDirectoryName.parse(name) {
            facts[path]?.partitions.insert(partition)
            add(folder, partition, surroundings(path, partition))
        } else {
            found(folder, "is no directory of a partition", .warning)
        }
    }

    private mutating func checkMetaProperties(_ path: String, _ known: DirectoryFacts) {
        let file = "\(path)/\(MetaProperties.fileName)"
        if let problem = known.metaProblem { return found(file, problem) }
        guard let meta = known.meta else { return found(file, "is missing") }
        if let image = cluster?.image, !image.clusterId.isEmpty, meta.clusterId != image.clusterId {
            found(file, "belongs to cluster \(meta.clusterId ?? "none")")
        }
        if meta.clusterId == nil || meta.nodeId == nil { found(file, "has no cluster.id or no node.id") }
        if let id = meta.clusterId, Uuid(id) == nil {
            found(file, "has the cluster.id \(id), which is not 22 characters of an id", .warning)
        }
        for (other, others) in facts.sorted(by: { $0.key < $1.key }) {
            guard let otherMeta = others.meta else { continue }
            if otherMeta.clusterId != meta.clusterId || otherMeta.nodeId != meta.nodeId {
                found(file, "belongs to another node or cluster than \(other)/\(MetaProperties.fileName)")
            } else if meta.directoryId != nil && otherMeta.directoryId == meta.directoryId {
                found(file, "has the directory.id of \(other)/\(MetaProperties.fileName): one is a copy")
            }
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

    // MARK: Checkpoints

    /// What a stop in order leaves in every directory that has partitions.
    private static let leftByCleanStop = [
        OffsetCheckpoint.recoveryPointName, OffsetCheckpoint.logStartOffsetName, OffsetCheckpoint.highWatermarkName,
    ]

    /// Compares what the checkpoints of a data directory name with what is there, when all directories have been read.
    mutating func compareCheckpoints(_ path: String) {
        guard let known = facts[path] else { return }
        if known.wasCleanStop && known.partitions.contains(where: { $0.topic != LogDirectoryName.metadataTopic }) {
            for name in Self.leftByCleanStop {
                guard known.checkpoints[name] == nil, !known.malformed.contains(where: { $0.name == name }) else {
                    continue
                }
                found("\(path)/\(name)", "is missing, although the broker was stopped in order", .warning)
            }
        }
        for partition in Set(known.checkpoints.values.flatMap(\.keys)).subtracting(known.partitions) {
            var end = isLost(partition, known) ? known.promisedEnd(partition) : 0
            for name in OffsetCheckpoint.names {
                guard let offset = known.offset(name, partition) else { continue }
                if end > 0 && offset == end {
                    found("\(path)/\(name)", "has partition \(partition) up to offset \(offset), which is not here")
                    // Once is enough.
                    end = 0
                } else {
                    found("\(path)/\(name)", "has partition \(partition), which is not here", .warning)
                }
            }
        }
    }

    // Of a partition that is not here. After a stop in order checkpoints name what is there; after any other, partitions too
    // that had been deleted, and the metadata tells.
    private func isLost(_ partition: TopicPartition, _ known: DirectoryFacts) -> Bool {
        guard isTopicKnown(partition) && (known.wasCleanStop || cluster != nil) else { return false }
        return !facts.values.contains { $0.partitions.contains(partition) }
    }
}
