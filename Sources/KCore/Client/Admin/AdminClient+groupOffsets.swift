/// How far a group has come in a partition, and what there is to read.
public struct GroupLag: Sendable, Equatable {
    public var partition: TopicPartition
    /// Nil where nothing is committed.
    public var committed: GroupOffset?
    /// Nil when it cannot be looked up, for instance because the topic is gone.
    public var logStart: Int64?
    public var logEnd: Int64?

    /// Records that the group has not handled. Those that were deleted before it came to them are none: a commit below
    /// the log's start counts from there. Nil where nothing is committed, or the log cannot be seen.
    public var lag: Int64? {
        guard let committed, let logStart, let logEnd else { return nil }
        return max(0, logEnd - max(committed.offset, logStart))
    }
}

extension AdminClient {
    /// What a group has committed.
    public func groupOffsets(_ group: String) throws(ClientError) -> [TopicPartition: GroupOffset] {
        try groupOffsets(OffsetFetchRequest(group: group, partitions: nil, requireStable: false), group)
            .offsets(of: group).get()
    }

    /// What a group has committed in these partitions; nothing for those without a commit. Where a transaction that is open holds
    /// more it is the partition's error, UNSTABLE_OFFSET_COMMIT (KIP-447).
    public func stableGroupOffsets(
        _ group: String, of partitions: [TopicPartition]
    ) throws(ClientError) -> [TopicPartition: Result<GroupOffset, ClientError>] {
        try groupOffsets(OffsetFetchRequest(group: group, partitions: partitions, requireStable: true), group)
            .results(of: group).get()
    }

    private func groupOffsets(
        _ request: OffsetFetchRequest, _ group: String
    ) throws(ClientError) -> OffsetFetchResponse {
        try callCoordinator(
            of: group, request,
            adapt: { request, version in OffsetFetchRequest.adapt(&request, version) },
            code: { $0.groups.first?.errorCode ?? $0.errorCode }
        ).0
    }

    /// The lag of a group in each partition that it has committed or is to read.
    /// - Parameters:
    ///   - assigned: what its members have.
    ///   - topics: where it is not empty, only these, and all their partitions.
    public func groupLag(
        _ group: String, assigned: [TopicPartition] = [], topics: [String] = []
    ) throws(ClientError) -> [GroupLag] {
        let committed = try groupOffsets(group)
        var partitions = Set(committed.keys).union(assigned)
        if !topics.isEmpty {
            partitions = partitions.filter { topics.contains($0.topic) }
            for topic in try client.metadata(topics: topics).topics {
                partitions.formUnion(topic.partitions.map { TopicPartition(topic: topic.name, partition: $0.index) })
            }
        }
        let sorted = partitions.sorted()
        let starts = try ends(of: sorted, .earliest)
        let ends = try ends(of: sorted, .latest)
        return sorted.map {
            GroupLag(partition: $0, committed: committed[$0], logStart: starts[$0], logEnd: ends[$0])
        }
    }

    func ends(
        of partitions: [TopicPartition], _ place: OffsetQuery.Place
    ) throws(ClientError) -> [TopicPartition: Int64] {
        guard !partitions.isEmpty else { return [:] }
        var found: [TopicPartition: Int64] = [:]
        let queries = partitions.map { OffsetQuery(topic: $0.topic, partition: $0.partition, place: place) }
        for answer in try listOffsets(queries, leaderAttempts: Self.fewLeaderAttempts) {
            let partition = TopicPartition(topic: answer.topic, partition: answer.partition)
            if let offset = try? answer.result.get().offset, offset >= 0 { found[partition] = offset }
        }
        return found
    }

    /// The first record of each partition that is as young as a time, or younger; nothing for partitions without one.
    /// - Parameter fromMs: since 1970; before that all records are younger.
    /// - Throws: when a partition could not be looked at, which must not count as having none: what is in front of the place
    ///   may be deleted or passed over.
    func firstOffsets(of partitions: [TopicPartition], fromMs: Int64) throws(ClientError) -> [TopicPartition: Int64] {
        guard !partitions.isEmpty else { return [:] }
        let place = OffsetQuery.Place.timestamp(max(fromMs, 0))
        var found: [TopicPartition: Int64] = [:]
        for answer in try listOffsets(
            partitions.map { OffsetQuery(topic: $0.topic, partition: $0.partition, place: place) },
            leaderAttempts: Self.fewLeaderAttempts)
        {
            let offset = try answer.result.get().offset
            if offset >= 0 { found[TopicPartition(topic: answer.topic, partition: answer.partition)] = offset }
        }
        return found
    }

    /// Sets where a group without members goes on.
    public func setGroupOffsets(
        _ group: String, _ offsets: [TopicPartition: GroupOffset]
    ) throws(ClientError) -> [(TopicPartition, ClientError?)] {
        let request = OffsetCommitRequest(group: group, offsets: offsets)
        let (response, _) = try callCoordinator(of: group, request) { response in
            response.topics.first?.partitions.first?.errorCode ?? .none
        }
        return response.topics.flatMap { topic in
            topic.partitions.map { answer in
                let partition = TopicPartition(topic: topic.name, partition: answer.partitionIndex)
                let action = "set the offset of group \(group) in \(partition)"
                return (partition, answer.errorCode == .none ? nil : .refused(action, answer.errorCode))
            }
        }.sorted { $0.0 < $1.0 }
    }

    /// Forgets committed offsets of topics that the group does not read at present.
    public func deleteGroupOffsets(
        _ group: String, _ partitions: [TopicPartition]
    ) throws(ClientError) -> [(TopicPartition, ClientError?)] {
        var request = OffsetDeleteRequest()
        request.groupId = group
        request.topics = TopicPartition.grouped(partitions).map { name, indexes in
            var topic = OffsetDeleteRequest.OffsetDeleteRequestTopic()
            topic.name = name
            topic.partitions = indexes.map { index in
                var partition = OffsetDeleteRequest.OffsetDeleteRequestPartition()
                partition.partitionIndex = index
                return partition
            }
            return topic
        }
        let (response, _) = try callCoordinator(of: group, request) { $0.errorCode }
        guard response.errorCode == .none else {
            throw .refused("delete offsets of group \(group)", response.errorCode)
        }
        return response.topics.flatMap { topic in
            topic.partitions.map { answer in
                let partition = TopicPartition(topic: topic.name, partition: answer.partitionIndex)
                let action = "delete the offset of group \(group) in \(partition)"
                return (partition, answer.errorCode == .none ? nil : .refused(action, answer.errorCode))
            }
        }.sorted { $0.0 < $1.0 }
    }
}
