/// A checkpoint of one offset for each partition of a log directory: `recovery-point-offset-checkpoint`,
/// `log-start-offset-checkpoint`, `replication-offset-checkpoint`, `cleaner-offset-checkpoint`.
public struct OffsetCheckpoint: Sendable {
    public static let recoveryPointName = "recovery-point-offset-checkpoint"
    public static let logStartOffsetName = "log-start-offset-checkpoint"
    /// Up to where logs have been cleaned.
    public static let cleanedName = "cleaner-offset-checkpoint"
    /// High watermarks; the broker writes it.
    public static let highWatermarkName = "replication-offset-checkpoint"
    static let names = [recoveryPointName, logStartOffsetName, highWatermarkName, cleanedName]

    /// An offset that the log of a partition must have reached, by a directory's checkpoints; 0 when none tells of one. A log
    /// that is nowhere is lost when this is more.
    static func promisedEnd(
        _ partition: TopicPartition, _ checkpoints: some Sequence<[TopicPartition: Int64]>
    ) -> Int64 {
        checkpoints.compactMap { $0[partition] }.max() ?? 0
    }

    let disk: any Disk
    public let path: String

    /// - Parameter name: the file's name in `directory`.
    public init(disk: any Disk, directory: String, name: String) {
        self.disk = disk
        path = directory + "/" + name
    }

    /// The offsets; none when the file does not exist.
    /// - Throws: ``LogError`` with KAFKA_STORAGE_ERROR when it cannot be read or is none.
    public func read() throws(LogError) -> [TopicPartition: Int64] {
        let (offsets, damage) = readSound()
        if let damage { throw damage }
        return offsets
    }

    /// The offsets that can be read, and what is wrong with the others.
    func readSound() -> (offsets: [TopicPartition: Int64], damage: LogError?) {
        var offsets: [TopicPartition: Int64] = [:]
        do {
            guard let contents = try disk.readFile(path) else { return (offsets, nil) }
            try CheckpointFile.offsets(contents) { offsets[$0] = $1 }
            return (offsets, nil)
        } catch let error as CheckpointFile.Malformed {
            return (offsets, LogError(.kafkaStorageError, "\(path), line \(error.line): \(error.reason)"))
        } catch let error as DiskError {
            return (offsets, LogError(error))
        } catch {
            return (offsets, LogError(.kafkaStorageError, "\(path): \(error)"))
        }
    }

    /// Replaces the file; durable when this returns.
    public func write(_ offsets: [TopicPartition: Int64]) throws(LogError) {
        do {
            try replace(offsets)
        } catch {
            throw LogError(error)
        }
    }

    func replace(_ offsets: [TopicPartition: Int64]) throws(DiskError) {
        let lines = offsets.sorted { $0.key < $1.key }.map { "\($0.key.topic) \($0.key.partition) \($0.value)" }
        try disk.replaceFile(path, with: CheckpointFile.write(lines))
    }
}
