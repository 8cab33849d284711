/// What `kconsume --sink DIR` writes to: a directory for each partition that it reads. Used by one thread.
final class SinkDirectory {
    /// A file that has grown to this is followed by another.
    static let segmentBytes: Int64 = 256 << 20

    let disk: any Disk
    let path: String
    private let segmentBytes: Int64
    private let format: String?
    private(set) var sinks: [TopicPartition: PartitionSink] = [:]
    /// Whether the names of the directories above are known to be durable.
    var isSyncedAbove = false
    /// Where reading goes on, for partitions of which something was printed and is not committed yet.
    private var pending: [TopicPartition: GroupOffset] = [:]
    /// Bytes of output.
    private(set) var total: Int64 = 0

    /// - Parameter format: in which output is written, as ``SinkPosition/format``; nil for any.
    init(
        _ path: String, format: String? = nil, disk: any Disk = SystemDisk(),
        segmentBytes: Int64 = SinkDirectory.segmentBytes
    ) {
        self.format = format
        self.path = path
        self.disk = disk
        self.segmentBytes = segmentBytes
    }

    /// Where the output of a partition is.
    func directory(_ partition: TopicPartition) -> String {
        "\(path)/\(partition.topic)-\(partition.partition)"
    }

    /// Takes over the output of a partition.
    /// - Parameter topicId: the id of the topic as it is now; zero when it has none.
    /// - Returns: false as long as another process has it.
    /// - Throws: ``ToolError`` also for output of another topic of that name.
    func open(_ partition: TopicPartition, topicId: Uuid) throws(ToolError) -> Bool {
        if sinks[partition] != nil { return true }
        sinks[partition] = try PartitionSink.open(
            disk, directory(partition), partition, topicId: topicId, format: format, segmentBytes: segmentBytes)
        return sinks[partition] != nil
    }

    /// The first offset that is not in the output of an open partition; nil where there is none yet.
    func offset(_ partition: TopicPartition) -> Int64? { sinks[partition]?.position?.offset }

    /// How many partitions a topic had when the first output of it began, of any of its partitions, whoever writes it; 0 when
    /// that is not known, nil when there is no output.
    /// - Parameter id: of the topic as it is now; zero when it has none.
    func firstPartitions(of topic: String, id: Uuid) throws(ToolError) -> Int32? {
        try ToolError.rethrowing { () throws(DiskError) in
            var first: Int32?
            for entry in try disk.list(path) where entry.isDirectory && entry.name.hasPrefix(topic + "-") {
                guard let number = Int32(entry.name.dropFirst(topic.count + 1)) else { continue }
                let partition = TopicPartition(topic: topic, partition: number)
                let text = try disk.readFile("\(directory(partition))/\(SinkPosition.fileName)")?.utf8String
                guard let position = text.flatMap({ SinkPosition($0, of: partition) }) else { continue }
                if position.topicId.isZero || id.isZero || position.topicId == id {
                    first = min(first ?? .max, position.partitions ?? 0)
                }
            }
            return first
        }
    }

    /// Why these cannot be read on.
    func madeAnew(_ partitions: [TopicPartition]) -> ToolError {
        guard let first = partitions.min() else { return ToolError("a topic was deleted and made anew") }
        return PartitionSink.madeAnew(first, directory(first))
    }

    /// Where reading goes on in all open partitions, committed or not.
    var ends: [TopicPartition: Int64] {
        var ends = sinks.compactMapValues { $0.position?.offset }
        for (partition, next) in pending { ends[partition] = next.offset }
        return ends
    }

    /// Says where the output of an open partition begins or goes on.
    /// - Parameter partitions: of the topic as it is now; nil where that is not known.
    func begin(_ partition: TopicPartition, at offset: Int64, partitions: Int32? = nil) throws(ToolError) {
        try begin([partition: .offset(offset)], partitions: partitions.map { [partition.topic: $0] } ?? [:])
    }

    /// Prints a piece of a partition; one that is not open is left out.
    /// - Returns: how many records that were.
    /// - Throws: when part of it cannot be read, what was printed before counts.
    func print(
        _ fetched: FetchedRecords, _ mode: RecordPrinter.Mode, upTo limit: Int64
    ) throws(ToolError) -> Int64 {
        guard let sink = sinks[fetched.topicPartition] else { return 0 }
        // The topic may have been made anew while it was read.
        try sink.take(fetched.topicId)
        // Whoever reads has to keep to what is kept here: else something would be left out, or there twice.
        let next = pending[fetched.topicPartition]?.offset ?? sink.position?.offset
        guard let next, next == fetched.startOffset else {
            let place = next.map { "goes on at \($0)" } ?? "has not begun"
            throw ToolError(
                "the output of \(fetched.topicPartition) \(place), and what was fetched begins at "
                    + "\(fetched.startOffset): this is a mistake of kconsume's; it copies nothing before it is started again"
            )
        }
        let before = sink.output.total
        let printed = RecordPrinter.print(fetched, mode, to: sink.output, upTo: limit)
        total += sink.output.total - before
        pending[fetched.topicPartition] = printed.next
        if let failure = printed.failure { throw ToolError(failure) }
        return printed.count
    }

    /// Makes what was printed durable, with its positions.
    /// - Parameter partitions: nil for all.
    /// - Returns: how far they have come.
    func commit(_ partitions: [TopicPartition]? = nil) throws(ToolError) -> [TopicPartition: GroupOffset] {
        let due = partitions.map { chosen in pending.filter { chosen.contains($0.key) } } ?? pending
        for (partition, next) in due.sorted(by: { $0.key < $1.key }) {
            try sinks[partition]?.commit(next: next.offset)
            pending[partition] = nil
        }
        return due
    }

    /// Lets go of partitions; what is not committed does not count.
    func close(_ partitions: [TopicPartition]) {
        for partition in partitions {
            sinks[partition] = nil
            pending[partition] = nil
        }
    }
}
