/// Why reading cannot go on where the output of a partition ends, and what is to be done: going on elsewhere would leave
/// something out without a word.
enum SinkGap {
    /// - Returns: for an offset that does not exist, which partition lacks what; else what `error` says.
    static func explain(
        _ error: ClientError, _ settings: ConsumeSettings, _ client: KafkaClient, _ sink: SinkDirectory
    ) -> ToolError {
        guard error.errorCode == .offsetOutOfRange else { return ToolError(error) }
        let ends = sink.ends.sorted { $0.key < $1.key }
        let queries = ends.flatMap { partition, _ in
            [OffsetQuery.Place.earliest, .latest].map {
                OffsetQuery(topic: partition.topic, partition: partition.partition, place: $0)
            }
        }
        guard let answers = try? AdminClient(client).listOffsets(queries), answers.count == queries.count else {
            return ToolError(error)
        }
        for (index, (partition, next)) in ends.enumerated() {
            guard let start = try? answers[2 * index].result.get().offset,
                let end = try? answers[2 * index + 1].result.get().offset
            else { continue }
            if next < start { return deleted(partition, next, start, settings, sink) }
            if next > end { return beyondTheEnd(partition, next, end, settings, sink) }
        }
        return ToolError(error)
    }

    private static func deleted(
        _ partition: TopicPartition, _ next: Int64, _ start: Int64, _ settings: ConsumeSettings, _ sink: SinkDirectory
    ) -> ToolError {
        let records =
            next == start - 1
            ? "record \(next) of \(partition) was" : "records \(next)-\(start - 1) of \(partition) were"
        return ToolError("\(records) deleted before they were copied; \(advice(partition, settings, sink)) at \(start)")
    }

    /// There was more in the partition once than there is now.
    private static func beyondTheEnd(
        _ partition: TopicPartition, _ next: Int64, _ end: Int64, _ settings: ConsumeSettings, _ sink: SinkDirectory
    ) -> ToolError {
        ToolError(
            "\(partition) ends at \(end), and its output at \(next): it is not what was copied; "
                + advice(partition, settings, sink))
    }

    private static func advice(
        _ partition: TopicPartition, _ settings: ConsumeSettings, _ sink: SinkDirectory
    ) -> String {
        let directory = sink.directory(partition)
        guard let group = settings.group else { return "move \(directory) away, and -o beginning begins anew" }
        return "move \(directory) away, and 'kadmin group seek \(group) -o beginning -t \(partition.topic) "
            + "-p \(partition.partition)' has the group begin anew"
    }
}
