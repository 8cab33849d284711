internal import Glibc

/// Prints the files of a data directory in the form of Kafka's own dump tool.
struct LogDump {
    let output: OutputBuffer
    let options: DumpOptions

    /// What there is to print in a directory, in the order of offsets; a file is itself.
    static func files(_ path: String) throws(ToolError) -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else { throw ToolError("cannot open \(path): \(systemMessage(errno))") }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [path] }
        guard let directory = opendir(path) else { throw ToolError("cannot open \(path): \(systemMessage(errno))") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let kind = DumpedFile(path: name), kind != .lock { names.append(name) }
        }
        guard !names.isEmpty else { throw ToolError("\(path) has no files of a log in it") }
        return names.sorted().map { "\(path)/\($0)" }
    }

    func print(_ path: String) throws(ToolError) {
        guard let kind = DumpedFile(path: path) else {
            throw ToolError("\(path): its name is that of no file of a data directory that can be shown")
        }
        let file = try FileText.open(path)
        defer { close(file) }
        output.append("Dumping \(path)\n")
        let reader = DumpReader(file: file, path: path)
        switch kind {
        case .segment(.log, let baseOffset):
            output.append("Log starting offset: \(baseOffset)\n")
            try segment(reader, options.decoder(for: path))
        case .segment(.offsetIndex, let base): try index(reader, base).printOffsets()
        case .segment(.timeIndex, let base): try index(reader, base).printTimes()
        case .segment(.transactionIndex, let base): try index(reader, base).printAborted()
        case .segment(.producerSnapshot, _): try ProducerDump(reader: reader, output: output).print()
        case .metadataSnapshot(let snapshot):
            if let snapshot {
                output.append("Snapshot end offset: \(snapshot.endOffset), epoch: \(snapshot.epoch)\n")
            }
            try segment(reader, .metadata)
        case .offsets, .leaderEpochs, .partitionMetadata, .metaProperties, .quorumState, .cleanStopMarker:
            try TextFileDump(reader: reader, output: output).print(kind)
        case .lock: break
        }
    }

    private func segment(_ reader: DumpReader, _ decoder: RecordDecoder) throws(ToolError) {
        try SegmentDump(reader: reader, output: output, options: options, decoder: decoder).print()
    }

    private func index(_ reader: DumpReader, _ baseOffset: Int64) -> IndexDump {
        IndexDump(reader: reader, output: output, baseOffset: baseOffset, mode: options.indexMode)
    }
}

/// Reads pieces of a file.
struct DumpReader {
    let file: Int32
    let path: String

    var size: Int64 {
        var status = stat()
        return fstat(file, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Up to `count` bytes at `position`; fewer at the end of the file.
    func read(at position: Int64, count: Int) throws(ToolError) -> Bytes {
        guard count > 0 else { return Bytes() }
        let storage = ByteStorage(capacity: count)
        var done = 0
        while done < count {
            let got = pread(file, storage.base + done, count - done, off_t(position) + off_t(done))
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw ToolError("cannot read \(path): \(systemMessage(errno))") }
            if got == 0 { break }
            done += got
        }
        return Bytes(storage: storage, count: done)
    }

    /// The whole file.
    /// - Parameter most: bytes that a file of its kind may have.
    func all(most: Int64 = 1 << 31) throws(ToolError) -> Bytes {
        guard size <= most else {
            throw ToolError("\(path) has \(ByteSize.text(size)), too many for a file of its name")
        }
        return try read(at: 0, count: Int(size))
    }
}
