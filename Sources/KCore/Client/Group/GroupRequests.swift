// How what the client wants is said in all versions of a request.

extension FindCoordinatorRequest {
    /// Up to version 3 one key, from then on a list.
    static func adapt(_ request: inout FindCoordinatorRequest, _ version: Int16) {
        if version >= 4 { request.key = "" } else { request.coordinatorKeys = [] }
    }
}

extension FindCoordinatorResponse {
    /// Where the coordinator of a group is; nil when it has no address yet.
    func coordinator(of group: String) -> Result<HostAndPort?, ClientError> {
        let found = coordinators.first { $0.key == group }
        let code = found?.errorCode ?? errorCode
        guard code == .none else { return .failure(.refused("find the coordinator of group \(group)", code)) }
        guard let port = UInt16(exactly: found?.port ?? self.port), port > 0 else { return .success(nil) }
        return .success(HostAndPort(host: found?.host ?? host, port: port))
    }
}

extension LeaveGroupRequest {
    /// Up to version 2 one member, from then on a list.
    static func adapt(_ request: inout LeaveGroupRequest, _ version: Int16) {
        if version >= 3 { request.memberId = "" } else { request.members = [] }
    }
}

extension OffsetCommitRequest {
    /// Without membership, unless that is set too.
    init(group: String, offsets: [TopicPartition: GroupOffset]) {
        self.init()
        groupId = group
        for (topic, partitions) in TopicPartition.grouped(offsets.keys) {
            var entry = OffsetCommitRequestTopic()
            entry.name = topic
            entry.partitions = partitions.compactMap { index in
                guard let offset = offsets[TopicPartition(topic: topic, partition: index)] else { return nil }
                var partition = OffsetCommitRequestPartition()
                partition.partitionIndex = index
                partition.committedOffset = offset.offset
                partition.committedLeaderEpoch = offset.leaderEpoch
                partition.committedMetadata = offset.metadata
                return partition
            }
            topics.append(entry)
        }
    }
}

extension OffsetFetchRequest {
    /// - Parameter partitions: nil for all that the group has committed.
    init(group: String, partitions: [TopicPartition]?, requireStable: Bool) {
        self.init()
        self.requireStable = requireStable
        var asked = OffsetFetchRequestGroup()
        asked.groupId = group
        asked.topics = partitions.map { partitions in
            TopicPartition.grouped(partitions).map { topic, indexes in
                var entry = OffsetFetchRequestTopics()
                (entry.name, entry.partitionIndexes) = (topic, indexes)
                return entry
            }
        }
        groups = [asked]
    }

    /// Up to version 7 one group, from then on a list.
    static func adapt(_ request: inout OffsetFetchRequest, _ version: Int16) {
        if version < 7 { request.requireStable = false }
        guard version < 8, let group = request.groups.first else { return }
        request.groupId = group.groupId
        request.topics = group.topics.map { topics in
            topics.map { topic in
                var entry = OffsetFetchRequestTopic()
                (entry.name, entry.partitionIndexes) = (topic.name, topic.partitionIndexes)
                return entry
            }
        }
        request.groups = []
    }
}

extension OffsetFetchResponse {
    /// What a group has committed; partitions without are left out.
    func offsets(of group: String) -> Result<[TopicPartition: GroupOffset], ClientError> {
        results(of: group).flatMap { results in
            var found: [TopicPartition: GroupOffset] = [:]
            for (partition, result) in results.sorted(by: { $0.key < $1.key }) {
                switch result {
                case .success(let offset): found[partition] = offset
                case .failure(let error): return .failure(error)
                }
            }
            return .success(found)
        }
    }

    /// What a group has committed, with each partition's own error; partitions without a commit are left out.
    func results(of group: String) -> Result<[TopicPartition: Result<GroupOffset, ClientError>], ClientError> {
        let answer = groups.first { $0.groupId == group }
        for code in [errorCode, answer?.errorCode ?? .none] where code != .none {
            return .failure(.refused("look up offsets of group \(group)", code))
        }
        var found: [TopicPartition: Result<GroupOffset, ClientError>] = [:]
        func note(_ partition: TopicPartition, _ code: ErrorCode, _ offset: Int64, _ epoch: Int32, _ metadata: String?)
        {
            if code != .none {
                found[partition] = .failure(.refused("look up offsets of group \(group)", code))
            } else if offset >= 0 {
                found[partition] = .success(GroupOffset(offset, leaderEpoch: epoch, metadata: metadata ?? ""))
            }
        }
        for topic in topics {
            for partition in topic.partitions {
                note(
                    TopicPartition(topic: topic.name, partition: partition.partitionIndex), partition.errorCode,
                    partition.committedOffset, partition.committedLeaderEpoch, partition.metadata)
            }
        }
        for topic in answer?.topics ?? [] {
            for partition in topic.partitions {
                note(
                    TopicPartition(topic: topic.name, partition: partition.partitionIndex), partition.errorCode,
                    partition.committedOffset, partition.committedLeaderEpoch, partition.metadata)
            }
        }
        return .success(found)
    }
}
