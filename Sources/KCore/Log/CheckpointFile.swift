/// Kafka's checkpoint files: text, a version, the number of entries, and one entry on each line.
///
///     0
///     2
///     orders 0 18230
///     orders 1 17422
enum CheckpointFile {
    /// What is wrong with the text of a checkpoint, for a message.
    struct Malformed: Error, Equatable, Sendable {
        var line: Int
        var reason: String
    }

    static func write(_ entries: [String]) -> Bytes {
        var text = "0\n\(entries.count)\n"
        for entry in entries { text += entry + "\n" }
        return Bytes(text)
    }

    /// The fields of each entry.
    static func read(_ contents: Bytes, fields: Int) throws(Malformed) -> [[Substring]] {
        let lines = contents.utf8String.split(separator: "\n", omittingEmptySubsequences: false)
        guard let version = lines.first, version == "0" else { throw Malformed(line: 1, reason: "not version 0") }
        guard lines.count > 1, let count = Int(lines[1]), count >= 0 else {
            throw Malformed(line: 2, reason: "not a number of entries")
        }
        guard lines.count - 2 >= count else { throw Malformed(line: lines.count, reason: "entries are missing") }
        var entries: [[Substring]] = []
        for (index, line) in lines[2...].prefix(count).enumerated() {
            let parts = line.split(separator: " ")
            guard parts.count == fields else { throw Malformed(line: index + 3, reason: "not \(fields) fields") }
            entries.append(parts)
        }
        guard lines[(2 + count)...].allSatisfy({ $0.isEmpty }) else {
            throw Malformed(line: count + 3, reason: "more lines than entries")
        }
        return entries
    }
}

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
        do {
            guard let contents = try disk.readFile(path) else { return [:] }
            var offsets: [TopicPartition: Int64] = [:]
            for fields in try CheckpointFile.read(contents, fields: 3) {
                guard let partition = Int32(fields[1]), let offset = Int64(fields[2]), offset >= 0 else {
                    continue
                }
                offsets[TopicPartition(topic: String(fields[0]), partition: partition)] = offset
            }
            return offsets
        } catch let error as CheckpointFile.Malformed {
            throw LogError(.kafkaStorageError, "\(path), line \(error.line): \(error.reason)")
        } catch let error as DiskError {
            throw LogError(error)
        } catch {
            throw LogError(.kafkaStorageError, "\(path): \(error)")
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
