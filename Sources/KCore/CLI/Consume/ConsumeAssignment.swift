/// From what the command line asks for to partitions with a start and an end.
enum ConsumeAssignment {
    static func find(_ settings: ConsumeSettings, _ client: KafkaClient) throws(ToolError) -> [Consumer.Assignment] {
        let topics: [ClusterMetadata.Topic]
        do throws(ClientError) {
            let all = settings.topics.patterns.isEmpty ? [] : try client.metadata(topics: nil).topics
            let fitting = settings.topics.matching(all.filter { !$0.isInternal }.map(\.name))
            let names = settings.topics.names + fitting.filter { !settings.topics.names.contains($0) }.sorted()
            guard !names.isEmpty else {
                throw ToolError("no topic fits \(settings.topics.patterns.joined(separator: " or "))")
            }
            topics = try client.metadata(topics: names).topics
        } catch let error as ClientError {
            throw ToolError(error)
        } catch let error as ToolError {
            throw error
        } catch {
            throw ToolError("\(error)")
        }
        var result: [Consumer.Assignment] = []
        for topic in topics {
            try check(topic)
            let known = topic.partitions.map(\.index)
            if let list = settings.partitions, let missing = list.ranges.first(where: { !known.contains($0.upperBound) }) {
                throw ToolError(
                    "\(topic.name) has no partition \(missing.upperBound); it has \(known.count), numbered from 0")
            }
            for partition in known where settings.partitions?.contains(partition) ?? true {
                result.append(
                    Consumer.Assignment(
                        topic: topic.name, partition: partition, start: start(settings.place.start), end: end(settings)))
            }
        }
        return result
    }

    /// The part of what there is to read that has been read; nil where no end is known.
    static func share(_ positions: [Consumer.Position]) -> Double? { nil }

    private static func check(_ topic: ClusterMetadata.Topic) throws(ToolError) {
        switch topic.error {
        case .none: return
        case .unknownTopicOrPartition:
            throw ToolError("there is no topic \(topic.name); kadmin topic list shows those that are there")
        default: throw ToolError("cannot read \(topic.name): \(topic.error.name): \(topic.error.meaning)")
        }
    }

    private static func start(_ point: OffsetExpression.Point) -> Consumer.StartPosition {
        switch point {
        case .beginning: .beginning
        case .end: .end
        case .offset(let offset): .offset(offset)
        case .last(let count): .last(count)
        case .time(let ms): .timestamp(ms)
        }
    }

    private static func end(_ settings: ConsumeSettings) -> Consumer.EndPosition {
        switch settings.place.stop {
        case .offset(let offset): .offset(offset)
        case .time(let ms): .timestamp(ms)
        case .end: .currentEnd
        case .beginning, .last, nil: settings.exitsAtEnd ? .currentEnd : .never
        }
    }
}
