/// Which partitions a command is about, and where in them.
extension AdminRun {
    /// What `-p` says; nil without it.
    func partitionList() throws(ToolError) -> PartitionList? {
        guard let text = arguments.text(GroupOptions.partitions) else { return nil }
        return try PartitionList(text)
    }

    /// The partitions of topics; only those of `list`, where there is one.
    /// - Throws: for a topic or a partition that is not there.
    func partitions(of topics: [String], _ list: PartitionList?) throws -> [TopicPartition] {
        guard !topics.isEmpty else { return [] }
        var chosen: [TopicPartition] = []
        for topic in try client.metadata(topics: topics).topics {
            guard topic.error == .none else { throw ToolError.noTopic(topic.name) }
            let all = topic.partitions.map(\.index).sorted()
            if let last = list?.ranges.map(\.upperBound).max(), last > all.last ?? -1 {
                throw ToolError("\(topic.name) has no partition \(last); it has \(PartitionList.text(all))")
            }
            chosen += all.filter { list?.contains($0) ?? true }.map {
                TopicPartition(topic: topic.name, partition: $0)
            }
        }
        return chosen
    }
}

extension OffsetExpression.Point {
    /// - Parameters:
    ///   - text: a place; a range is none.
    ///   - option: what the text was given for.
    ///   - nowMs: what `@-2h` counts from.
    init(_ text: String, of option: String, nowMs: Int64) throws(ToolError) {
        guard let expression = try? OffsetExpression(text, nowMs: nowMs), expression.stop == nil else {
            throw .usage("\(option) \(text): not beginning, end, N, -N or @TIME")
        }
        self = expression.start
    }

    /// The offset of this place in each partition whose log can be seen.
    /// - Parameters:
    ///   - starts: where the logs begin.
    ///   - ends: where they end.
    func offsets(
        _ partitions: [TopicPartition], starts: [TopicPartition: Int64], ends: [TopicPartition: Int64],
        _ admin: AdminClient
    ) throws(ClientError) -> [TopicPartition: Int64] {
        switch self {
        case .beginning: return starts
        case .end: return ends
        case .offset(let offset): return Dictionary(uniqueKeysWithValues: partitions.map { ($0, offset) })
        case .last(let count): return ends.mapValues { $0 - min(count, $0) }
        case .time(let time):
            // Behind the last record there is none of that time: the end.
            return ends.merging(try admin.firstOffsets(of: ends.keys.sorted(), fromMs: time)) { _, found in found }
        }
    }
}

extension ToolError {
    static func noTopic(_ name: String) -> ToolError {
        ToolError("there is no topic \(name); kadmin topic list shows those that are there")
    }
}
