/// A partition of a fetch session: what the client asked for last, and what it was told last.
struct FetchSessionPartition: Sendable {
    var topic: String
    var topicId: Uuid
    var request: FetchRequest.FetchPartition
    // What the last answer said: an unchanged partition is left out of an incremental answer.
    var lastHighWatermark: Int64 = -1
    var lastLogStartOffset: Int64 = -1
    var hadError = false

    struct Key: Hashable, Sendable {
        var topic: String
        var topicId: Uuid
        var partition: Int32
    }
}

/// What a client fetches, remembered between its requests, so that requests and answers carry only what changed
/// (incremental fetch sessions, KIP-227).
///
/// Confined by ``FetchSessionCache``'s lock while it is looked up; one request of a session is served at a time.
struct FetchSession: Sendable {
    let id: Int32
    let usesTopicIds: Bool
    let createdMs: Int64
    var lastUsedMs: Int64
    /// The epoch that the next request must carry.
    var nextEpoch: Int32 = 1
    private(set) var partitions: [FetchSessionPartition] = []
    private var index: [FetchSessionPartition.Key: Int] = [:]
    /// Where the next answer begins, so that a partition with much to read does not starve those behind it.
    var start = 0

    init(id: Int32, usesTopicIds: Bool, nowMs: Int64) {
        self.id = id
        self.usesTopicIds = usesTopicIds
        createdMs = nowMs
        lastUsedMs = nowMs
    }

    /// Takes over what the session's next request changes.
    /// - Returns: why the request does not fit the session, which is then unchanged.
    mutating func advance(_ request: FetchRequest, usesTopicIds: Bool, nowMs: Int64) -> ErrorCode? {
        guard nextEpoch == request.sessionEpoch else { return .invalidFetchSessionEpoch }
        guard self.usesTopicIds == usesTopicIds else { return .fetchSessionTopicIdError }
        update(request.topics)
        forget(request.forgottenTopicsData)
        nextEpoch = FetchSession.epoch(after: nextEpoch)
        lastUsedMs = nowMs
        return nil
    }

    /// Adds partitions, or takes over new offsets and limits of known ones.
    mutating func update(_ topics: [FetchRequest.FetchTopic]) {
        for topic in topics {
            for partition in topic.partitions {
                let key = FetchSessionPartition.Key(
                    topic: topic.topic, topicId: topic.topicId, partition: partition.partition)
                if let known = index[key] {
                    partitions[known].request = partition
                } else {
                    index[key] = partitions.count
                    partitions.append(
                        FetchSessionPartition(topic: topic.topic, topicId: topic.topicId, request: partition))
                }
            }
        }
    }

    mutating func forget(_ topics: [FetchRequest.ForgottenTopic]) {
        var gone: Set<FetchSessionPartition.Key> = []
        for topic in topics {
            for partition in topic.partitions {
                gone.insert(.init(topic: topic.topic, topicId: topic.topicId, partition: partition))
            }
        }
        guard !gone.isEmpty else { return }
        partitions.removeAll { gone.contains($0.key) }
        index = [:]
        for (position, partition) in partitions.enumerated() { index[partition.key] = position }
        start = partitions.isEmpty ? 0 : start % partitions.count
    }

    /// Notes what an answer says of the partition at `position`.
    /// - Returns: whether an incremental answer must carry it: it has records, an error, or changed watermarks.
    mutating func note(_ answer: FetchResponse.PartitionData, at position: Int) -> Bool {
        let hasRecords = (answer.records?.count ?? 0) > 0
        let isError = answer.errorCode != .none
        var partition = partitions[position]
        let changed =
            hasRecords || isError || answer.highWatermark != partition.lastHighWatermark
            || answer.logStartOffset != partition.lastLogStartOffset || partition.hadError
            || answer.divergingEpoch != FetchResponse.EpochEndOffset()
        partition.lastHighWatermark = answer.highWatermark
        partition.lastLogStartOffset = answer.logStartOffset
        partition.hadError = isError
        partitions[position] = partition
        return changed
    }

    /// The epoch after `epoch`: it wraps to 1, since 0 and -1 have meanings of their own.
    static func epoch(after epoch: Int32) -> Int32 { epoch == Int32.max ? 1 : max(epoch, 0) + 1 }
}

extension FetchSessionPartition {
    var key: Key { Key(topic: topic, topicId: topicId, partition: request.partition) }
}
