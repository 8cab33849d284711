/// The output of one partition: files that grow, and the position that belongs to them, made durable together.
///
/// What was appended counts when ``commit(next:)`` has returned, all of it and the position, or not at all: after a crash
/// or a loss of power at any moment, opening cuts off what does not. A lock makes sure that one process writes here,
/// whatever a group believes. Used by one thread.
final class PartitionSink {
    private let disk: any Disk
    private let directory: String
    private let partition: TopicPartition
    /// Zero while it is not known.
    private(set) var topicId: Uuid
    private let segmentBytes: Int64
    /// As ``SinkPosition/format``.
    private let format: String?
    /// Held as long as this lives; the system lets go of it when the process dies.
    private let lock: any AnyObject & Sendable
    private let writer = Writer()
    /// Nil until ``begin(at:)``, in a directory that has no output yet.
    private(set) var position: SinkPosition?
    /// What is to begin here and elsewhere and has not, as the directory has it.
    private(set) var starts = SinkStarts([])
    /// Nothing is committed after a failure: what the system could not write it may have dropped, and says so once.
    private var failure: ToolError?
    /// Takes what ``commit(next:)`` makes count.
    let output: OutputBuffer

    /// The file that is written to, as the output buffer sees it.
    private final class Writer {
        var file: (any DiskFile)?
        var bytes: Int64 = 0

        /// - Returns: 0, or the `errno`.
        func write(_ source: UnsafeRawBufferPointer) -> Int32 {
            do throws(DiskError) {
                try file?.write(source, at: bytes)
                bytes += Int64(source.count)
                return 0
            } catch {
                return error.code
            }
        }
    }

    private init(
        _ disk: any Disk, _ directory: String, _ partition: TopicPartition, _ topicId: Uuid, _ segmentBytes: Int64,
        _ format: String?, _ lock: any AnyObject & Sendable
    ) {
        self.topicId = topicId
        self.format = format
        self.disk = disk
        self.directory = directory
        self.partition = partition
        self.segmentBytes = segmentBytes
        self.lock = lock
        output = OutputBuffer(capacity: 1 << 17) { [writer] in writer.write($0) }
    }

    // MARK: Opening

    /// Takes over a partition's directory, which is made where there is none, and cuts off what does not count.
    /// - Parameters:
    ///   - topicId: the id of the topic as it is now; zero when it has none.
    ///   - format: in which output is written, as ``SinkPosition/format``; nil for any.
    ///   - segmentBytes: a file that has grown to this is followed by another.
    /// - Returns: nil as long as somebody else has it.
    /// - Throws: ``ToolError`` also when what is there cannot be what was committed, or is of another topic of that name.
    static func open(
        _ disk: any Disk, _ directory: String, _ partition: TopicPartition, topicId: Uuid = .zero,
        format: String? = nil,
        segmentBytes: Int64
    ) throws(ToolError) -> PartitionSink? {
        let lock: any AnyObject & Sendable
        do throws(DiskError) {
            try disk.createDirectory(directory)
            lock = try disk.lock(directory + "/lock")
        } catch {
            if error.operation == .lock && error.isTaken { return nil }
            throw ToolError("\(error)")
        }
        let sink = PartitionSink(disk, directory, partition, topicId, segmentBytes, format, lock)
        try sink.recover()
        return sink
    }

    private func recover() throws(ToolError) {
        starts = try SinkStarts.read(disk, directory) ?? starts
        let path = directory + "/" + SinkPosition.fileName
        let (text, files) = try ToolError.rethrowing { () throws(DiskError) in
            (try disk.readFile(path)?.utf8String, try disk.list(directory).map(\.name).filter(SinkPosition.isOutput))
        }
        guard let text else {
            // The position is there before the first file is.
            guard files.isEmpty else {
                throw ToolError(
                    "\(directory) has output but no \(SinkPosition.fileName) file: it is not known what counts")
            }
            return
        }
        guard let position = SinkPosition(text, of: partition) else {
            throw ToolError("\(path) is not what kconsume has written for \(partition)")
        }
        if let format, let old = position.format, format != old {
            throw ToolError(
                "\(directory) is written in another format, \(old); go on in that, or move \(directory) away to begin anew"
            )
        }
        try take(position.topicId)
        func size(_ name: String) throws(ToolError) -> Int64 {
            try ToolError.rethrowing { () throws(DiskError) in try disk.fileSize(directory + "/" + name) ?? 0 }
        }
        // Without the file nothing of it counted: it is made when something is written.
        let bytes = try size(position.file)
        guard bytes >= position.bytes else {
            throw ToolError(
                "\(directory)/\(position.file) has \(bytes) bytes, but \(position.bytes) were committed: something was "
                    + "taken away")
        }
        // The position goes on to a file before there is anything in it: this one belongs to other output.
        for name in files where name > position.file {
            guard try size(name) == 0 else {
                throw ToolError(
                    "\(path) is not the position of the output beside it: that goes on in \(name); bring the right one back"
                )
            }
        }
        self.position = position
        try ToolError.rethrowing { () throws(DiskError) in try open(position) }
    }

