/// Where a member of a group begins with partitions whose output goes to a sink.
struct SinkStart {
    private let settings: ConsumeSettings
    private let client: KafkaClient
    private let sink: SinkDirectory

    init(_ settings: ConsumeSettings, _ client: KafkaClient, _ sink: SinkDirectory) {
        self.settings = settings
        self.client = client
        self.sink = sink
    }

    struct Offsets {
        var start: [TopicPartition: Int64] = [:]
        /// These begin at their beginning once they have a leader, whatever `auto.offset.reset` says.
        var leaderless: [TopicPartition] = []
        /// Of these it is not known yet.
        var held: [TopicPartition: HeldPartitions.Holder] = [:]
        /// Of these the group does not know how far the output has come: who wrote it died before saying so.
        var unstored: [TopicPartition: GroupOffset] = [:]
        /// Where output and group do not agree, for a person.
        var notes: [String] = []
    }

    /// Opens the output of these partitions. Each begins where its output ends, or where the group has come to when that
    /// is further; one without either at its beginning when it was added after output of its topic began, or has no leader,
    /// else where `auto.offset.reset` says, and that is kept. What that would be is kept, too, of one whose offset of the group
    /// a transaction holds.
    func offsets(_ assigned: [TopicPartition]) throws(ToolError) -> Offsets {
        var offsets = Offsets()
        let topics = try SinkStart.topics(Set(assigned.map(\.topic)), client)
        var partitions: [TopicPartition] = []
        for partition in assigned {
            if try sink.open(partition, topicId: topics[partition.topic]?.id ?? .zero) {
                partitions.append(partition)
            } else {
                offsets.held[partition] = .process
            }
        }
        if partitions.isEmpty { return offsets }
        try sink.resume()
        let (committed, unstable) = try stored(partitions)
        for partition in unstable { offsets.held[partition] = .transaction }
        for partition in partitions where !unstable.contains(partition) {
            let (written, stored) = (sink.offset(partition), committed[partition]?.offset)
            offsets.start[partition] = [written, stored].compactMap { $0 }.max() ?? sink.offsetUnlessStored(partition)
            if let written, written > stored ?? -1 { offsets.unstored[partition] = GroupOffset(written) }
            if let note = SinkStart.note(partition, written: written, stored: stored) { offsets.notes.append(note) }
        }
        var places: [TopicPartition: SinkStarts.Place] = offsets.start.mapValues { .offset($0) }
        let unknown = partitions.filter { offsets.start[$0] == nil && !(unstable.contains($0) && sink.isPlanned($0)) }
        if !unknown.isEmpty {
            // Before any of these begins: by what others of its topic say, of whichever member.
            var known: [String: Int32] = [:]
            for topic in Set(unknown.map(\.topic)) {
                known[topic] = try sink.firstPartitions(of: topic, id: topics[topic]?.id ?? .zero)
            }
            let isHeld = { (partition: TopicPartition) in unstable.contains(partition) }
            let late = unknown.filter { $0.partition >= known[$0.topic] ?? .max || sink.beginsAtBeginning($0) }
            var first = unknown.filter { !late.contains($0) }
            // Where nothing says where to begin, the group may still.
            if client.config.autoOffsetReset == .fail { first.removeAll(where: isHeld) }
            let isLed = { (partition: TopicPartition) in
                topics[partition.topic]?.leaderless.contains(partition.partition) != true
            }
            let lateFound = try found(.earliest, of: late.filter { isLed($0) && !isHeld($0) })
            let firstFound = try found(resetPlace(first), of: first.filter(isLed))
            for partition in late + first {
                let offset = lateFound[partition] ?? firstFound[partition]
                places[partition] = offset.map { isHeld(partition) ? .storedOr($0) : .offset($0) } ?? .beginning
                if isHeld(partition) { continue }
                offsets.start[partition] = offset
                if offset == nil { offsets.leaderless.append(partition) }
            }
            if client.config.autoOffsetReset != .earliest {
                offsets.notes += lateFound.keys.sorted().map(SinkStart.lateNote)
            }
        }
        try sink.begin(places, partitions: topics.mapValues(\.partitions))
        return offsets
    }

