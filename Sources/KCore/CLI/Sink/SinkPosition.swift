/// How much of a partition's output counts: the file `position` in its directory, which is replaced as a whole.
///
///     version=1
///     topic=orders
///     topic_id=Fz3ZQ1VrTtK8p0b2yHn4uA
///     partition=0
///     partitions=4
///     format='%v\n'
///     offset=1234
///     file=00000000000000000000.lines
///     bytes=56789
struct SinkPosition: Equatable, Sendable {
    static let fileName = "position"
    private static let suffix = ".lines"

    var partition: TopicPartition
    /// What -f says, in quotes, so that a shell can read the file, or `json`; nil where it is not known.
    var format: String?
    /// A topic that is made anew under the same name has another; zero from brokers without ids.
    var topicId: Uuid
    /// How many partitions the topic had when this output began: others were added later. Nil where that is not known.
    var partitions: Int32?
    /// The first offset that is not in the output.
    var offset: Int64
    /// The last file of the output; those before it count as they are.
    var file: String
    /// How much of that file counts.
    var bytes: Int64

    /// The name of the file whose first record is at `offset` or behind it.
    static func fileName(_ offset: Int64) -> String {
        let digits = String(offset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + suffix
    }

    static func isOutput(_ name: String) -> Bool {
        let digits = name.dropLast(suffix.count)
        return name.hasSuffix(suffix) && digits.utf8.count == 20 && digits.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    var text: String {
        """
        version=1
        topic=\(partition.topic)\(topicId.isZero ? "" : "\ntopic_id=\(topicId)")
        partition=\(partition.partition)\(partitions.map { "\npartitions=\($0)" } ?? "")\(format.map { "\nformat=\($0)" } ?? "")
        offset=\(offset)
        file=\(file)
        bytes=\(bytes)

        """
    }

    init(
        partition: TopicPartition, partitions: Int32? = nil, format: String? = nil, topicId: Uuid = .zero,
        offset: Int64, file: String, bytes: Int64
    ) {
        self.partitions = partitions
        self.format = format
        self.partition = partition
        self.topicId = topicId
        self.offset = offset
        self.file = file
        self.bytes = bytes
    }

    /// - Returns: nil for anything but what ``text`` gives for this partition.
    init?(_ text: String, of partition: TopicPartition) {
        guard let values = try? PropertiesFile.dictionary(text), values["version"] == "1",
            values["topic"] == partition.topic, values["partition"] == "\(partition.partition)",
            let offset = values["offset"].flatMap({ Int64($0) }), offset >= 0,
            let bytes = values["bytes"].flatMap({ Int64($0) }), bytes >= 0,
            let file = values["file"], SinkPosition.isOutput(file),
            let topicId = values["topic_id"].map({ Uuid($0) }) ?? .some(.zero),
            let partitions = values["partitions"].map({ Int32($0) }) ?? .some(0)
        else { return nil }
        // As it stands there: what a backslash means is the format's.
        let format = text.split(separator: "\n").first { $0.hasPrefix("format=") }.map { String($0.dropFirst(7)) }
        self.init(
            partition: partition, partitions: partitions > 0 ? partitions : nil, format: format, topicId: topicId,
            offset: offset, file: file, bytes: bytes)
    }

    /// - Parameter format: what -f says; nil for `--json`.
    static func format(_ format: String?) -> String {
        guard let format else { return "json" }
        var text = ""
        for character in format.unicodeScalars {
            switch character {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "'": text += "'\\''"
            default: text.unicodeScalars.append(character)
            }
        }
        return "'\(text)'"
    }
}