    /// Makes sure that what comes is of the topic that the output is of.
    /// - Parameter id: zero where it is not known.
    func take(_ id: Uuid) throws(ToolError) {
        if id.isZero || id == topicId { return }
        guard topicId.isZero else { throw PartitionSink.madeAnew(partition, directory) }
        topicId = id
    }

    /// Whether this is the output of the topic with that id, as far as both are known.
    func isOf(_ id: Uuid) -> Bool { id.isZero || topicId.isZero || id == topicId }

    static func madeAnew(_ partition: TopicPartition, _ directory: String) -> ToolError {
        ToolError(
            "\(partition.topic) was deleted and made anew since \(directory) was written; move \(directory) away to "
                + "begin anew")
    }

    private func open(_ position: SinkPosition) throws(DiskError) {
        let path = directory + "/" + position.file
        let file = try disk.open(path, .create)
        try file.truncate(to: position.bytes)
        // Its name must be there before a position counts on it, whoever made the file.
        try disk.syncDirectory(directory)
        (writer.file, writer.bytes) = (file, position.bytes)
    }

    // MARK: Beginning

    /// Where the output was to begin, when it has not.
    var ownStart: SinkStarts.Entry? {
        guard position == nil, let own = starts.entry(partition), isOf(own.topicId) else { return nil }
        return own
    }

    /// Begins there. A partition whose beginning nobody can tell yet is only marked, and stays marked as it was first.
    func begin(_ entry: SinkStarts.Entry) throws(ToolError) {
        switch entry.place {
        case .offset(let offset): try begin(at: offset, partitions: entry.partitions)
        case .beginning, .storedOr:
            guard position == nil, ownStart == nil else { return }
            try keep(starts: SinkStarts(starts.entries.filter { $0.partition != partition } + [entry]))
        }
    }

    /// Says where the output of a partition begins that has none yet, or that it goes on behind what others have handled.
    /// - Parameter partitions: of the topic as it is now; nil where that is not known.
    func begin(at offset: Int64, partitions: Int32? = nil) throws(ToolError) {
        guard position?.offset != offset else { return }
        let last = position
        try keep(
            SinkPosition(
                partition: partition, partitions: last.map { $0.partitions } ?? ownStart?.partitions ?? partitions,
                format: format,
                topicId: topicId, offset: offset,
                file: last?.file ?? SinkPosition.fileName(offset),
                bytes: last?.bytes ?? 0))
        if let position, last == nil { try ToolError.rethrowing { () throws(DiskError) in try open(position) } }
    }

    /// Keeps what is to begin here and elsewhere, or nothing any more.
    func keep(starts new: SinkStarts) throws(ToolError) {
        if new == starts { return }
        try checkPlace()
        let path = directory + "/" + SinkStarts.fileName
        try ToolError.rethrowing { () throws(DiskError) in
            // That comes back when power goes does no harm: it has begun.
            if new.entries.isEmpty { try disk.remove(path) } else { try disk.replaceFile(path, with: Bytes(new.text)) }
        }
        starts = new
    }

    // MARK: Committing

    /// Makes all output so far durable, together with where reading goes on.
    /// - Throws: once it has failed, the same again.
    func commit(next: Int64) throws(ToolError) {
        if let failure { throw failure }
        do throws(ToolError) {
            try commitOnce(next)
        } catch {
            failure = error
            throw error
        }
    }

    private func commitOnce(_ next: Int64) throws(ToolError) {
        guard let last = position, last.offset != next else { return }
        output.flush()
        if let failure = output.failure {
            throw ToolError("cannot write \(directory)/\(last.file): \(systemMessage(failure))")
        }
        if writer.bytes > last.bytes {
            try ToolError.rethrowing { () throws(DiskError) in try writer.file?.sync() }
        }
        try keep(
            SinkPosition(
                partition: partition, partitions: last.partitions, format: format, topicId: topicId, offset: next,
                file: last.file,
                bytes: writer.bytes))
        if writer.bytes >= segmentBytes { try roll(next) }
    }

    private func roll(_ next: Int64) throws(ToolError) {
        try keep(
            SinkPosition(
                partition: partition, partitions: position?.partitions, format: format, topicId: topicId,
                offset: next, file: SinkPosition.fileName(next),
                bytes: 0))
        if let position { try ToolError.rethrowing { () throws(DiskError) in try open(position) } }
    }

    // Who moves the directory away begins anew there; what this process writes goes with the old one.
    private func checkPlace() throws(ToolError) {
        guard try ToolError.rethrowing({ () throws(DiskError) in try disk.isInPlace(lock, directory + "/lock") }) else {
            throw ToolError("\(directory) was moved or removed while it was written")
        }
    }

    private func keep(_ new: SinkPosition) throws(ToolError) {
        try checkPlace()
        try ToolError.rethrowing { () throws(DiskError) in
            try disk.replaceFile(directory + "/" + SinkPosition.fileName, with: Bytes(new.text))
        }
        position = new
    }
}

extension ToolError {
    static func rethrowing<R>(_ body: () throws(DiskError) -> R) throws(ToolError) -> R {
        do throws(DiskError) {
            return try body()
        } catch {
            throw ToolError("\(error)")
        }
    }
}
