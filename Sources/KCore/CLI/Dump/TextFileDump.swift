/// Prints the small files beside the logs, a fact a line.
struct TextFileDump {
    let reader: DumpReader
    let output: OutputBuffer

    func print(_ kind: DumpedFile) throws(ToolError) {
        let contents = try reader.all()
        do {
            switch kind {
            case .offsets: try offsets(contents)
            case .leaderEpochs: try epochs(contents)
            case .partitionMetadata:
                guard let id = PartitionMetadataFile.read(contents) else {
                    throw ToolError("no topic id of version 0")
                }
                line("version: 0 topicId: \(id)")
            case .metaProperties: try properties(contents)
            default: line(contents.utf8String)
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

    private func offsets(_ contents: Bytes) throws(CheckpointFile.Malformed) {
        for (index, fields) in try CheckpointFile.read(contents, fields: 3).enumerated() {
            guard let partition = Int32(fields[1]), let offset = Int64(fields[2]) else {
                throw CheckpointFile.Malformed(line: index + 3, reason: "not a topic, a partition and an offset")
            }
            line("topic: \(fields[0]) partition: \(partition) offset: \(offset)")
        }
    }

    private func epochs(_ contents: Bytes) throws(CheckpointFile.Malformed) {
        for (index, fields) in try CheckpointFile.read(contents, fields: 2).enumerated() {
            guard let epoch = Int32(fields[0]), let offset = Int64(fields[1]) else {
                throw CheckpointFile.Malformed(line: index + 3, reason: "not an epoch and an offset")
            }
            line("epoch: \(epoch) startOffset: \(offset)")
        }
    }

    private func properties(_ contents: Bytes) throws {
        let meta = try MetaProperties(text: contents.utf8String)
        let cluster = meta.clusterId ?? "none"
        let node = meta.nodeId.map { "\($0)" } ?? "none"
        line("clusterId: \(cluster) nodeId: \(node) directoryId: \(meta.directoryId?.description ?? "none")")
    }
}
