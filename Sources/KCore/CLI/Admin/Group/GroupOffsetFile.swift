internal import CKernel
internal import Glibc

/// Offsets in a file: lines of `TOPIC,PARTITION,OFFSET`, as Kafka's `kafka-consumer-groups.sh --export` writes them.
enum GroupOffsetFile {
    static func write(_ path: String, _ group: String, _ run: inout AdminRun) throws {
        let offsets = try run.admin.groupOffsets(group).sorted { $0.key < $1.key }
        guard !offsets.isEmpty else { return run.failed("group \(group) has no stored offsets") }
        let text = offsets.map { "\($0.key.topic),\($0.key.partition),\($0.value.offset)\n" }.joined()
        let file = ck_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw ToolError("cannot write \(path): \(systemMessage(errno))") }
        let output = OutputBuffer(descriptor: file)
        output.append(text)
        output.flush()
        let failure = output.failure
        let closed = close(file)
        if let failure { throw ToolError("cannot write \(path): \(systemMessage(failure))") }
        guard closed == 0 else { throw ToolError("cannot write \(path): \(systemMessage(errno))") }
        run.done("wrote \(Quantity.count(Int64(offsets.count), "offset")) of group \(group) to \(path)")
    }

    static func read(_ path: String) throws(ToolError) -> [TopicPartition: Int64] {
        var offsets: [TopicPartition: Int64] = [:]
        for (index, line) in try FileText.read(path).split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let text = line.trimmedASCII
            if text.isEmpty { continue }
            let fields = text.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmedASCII)
            guard fields.count == 3, !fields[0].isEmpty, let partition = Int32(fields[1]), partition >= 0,
                let offset = Int64(fields[2]), offset >= 0
            else { throw ToolError("\(path), line \(index + 1): not TOPIC,PARTITION,OFFSET") }
            offsets[TopicPartition(topic: String(fields[0]), partition: partition)] = offset
        }
        return offsets
    }
}
