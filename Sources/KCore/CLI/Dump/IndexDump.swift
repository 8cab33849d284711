/// Prints the indexes of a segment, an entry a line, or checks them.
struct IndexDump {
    let reader: DumpReader
    let output: OutputBuffer
    let baseOffset: Int64
    let mode: DumpOptions.IndexMode

    /// `.index`: relative offset 4, position 4.
    func printOffsets() throws(ToolError) {
        let index = OffsetIndexReader(try reader.all(), baseOffset: baseOffset)
        guard mode == .entries else { return try check(index.problems, .offsetIndex) }
        for entry in index.entries { output.append("offset: \(entry.offset) position: \(entry.position)\n") }
        try whole(index.tail)
    }

    /// `.timeindex`: timestamp 8, relative offset 4.
    func printTimes() throws(ToolError) {
        let index = TimeIndexReader(try reader.all(), baseOffset: baseOffset)
        guard mode == .entries else { return try check(index.problems, .timeIndex) }
        for entry in index.entries { output.append("timestamp: \(entry.timestamp) offset: \(entry.offset)\n") }
        try whole(index.tail)
    }

    /// `.txnindex`: version 2, producer id 8, first offset 8, last offset 8, last stable offset 8.
    func printAborted() throws(ToolError) {
        let index = AbortedIndexReader(try reader.all())
        guard mode == .entries else { return try check(index.problems(baseOffset: baseOffset), .transactionIndex) }
        for entry in index.entries {
            output.append(
                "version: \(entry.version) producerId: \(entry.producerId) firstOffset: \(entry.firstOffset) "
                    + "lastOffset: \(entry.lastOffset) lastStableOffset: \(entry.lastStableOffset)\n")
        }
        try whole(index.tail)
    }

    private func whole(_ tail: Int) throws(ToolError) {
        guard tail == 0 else { throw ToolError("\(reader.path): ends inside an entry") }
    }

    private func check(_ problems: [(position: Int64, what: String)], _ kind: SegmentFileKind) throws(ToolError) {
        var problems = problems.map { "byte \($0.position): \($0.what)" }
        if mode == .againstLog {
            let log = String(reader.path.dropLast(kind.rawValue.utf8.count)) + SegmentFileKind.log.rawValue
            var check = SegmentCheck(logPath: log, baseOffset: baseOffset, decodesRecords: false)
            check.run(SystemDisk())
            problems = check.problems.map(\.description)
        }
        guard let first = problems.first else {
            output.append("\(reader.path) passed the check.\n")
            return
        }
        let more = problems.count > 1 ? ", and \(problems.count - 1) more" : ""
        throw ToolError("\(reader.path): \(first)\(more)")
    }
}
