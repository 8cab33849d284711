/// A commit of offsets, as OffsetCommit or TxnOffsetCommit brings it.
struct CommitStep: Sendable {
    var groupId: String
    var memberId: String
    var instanceId: String?
    /// The generation, or the epoch of a member of the new protocol; -1 for none.
    var generation: Int32
    /// Milliseconds; -1 for what the broker is set to.
    var retentionMs: Int64 = -1
    /// The first version of OffsetCommit that can be told that the group does not exist.
    var knowsMissingGroups: Bool
    var isTransactional: Bool

    /// Whether it says which member it comes from.
    var namesMember: Bool { generation >= 0 || !memberId.isEmpty || instanceId != nil }

    /// Milliseconds since 1970; -1 for what the broker is set to. A client may ask for longer than there are numbers.
    func expireTimestampMs(nowMs: Int64) -> Int64 {
        guard retentionMs >= 0 else { return -1 }
        let (time, isTooLong) = nowMs.addingReportingOverflow(retentionMs)
        return isTooLong ? .max : time
    }
}

extension GroupCoordinator {
    /// Whether there is a partition of that topic and number.
    typealias PartitionTest = (_ topic: String, _ partition: Int32) -> Bool

    /// Stores offsets of a group.
    /// - Parameter exists: whether there is such a partition; UNKNOWN_TOPIC_OR_PARTITION for those that are not.
    mutating func commit(
        _ request: OffsetCommitRequest, version: Int16, _ turn: inout Turn,
        _ reply: CoordinatorReply<OffsetCommitResponse>, exists: PartitionTest
    ) {
        let commit = CommitStep(
            groupId: request.groupId, memberId: request.memberId, instanceId: request.groupInstanceId,
            generation: request.generationIdOrMemberEpoch, retentionMs: request.retentionTimeMs,
            knowsMissingGroups: version >= 9, isTransactional: false)
        let bytes = request.topics.reduce(0) { bytes, topic in
            topic.partitions.reduce(bytes) { $0 + topic.name.utf8.count + ($1.committedMetadata?.utf8.count ?? 0) + 64 }
        }
        let problem = bytes > settings.maxRecordBytes ? .invalidCommitOffsetSize : prepareCommit(commit, &turn)
        let expireTimestampMs = commit.expireTimestampMs(nowMs: turn.wallMs)
        var response = OffsetCommitResponse()
        response.topics = request.topics.map { topic in
            var answer = OffsetCommitResponse.OffsetCommitResponseTopic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { partition in
                var result = OffsetCommitResponse.OffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
                result.errorCode = exists(topic.name, partition.partitionIndex) ? problem : .unknownTopicOrPartition
                guard result.errorCode == .none else { return result }
                var value = OffsetCommitValue()
                value.offset = partition.committedOffset
                value.leaderEpoch = partition.committedLeaderEpoch
                value.commitTimestamp = partition.commitTimestamp < 0 ? turn.wallMs : partition.commitTimestamp
                value.expireTimestamp = expireTimestampMs
                result.errorCode = keep(
                    value, partition.committedMetadata, commit.groupId, topic.name, partition.partitionIndex, &turn)
                return result
            }
            return answer
        }
        turn.send(response, to: reply)
    }

    /// Stores offsets as part of the transaction that the turn is in.
    /// - Parameter exists: as above.
    mutating func commit(
        _ request: TxnOffsetCommitRequest, _ turn: inout Turn, _ reply: CoordinatorReply<TxnOffsetCommitResponse>,
        exists: PartitionTest
    ) {
        let commit = CommitStep(
            groupId: request.groupId, memberId: request.memberId, instanceId: request.groupInstanceId,
            generation: request.generationId, knowsMissingGroups: false, isTransactional: true)
        let bytes = request.topics.reduce(0) { bytes, topic in
            topic.partitions.reduce(bytes) { $0 + topic.name.utf8.count + ($1.committedMetadata?.utf8.count ?? 0) + 64 }
        }
        let problem = bytes > settings.maxRecordBytes ? .invalidCommitOffsetSize : prepareCommit(commit, &turn)
        var response = TxnOffsetCommitResponse()
        response.topics = request.topics.map { topic in
            var answer = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { partition in
                var result = TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
                result.errorCode = exists(topic.name, partition.partitionIndex) ? problem : .unknownTopicOrPartition
                guard result.errorCode == .none else { return result }
                var value = OffsetCommitValue()
                value.offset = partition.committedOffset
                value.leaderEpoch = partition.committedLeaderEpoch
                value.commitTimestamp = turn.wallMs
                result.errorCode = keep(
                    value, partition.committedMetadata, commit.groupId, topic.name, partition.partitionIndex, &turn)
                return result
            }
            return answer
        }
        turn.send(response, to: reply)
    }

