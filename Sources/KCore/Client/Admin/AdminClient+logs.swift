/// A log directory of a broker.
public struct LogDirDescription: Sendable {
    public struct Replica: Sendable {
        public var topic: String
        public var partition: Int32
        /// Bytes of all segments.
        public var size: Int64
        /// How far it is behind the high watermark or, being moved here, behind the current replica.
        public var offsetLag: Int64
        /// It is being moved here.
        public var isFuture: Bool
    }

    public var broker: Int32
    public var path: String
    public var error: ErrorCode
    /// Bytes of the file system; -1 when not known.
    public var total: Int64
    /// Bytes that are free in it; -1 when not known.
    public var usable: Int64
    public var replicas: [Replica]
}

extension AdminClient {
    /// - Parameters:
    ///   - brokers: nil for all.
    ///   - topics: nil for all.
    public func describeLogDirs(
        brokers: [Int32]? = nil, topics: [String]? = nil
    ) throws(ClientError) -> [LogDirDescription] {
        var request = DescribeLogDirsRequest()
        request.topics = nil
        if let topics {
            let metadata = try client.metadata(topics: topics)
            request.topics = try topics.map { name throws(ClientError) in
                guard let topic = metadata.topics.first(where: { $0.name == name }), topic.error == .none else {
                    throw .refused("describe topic \(name)", .unknownTopicOrPartition)
                }
                var asked = DescribeLogDirsRequest.DescribableLogDirTopic()
                asked.topic = name
                asked.partitions = topic.partitions.map(\.index)
                return asked
            }
        }
        var result: [LogDirDescription] = []
        let ids = if let brokers { brokers } else { try brokerIds() }
        for id in ids {
            let response = try client.call(request, to: .broker(id))
            guard response.errorCode == .none else {
                throw .refused("describe the log directories of broker \(id)", response.errorCode)
            }
            for directory in response.results {
                let replicas = directory.topics.flatMap { topic in
                    topic.partitions.map {
                        LogDirDescription.Replica(
                            topic: topic.name, partition: $0.partitionIndex, size: $0.partitionSize,
                            offsetLag: $0.offsetLag, isFuture: $0.isFutureKey)
                    }
                }
                result.append(
                    LogDirDescription(
                        broker: id, path: directory.logDir, error: directory.errorCode, total: directory.totalBytes,
                        usable: directory.usableBytes, replicas: replicas))
            }
        }
        return result
    }

    /// Deletes what is before an offset; each result is the offset that the partition then begins at.
    /// - Parameter before: offset -1 deletes all there is.
    public func deleteRecords(
        _ before: [(topic: String, partition: Int32, offset: Int64)]
    ) throws(ClientError) -> [ItemResult<Int64>] {
        var results: [TopicPartition: Result<Int64, ClientError>] = [:]
        let offsets = Dictionary(
            before.map { (TopicPartition(topic: $0.topic, partition: $0.partition), $0.offset) },
            uniquingKeysWith: { _, last in last })
        try perLeader(
            Array(offsets.keys), leaderAttempts: Self.fewLeaderAttempts
        ) { broker, partitions throws(ClientError) in
            var request = DeleteRecordsRequest()
            request.timeoutMs = timeoutMs
            for (topic, group) in Dictionary(grouping: partitions, by: \.topic) {
                var asked = DeleteRecordsRequest.DeleteRecordsTopic()
                asked.name = topic
                asked.partitions = group.map {
                    var partition = DeleteRecordsRequest.DeleteRecordsPartition()
                    partition.partitionIndex = $0.partition
                    partition.offset = offsets[$0] ?? -1
                    return partition
                }
                request.topics.append(asked)
            }
            var codes: [TopicPartition: ErrorCode] = [:]
            for topic in try client.call(request, to: .broker(broker)).topics {
                for answer in topic.partitions {
                    let partition = TopicPartition(topic: topic.name, partition: answer.partitionIndex)
                    codes[partition] = answer.errorCode
                    results[partition] =
                        answer.errorCode == .none
                        ? .success(answer.lowWatermark)
                        : .failure(.refused("delete records of \(partition)", answer.errorCode))
                }
            }
            return codes
        } missing: { partition, error in
            results[partition] = .failure(error)
        }
        return before.map { item in
            let partition = TopicPartition(topic: item.topic, partition: item.partition)
            return ItemResult(
                name: partition.description, result: results[partition] ?? .failure(.leftOut(partition.description)))
        }
    }
}
