/// From what the command line asks for to partitions with a start and an end.
enum ConsumeAssignment {
    struct Found {
        var readable: [Consumer.Assignment] = []
        /// Where they begin and end cannot be looked up.
        var leaderless: [Consumer.Assignment] = []
    }

    /// - Parameter mayBeNone: whether it is said, and no error, that there is no topic yet that fits.
    static func find(
        _ settings: ConsumeSettings, _ client: KafkaClient, _ console: Console, mayBeNone: Bool
    ) throws(ToolError) -> Found {
        let names = try names(settings.topics, client, mayBeNone: mayBeNone)
        if names.isEmpty { sayNoneFits(settings, console) }
        let topics = try described(names, client)
        var found = Found()
        for topic in topics {
            try check(topic)
            let known = topic.partitions.map(\.index)
            if let list = settings.partitions,
                let missing = list.ranges.first(where: { !known.contains($0.upperBound) })
            {
                throw ToolError(
                    "\(topic.name) has no partition \(missing.upperBound); it has \(known.count), numbered from 0")
            }
            for partition in topic.partitions where settings.partitions?.contains(partition.index) ?? true {
                let assignment = Consumer.Assignment(
                    topic: topic.name, partition: partition.index, start: start(settings.place.start),
                    end: end(settings))
                if partition.leader >= 0 {
                    found.readable.append(assignment)
                } else {
                    found.leaderless.append(assignment)
                }
            }
        }
        return found
    }

    private static func names(
        _ topics: TopicSelection, _ client: KafkaClient, mayBeNone: Bool = false
    ) throws(ToolError) -> [String] {
        guard !topics.patterns.isEmpty else { return topics.names }
        let all = try ToolError.rethrowing { () throws(ClientError) in try client.metadata(topics: nil).topics }
        let fitting = topics.matching(all.filter { !$0.isInternal }.map(\.name)).sorted()
        let names = topics.names + fitting.filter { !topics.names.contains($0) }
        guard mayBeNone || !names.isEmpty else { throw ToolError(noneFits(topics)) }
        return names
    }

    /// What a member of a group reads, once it is known that there is something: a topic that is not there, or a broker
    /// that is not, is otherwise waited for in silence. Topics that fit a pattern may come later, for who goes on without
    /// end.
    /// - Returns: nil when it was interrupted.
    static func groupTopics(
        _ settings: ConsumeSettings, _ client: KafkaClient, _ console: Console
    ) throws(ToolError) -> GroupTopics? {
        let isAsking = Monitor(true)
        console.interruption?.onInterrupt { if isAsking.withLock({ $0 }) { client.interrupt() } }
        // Not once it reads: commits and the goodbye still need the client.
        defer { isAsking.withLock { $0 = false } }
        let topics = settings.topics
        do throws(ToolError) {
            let names = try names(topics, client, mayBeNone: !settings.exitsAtEnd)
            if names.isEmpty { sayNoneFits(settings, console) }
            for topic in try described(names, client) { try check(topic) }
        } catch {
            if console.interruption?.signal != nil { return nil }
            throw error
        }
        if topics.patterns.isEmpty { return .named(topics.names) }
        return .matching { all in Set(topics.names + topics.matching(all)).sorted() }
    }

    private static func sayNoneFits(_ settings: ConsumeSettings, _ console: Console) {
        if !settings.isQuiet { console.warning("\(noneFits(settings.topics)) yet; waiting for one") }
    }

    private static func described(
        _ names: [String], _ client: KafkaClient
    ) throws(ToolError) -> [ClusterMetadata.Topic] {
        try ToolError.rethrowing { () throws(ClientError) in try client.metadata(topics: names).topics }
    }

    private static func noneFits(_ topics: TopicSelection) -> String {
        "no topic fits \(topics.patterns.joined(separator: " or "))"
    }

    /// For a person.
    static func madeAnew(_ partitions: [TopicPartition], isReadOn: Bool = true) -> String {
        let topics = Set(partitions.map(\.topic)).sorted()
        return topics.joined(separator: ", ") + (topics.count == 1 ? " was" : " were")
            + " deleted and made anew" + (isReadOn ? ": read from the beginning" : "")
    }

    /// For a person.
    static func waits(_ partition: TopicPartition, _ code: ErrorCode) -> String {
        if code == .unknownTopicOrPartition {
            return
                "\(partition) is not there any more; it is read when there is a topic \(partition.topic) with it again"
        }
        return "\(partition) cannot be read now, and is tried again: \(code.name): \(code.meaning)"
    }

    /// For a person.
    static func blocked(_ error: ClientError) -> String {
        let advice =
            switch error.errorCode {
            case .unstableOffsetCommit: "; kadmin txn list --state Ongoing shows what holds them"
            case .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator: "; the broker's log says why"
            default: ""
            }
        return "\(error.message), and is tried again\(advice)"
    }

    /// The part of what there is to read that has been read; nil where no end is known.
    static func fractionRead(_ positions: [Consumer.Position]) -> Double? {
        var (done, whole): (Int64, Int64) = (0, 0)
        for position in positions {
            guard let end = position.end ?? position.visibleEnd else { return nil }
            whole += max(0, end - position.start)
            done += max(0, min(position.position, end) - position.start)
        }
        return whole > 0 ? Double(done) / Double(whole) : nil
    }

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
        case .offset(let offset): settings.exitsAtEnd ? .offsetOrCurrentEnd(offset) : .offset(offset)
        case .time(let ms): .timestamp(ms)
        case .end: .currentEnd
        case .beginning, .last, nil: settings.exitsAtEnd ? .currentEnd : .never
        }
    }
}
