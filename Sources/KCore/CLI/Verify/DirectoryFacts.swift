/// What a data directory says of itself and of the partitions in it, as far as it can be read.
struct DirectoryFacts {
    /// Nil when there is no `meta.properties`, or none that can be read.
    private(set) var meta: MetaProperties?
    /// Whether there is a `meta.properties`: otherwise it is no data directory.
    private(set) var hasMeta = false
    private(set) var wasCleanStop = false
    /// By the checkpoint's name.
    private(set) var checkpoints: [String: [TopicPartition: Int64]] = [:]
    /// Checkpoints that cannot be read.
    private(set) var malformed: [(name: String, error: CheckpointFile.Malformed)] = []
    /// Why `meta.properties` cannot be read.
    private(set) var metaProblem: String?
    /// Those that have a directory here; for whoever lists it.
    var partitions: Set<TopicPartition> = []
    /// Those whose directory waits to be removed; likewise.
    var deleted: Set<TopicPartition> = []

    init(_ path: String, _ disk: any Disk) {
        wasCleanStop = (try? disk.fileSize("\(path)/\(LogDirectoryName.cleanStopMarker)")).flatMap { $0 } != nil
        do {
            if let contents = try disk.readFile("\(path)/\(MetaProperties.fileName)") {
                hasMeta = true
                meta = try MetaProperties(text: contents.utf8String)
            }
        } catch {
            metaProblem = "\(error)"
        }
        for name in OffsetCheckpoint.names {
            do throws(CheckpointFile.Malformed) {
                checkpoints[name] = try Self.offsets("\(path)/\(name)", disk)
            } catch {
                malformed.append((name, error))
            }
        }
    }

    func offset(_ name: String, _ partition: TopicPartition) -> Int64? { checkpoints[name]?[partition] }

    /// Up to where the partition's records had been made durable.
    func promise(_ partition: TopicPartition) -> Int64 { offset(OffsetCheckpoint.recoveryPointName, partition) ?? 0 }

    /// An offset that the partition's log must have reached; 0 when nothing says that there was one. The broker's start
    /// refuses a partition with such a promise and without a log.
    func promisedEnd(_ partition: TopicPartition) -> Int64 {
        deleted.contains(partition) ? 0 : OffsetCheckpoint.promisedEnd(partition, checkpoints.values)
    }

    /// - Returns: nil when there is no such file.
    private static func offsets(
        _ file: String, _ disk: any Disk
    ) throws(CheckpointFile.Malformed) -> [TopicPartition: Int64]? {
        let contents: Bytes
        do {
            guard let read = try disk.readFile(file) else { return nil }
            contents = read
        } catch {
            throw CheckpointFile.Malformed(line: 0, reason: error.description)
        }
        var offsets: [TopicPartition: Int64] = [:]
        try CheckpointFile.offsets(contents) { offsets[$0] = $1 }
        return offsets
    }
}
