/// Prints the small files beside the logs, a fact a line.
struct TextFileDump {
    let reader: DumpReader
    let output: OutputBuffer

    /// Far more than any has: a checkpoint has a line for each partition.
    private static let mostBytes: Int64 = 64 << 20

    func print(_ kind: DumpedFile) throws(ToolError) {
        let contents = try reader.all(most: TextFileDump.mostBytes)
        do {
            switch kind {
            case .offsets:
                try CheckpointFile.offsets(contents) {
                    line("topic: \($0.topic) partition: \($0.partition) offset: \($1)")
                }
            case .leaderEpochs:
                try CheckpointFile.leaderEpochs(contents) { line("epoch: \($0.epoch) startOffset: \($0.startOffset)") }
            case .partitionMetadata:
                guard let id = PartitionMetadataFile.read(contents) else {
                    throw ToolError("no topic id of version 0")
                }
                line("version: 0 topicId: \(id)")
            case .metaProperties: try properties(contents)
            case .quorumState, .cleanStopMarker: line(contents.utf8String)
            // They are no text.
            case .segment, .metadataSnapshot, .lock: break
            }
        } catch let error as CheckpointFile.Malformed {
            throw ToolError("\(reader.path), line \(error.line): \(error.reason)")
        } catch {
            throw ToolError("\(reader.path): \(error)")
        }
    }

    private func line(_ text: String) {
        // What is in the file must not be able to move the cursor or forge a line.
        let plain = text.last == "\n" ? text.dropLast() : text[...]
        output.append(plain.unicodeScalars.contains { $0.value < 0x20 } ? JSONText.quoted(plain) : String(plain))
        output.append(UInt8(ascii: "\n"))
    }

    private func properties(_ contents: Bytes) throws {
        let meta = try MetaProperties(text: contents.utf8String)
        let cluster = meta.clusterId ?? "none"
        let node = meta.nodeId.map { "\($0)" } ?? "none"
        line("clusterId: \(cluster) nodeId: \(node) directoryId: \(meta.directoryId?.description ?? "none")")
    }
}
