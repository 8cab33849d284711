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
        var entries: [[Substring]] = []
        for (index, line) in try lines(contents).enumerated() {
            let parts = line.split(separator: " ")
            guard parts.count == fields else { throw Malformed(line: index + 3, reason: "not \(fields) fields") }
            entries.append(parts)
        }
        return entries
    }

    private static func lines(_ contents: Bytes) throws(Malformed) -> ArraySlice<Substring> {
        let lines = contents.utf8String.split(separator: "\n", omittingEmptySubsequences: false)
        guard let version = lines.first, version == "0" else { throw Malformed(line: 1, reason: "not version 0") }
        guard lines.count > 1, let count = Int(lines[1]), count >= 0 else {
            throw Malformed(line: 2, reason: "not a number of entries")
        }
        guard lines.count - 2 >= count else { throw Malformed(line: lines.count, reason: "entries are missing") }
        guard lines[(2 + count)...].allSatisfy({ $0.isEmpty }) else {
            throw Malformed(line: count + 3, reason: "more lines than entries")
        }
        return lines[2...].prefix(count)
    }

    /// Hands out the entries of a checkpoint of offsets, line by line. One that is damaged is never passed over in silence: an
    /// offset that is missing says something, too, such as that nothing had been promised.
    /// - Throws: what is wrong first, after all that is sound.
    static func offsets(_ contents: Bytes, _ body: (TopicPartition, Int64) -> Void) throws(Malformed) {
        var damage: Malformed?
        for (index, line) in try lines(contents).enumerated() {
            let fields = line.split(separator: " ")
            guard fields.count == 3, let partition = Int32(fields[1]), let offset = Int64(fields[2]), partition >= 0,
                offset >= 0
            else {
                damage = damage ?? Malformed(line: index + 3, reason: "not a topic, a partition and an offset")
                continue
            }
            body(TopicPartition(topic: String(fields[0]), partition: partition), offset)
        }
        if let damage { throw damage }
    }

    /// Hands out the entries of a `leader-epoch-checkpoint`, line by line; those that contradict the one before are damage.
    static func leaderEpochs(_ contents: Bytes, _ body: (LeaderEpochs.Entry) -> Void) throws(Malformed) {
        var last: LeaderEpochs.Entry?
        for (index, fields) in try read(contents, fields: 2).enumerated() {
            guard let epoch = Int32(fields[0]), let offset = Int64(fields[1]), epoch >= 0, offset >= 0 else {
                throw Malformed(line: index + 3, reason: "not an epoch and an offset")
            }
            if let last, epoch <= last.epoch || offset < last.startOffset {
                throw Malformed(
                    line: index + 3,
                    reason: "epoch \(epoch) from \(offset) does not follow \(last.epoch) from \(last.startOffset)")
            }
            let entry = LeaderEpochs.Entry(epoch: epoch, startOffset: offset)
            body(entry)
            last = entry
        }
    }
}