    private static func note(_ partition: TopicPartition, written: Int64?, stored: Int64?) -> String? {
        guard let stored, stored != written else { return nil }
        guard let written else {
            return stored == 0
                ? nil : "\(partition) begins at \(stored), where the group is; what is before is left out"
        }
        return stored > written
            ? "\(partition) goes on at \(stored), where the group is; \(written)-\(stored - 1) are left out"
            : "\(partition) goes on at \(written), where its output ends, and not at \(stored), where the group was"
    }

    /// A topic as it is now.
    struct Topic {
        /// Zero from brokers without ids.
        var id: Uuid
        var partitions: Int32
        var leaderless: Set<Int32>
    }

    /// What there is of these topics.
    static func topics(_ topics: Set<String>, _ client: KafkaClient) throws(ToolError) -> [String: Topic] {
        let found = try ToolError.rethrowing { () throws(ClientError) in
            try client.metadata(topics: topics.sorted()).topics
        }
        return Dictionary(
            found.filter { $0.error == .none }.map { topic in
                let leaderless = Set(topic.partitions.filter { $0.leader < 0 }.map(\.index))
                return (
                    topic.name,
                    Topic(id: topic.id, partitions: Int32(topic.partitions.count), leaderless: leaderless)
                )
            },
            uniquingKeysWith: { first, _ in first })
    }

    /// What is kept of where a partition is to begin that has no leader: nobody can say where it ends, and nobody has chosen
    /// to leave out what is in it.
    static func place(_ start: Consumer.StartPosition) -> SinkStarts.Place {
        if case .offset(let offset) = start { .offset(offset) } else { .beginning }
    }

    /// What the group has stored.
    /// - Returns: also of which partitions a transaction may be about to store more: what it has handled would be copied as well.
    private func stored(
        _ partitions: [TopicPartition]
    ) throws(ToolError) -> (offsets: [TopicPartition: GroupOffset], unstable: Set<TopicPartition>) {
        try ToolError.rethrowing { () throws(ClientError) in
            var (offsets, unstable): ([TopicPartition: GroupOffset], Set<TopicPartition>) = ([:], [])
            let results = try AdminClient(client).stableGroupOffsets(settings.group ?? "", of: partitions)
            for (partition, result) in results {
                if case .failure(let error) = result, error.errorCode == .unstableOffsetCommit {
                    unstable.insert(partition)
                } else {
                    offsets[partition] = try result.get()
                }
            }
            return (offsets, unstable)
        }
    }

    /// For a person: why -o does not count.
    static func lateNote(_ partition: TopicPartition) -> String {
        "\(partition) is new to the output of \(partition.topic), and begins at its beginning"
    }

    private func resetPlace(_ partitions: [TopicPartition]) throws(ToolError) -> OffsetQuery.Place {
        switch client.config.autoOffsetReset ?? .latest {
        case .earliest: return .earliest
        case .latest: return .latest
        case .fail:
            guard let first = partitions.first else { return .latest }
            throw ToolError(
                "nothing says where to start with \(first): auto.offset.reset is none; -o beginning or end does")
        }
    }

    /// - Returns: nothing for those that have lost their leader.
    private func found(
        _ place: OffsetQuery.Place, of partitions: [TopicPartition]
    ) throws(ToolError) -> [TopicPartition: Int64] {
        if partitions.isEmpty { return [:] }
        let queries = partitions.map { OffsetQuery(topic: $0.topic, partition: $0.partition, place: place) }
        return try ToolError.rethrowing { () throws(ClientError) in
            var found: [TopicPartition: Int64] = [:]
            for answer in try AdminClient(client).listOffsets(
                queries, leaderAttempts: AdminClient.fewLeaderAttempts)
            {
                if case .failure(let error) = answer.result, error.errorCode == .leaderNotAvailable { continue }
                found[TopicPartition(topic: answer.topic, partition: answer.partition)] = try answer.result.get().offset
            }
            return found
        }
    }
}
