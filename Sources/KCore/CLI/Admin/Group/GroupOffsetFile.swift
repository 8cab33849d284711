/// Offsets in a file: lines of `TOPIC,PARTITION,OFFSET`, as Kafka's `kafka-consumer-groups.sh --export` writes them for
/// one group.
enum GroupOffsetFile {
    static func text(_ offsets: [TopicPartition: Int64]) -> String {
        offsets.sorted { $0.key < $1.key }.map { "\($0.key.topic),\($0.key.partition),\($0.value)\n" }.joined()
    }

    static func read(_ path: String) throws(ToolError) -> [TopicPartition: Int64] {
        var offsets: [TopicPartition: Int64] = [:]
        let lines = try FileText.read(path).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let text = line.trimmedASCII
            if text.isEmpty { continue }
            let fields = text.split(separator: ",", omittingEmptySubsequences: false).map { unquoted($0.trimmedASCII) }
            guard fields.count != 4 else {
                throw ToolError(
                    "\(path), line \(index + 1): the file is of several groups; keep the lines of one, without its name"
                )
            }
            guard fields.count == 3, !fields[0].isEmpty, let partition = Int32(fields[1]), partition >= 0,
                let offset = Int64(fields[2]), offset >= 0
            else { throw ToolError("\(path), line \(index + 1): not TOPIC,PARTITION,OFFSET") }
            let name = TopicPartition(topic: fields[0], partition: partition)
            guard offsets[name] == nil || offsets[name] == offset else {
                throw ToolError("\(path), line \(index + 1): another line has another offset for \(name)")
            }
            offsets[name] = offset
        }
        return offsets
    }

    // Kafka's tool puts names of more than 24 characters into quotes; those of topics have neither quotes nor commas.
    private static func unquoted(_ field: String) -> String {
        guard field.utf8.count >= 2, field.hasPrefix("\""), field.hasSuffix("\"") else { return field }
        return String(field.dropFirst().dropLast())
    }
}
