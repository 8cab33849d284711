internal import Glibc

extension Command {
    private static let records = CommandOption.flag("records", aliases: ["print-data-log"], help: "Also each record")

    /// `kadmin log dump`: needs no broker.
    static let logDump = Command(
        "dump", "Prints what is in the files of a partition",
        details: [
            """
            Lines are those of Kafka's kafka-dump-log.sh. Keys and values that are no UTF-8 come as base 64.
            A batch that cannot be read ends its file, is named on stderr and makes the exit status 1.
            """
        ],
        operands: [
            Operand(
                "PATH", kind: .path, repeatable: true, required: true,
                help: "A .log, .index, .timeindex, .txnindex or .snapshot file, or a partition's directory")
        ],
        options: [records],
        examples: [
            Example("kadmin log dump data/orders-0", "the batches and indexes of a partition"),
            Example("kadmin log dump --records data/orders-0/*.log", "every record"),
        ],
        action: { arguments, console throws(ToolError) in
            let dump = LogDump(
                output: OutputBuffer(descriptor: console.output), showsRecords: arguments.isGiven(records))
            var status = ExitStatus.done
            for operand in arguments.operands {
                for path in try LogDump.files(operand) {
                    if console.interruption?.signal != nil || dump.output.failure != nil { break }
                    do throws(ToolError) {
                        try dump.print(path)
                    } catch {
                        dump.output.flush()
                        console.failure(error.message)
                        status = .failed
                    }
                }
            }
            dump.output.flush()
            if let signal = console.interruption?.signal { return .signal(signal) }
            return status
        })
}

/// Prints the files of a log in the form of Kafka's own dump tool.
struct LogDump {
    let output: OutputBuffer
    let showsRecords: Bool

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
            if DumpedFile(path: name) != nil { names.append(name) }
        }
        guard !names.isEmpty else { throw ToolError("\(path) has no files of a log in it") }
        return names.sorted().map { "\(path)/\($0)" }
    }

    func print(_ path: String) throws(ToolError) {
        guard let kind = DumpedFile(path: path) else {
            throw ToolError("\(path): not a .log, .index, .timeindex, .txnindex or .snapshot file of a base offset")
        }
        let file = try FileText.open(path)
        defer { close(file) }
        output.append("Dumping \(path)\n")
        let reader = DumpReader(file: file, path: path)
        switch kind.type {
        case .log: try SegmentDump(reader: reader, output: output, showsRecords: showsRecords).print(kind.baseOffset)
        case .index: try IndexDump(reader: reader, output: output, baseOffset: kind.baseOffset).printOffsets()
        case .timeindex: try IndexDump(reader: reader, output: output, baseOffset: kind.baseOffset).printTimes()
        case .txnindex: try IndexDump(reader: reader, output: output, baseOffset: kind.baseOffset).printAborted()
        case .snapshot: try ProducerDump(reader: reader, output: output).print()
        }
    }
}

/// What a file's name says: 20 digits of a base offset and a kind.
struct DumpedFile {
    enum Kind: String { case log, index, timeindex, txnindex, snapshot }

    var type: Kind
    var baseOffset: Int64

    init?(path: String) {
        let name = path.split(separator: "/").last ?? ""
        let parts = name.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, parts[0].utf8.count == 20, let offset = Int64(parts[0]),
            let type = Kind(rawValue: String(parts[1]))
        else { return nil }
        self.type = type
        baseOffset = offset
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

    func all() throws(ToolError) -> Bytes { try read(at: 0, count: Int(min(size, 1 << 31))) }
}
