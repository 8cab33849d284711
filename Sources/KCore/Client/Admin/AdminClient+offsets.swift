/// Asks for one offset of a partition.
public struct OffsetQuery: Sendable, Hashable {
    public enum Place: Sendable, Hashable {
        case earliest
        /// The end of what the client may see: see `isolation.level`.
        case latest
        /// The record with the largest timestamp.
        case maxTimestamp
        /// The first record of this time or later, in milliseconds since 1970.
        case timestamp(Int64)
    }

    public var topic: String
    public var partition: Int32
    public var place: Place

    public init(topic: String, partition: Int32, place: Place) {
        self.topic = topic
        self.partition = partition
        self.place = place
    }

    var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }

    var timestamp: Int64 {
        switch place {
        case .earliest: ListOffsetsTimestamp.earliest
        case .latest: ListOffsetsTimestamp.latest
        case .maxTimestamp: ListOffsetsTimestamp.maxTimestamp
        case .timestamp(let time): time
        }
    }
}

/// Where a query found something.
public struct FoundOffset: Sendable, Equatable {
    /// -1 when there is no such record.
    public var offset: Int64
    /// Of the record that was found; -1 for none, and for the ends.
    public var timestampMs: Int64
    /// -1 when not known.
    public var leaderEpoch: Int32
}

/// The answer to one query.
public struct OffsetAnswer: Sendable {
    public var topic: String
    public var partition: Int32
    public var result: Result<FoundOffset, ClientError>
}

extension AdminClient {
    /// For a person who waits: enough for an election, and a partition that is offline is told of soon.
    static let fewLeaderAttempts = 3

    /// Looks offsets up, in the order of the queries. Leaders that move are followed.
    /// - Parameter leaderAttempts: how often the leader of a partition is asked for that has none.
    public func listOffsets(
        _ queries: [OffsetQuery], leaderAttempts: Int = 10
    ) throws(ClientError) -> [OffsetAnswer] {
        var found: [OffsetQuery: Result<FoundOffset, ClientError>] = [:]
        // A request asks for one place of a partition only.
        for (_, group) in Dictionary(grouping: queries, by: \.place) {
            let byPartition = Dictionary(group.map { ($0.topicPartition, $0) }, uniquingKeysWith: { first, _ in first })
            try perLeader(
                Array(byPartition.keys), leaderAttempts: leaderAttempts
            ) { broker, partitions throws(ClientError) in
                let asked = partitions.compactMap { byPartition[$0] }
                let request = ListOffsetsRequest(asked, isolation: client.config.isolation)
                var codes: [TopicPartition: ErrorCode] = [:]
                for (partition, result) in try client.call(request, to: .broker(broker)).byPartition {
                    guard let query = byPartition[partition] else { continue }
                    if case .failure(let error) = result { codes[partition] = error.errorCode }
                    found[query] = result
                }
                return codes
            } missing: { partition, error in
                if let query = byPartition[partition] { found[query] = .failure(error) }
            }
        }
        return queries.map { query in
            OffsetAnswer(
                topic: query.topic, partition: query.partition,
                result: found[query] ?? .failure(.leftOut(query.topicPartition.description)))
        }
    }

    /// Asks the leader of each partition, again where it has moved or is not there yet.
    /// - Parameters:
    ///   - leaderAttempts: how often a partition is asked for of which the brokers say that it has no leader.
    ///   - ask: returns the errors of partitions; those about leaders are asked for again.
    ///   - missing: told of partitions that have no leader.
    func perLeader(
        _ partitions: [TopicPartition], leaderAttempts: Int = 10,
        ask: (Int32, [TopicPartition]) throws(ClientError) -> [TopicPartition: ErrorCode],
        missing: (TopicPartition, ClientError) -> Void
    ) throws(ClientError) {
        var left = partitions.sorted()
        var attempt = 0
        try client.retrying { _ throws(ClientError) in
            attempt += 1
            let metadata = try client.metadata(topics: Set(left.map(\.topic)).sorted())
            var cache = MetadataCache()
            cache.apply(metadata)
            var again: [TopicPartition] = []
            var failure = ErrorCode.leaderNotAvailable
            var byLeader: [Int32: [TopicPartition]] = [:]
            for partition in left {
                let topic = cache.topic(partition.topic)
                if let leader = cache.leader(partition.topic, partition.partition)?.broker {
                    byLeader[leader, default: []].append(partition)
                } else if topic == nil || topic?.error == .unknownTopicOrPartition
                    || topic?.error == ErrorCode.none && cache.partition(partition.topic, partition.partition) == nil
                {
                    missing(partition, .refused("find partition \(partition)", .unknownTopicOrPartition))
                } else if let error = topic?.error, error != .none, !error.isRetriable {
                    missing(partition, .refused("find partition \(partition)", error))
                } else {
                    missing(partition, .refused("find the leader of \(partition)", .leaderNotAvailable))
                    let isKnown = cache.partition(partition.topic, partition.partition) != nil
                    if !isKnown || attempt < leaderAttempts { again.append(partition) }
                }
            }
            for (broker, group) in byLeader.sorted(by: { $0.key < $1.key }) {
                for (partition, code) in try ask(broker, group) where code != .none && code.isRetriable {
                    again.append(partition)
                    failure = code
                }
            }
            left = again.sorted()
            // A partition without a leader may wait long for one; a person would rather be told.
            guard left.isEmpty || attempt >= 10 else {
                throw .refused("ask the leaders of \(left.count) partitions", failure)
            }
        }
    }
}

extension ListOffsetsRequest {
    init(_ queries: [OffsetQuery], isolation: IsolationLevel) {
        self.init()
        replicaId = -1
        isolationLevel = isolation
        for (topic, group) in Dictionary(grouping: queries, by: \.topic).sorted(by: { $0.key < $1.key }) {
            var asked = ListOffsetsTopic()
            asked.name = topic
            asked.partitions = group.map { query in
                var partition = ListOffsetsPartition()
                partition.partitionIndex = query.partition
                partition.timestamp = query.timestamp
                return partition
            }
            topics.append(asked)
        }
    }
}

extension ListOffsetsResponse {
    var byPartition: [(TopicPartition, Result<FoundOffset, ClientError>)] {
        topics.flatMap { topic in
            topic.partitions.map { answer in
                let partition = TopicPartition(topic: topic.name, partition: answer.partitionIndex)
                guard answer.errorCode == .none else {
                    return (partition, .failure(.refused("look up an offset of \(partition)", answer.errorCode)))
                }
                // Version 0 has a list of offsets.
                let offset = answer.oldStyleOffsets.first ?? answer.offset
                return (
                    partition,
                    .success(
                        FoundOffset(
                            offset: offset, timestampMs: answer.timestamp, leaderEpoch: answer.leaderEpoch))
                )
            }
        }
    }
}