    private mutating func keep(
        _ value: OffsetCommitValue, _ metadata: String?, _ groupId: String, _ topic: String, _ partition: Int32,
        _ turn: inout Turn
    ) -> ErrorCode {
        let metadata = metadata ?? ""
        guard metadata.utf8.count <= settings.offsetMetadataMaxBytes else { return .offsetMetadataTooLarge }
        var value = value
        value.metadata = metadata
        write(.offsetCommit(OffsetCommitKey(group: groupId, topic: topic, partition: partition), value), &turn)
        return .none
    }

    /// Whether the commit comes from who may make it. One of a member says that the member lives.
    private mutating func prepareCommit(_ commit: CommitStep, _ turn: inout Turn) -> ErrorCode {
        if let consumer = groups[commit.groupId]?.consumer { return consumer.check(commit) }
        guard let classic = groups[commit.groupId]?.classic else {
            // Offsets alone make a group that nobody is a member of.
            if commit.generation < 0 { return .none }
            return commit.knowsMissingGroups ? .groupIdNotFound : .illegalGeneration
        }
        let problem = classic.check(commit)
        if problem == .none, classic.state == .stable || classic.state == .preparingRebalance {
            classicStep(commit.groupId, &turn) { $0.extendSession(of: commit.memberId, &$1) }
        }
        return problem
    }
}

extension ClassicGroup {
    fileprivate func check(_ commit: CommitStep) -> ErrorCode {
        if commit.generation < 0 && state == .empty { return .none }
        if commit.namesMember {
            let problem = check(member: commit.memberId, instance: commit.instanceId)
            guard problem == .none else { return problem }
            guard isCurrent(commit.generation, of: commit.memberId) else { return .illegalGeneration }
        } else if !commit.isTransactional && state != .empty {
            // Only members know where the group is. Transactional producers did not say who they are in old versions.
            return .unknownMemberId
        }
        // It is a member of the new generation, and what it commits belongs to the old one.
        if !commit.isTransactional && state == .completingRebalance { return .rebalanceInProgress }
        return .none
    }
}

extension ConsumerGroup {
    fileprivate func check(_ commit: CommitStep) -> ErrorCode {
        if commit.generation < 0 && members.isEmpty { return .none }
        // Transactional producers did not say who they are in old versions, and need not in new ones.
        if commit.isTransactional && !commit.namesMember { return .none }
        guard let member = members[commit.memberId] else { return .unknownMemberId }
        if commit.isTransactional || member.classic != nil {
            return commit.generation == member.epoch ? .none : .illegalGeneration
        }
        // Older versions could not be told what the error means.
        guard commit.knowsMissingGroups else { return .unsupportedVersion }
        return commit.generation == member.epoch ? .none : .staleMemberEpoch
    }
}

extension OffsetCommitRequest {
    /// The answer that says one error for all partitions.
    func refused(_ code: ErrorCode) -> OffsetCommitResponse {
        var response = OffsetCommitResponse()
        response.topics = topics.map { topic in
            var answer = OffsetCommitResponse.OffsetCommitResponseTopic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { partition in
                var result = OffsetCommitResponse.OffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
                result.errorCode = code
                return result
            }
            return answer
        }
        return response
    }
}

extension TxnOffsetCommitRequest {
    /// The answer that says one error for all partitions.
    func refused(_ code: ErrorCode) -> TxnOffsetCommitResponse {
        var response = TxnOffsetCommitResponse()
        response.topics = topics.map { topic in
            var answer = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { partition in
                var result = TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
                result.errorCode = code
                return result
            }
            return answer
        }
        return response
    }
}
