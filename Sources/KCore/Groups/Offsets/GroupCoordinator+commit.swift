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
}

extension GroupCoordinator {
    /// Stores offsets of a group, after the partitions that do not exist have been taken out.
    mutating func commit(
        _ request: OffsetCommitRequest, version: Int16, _ turn: inout Turn,
        _ reply: CoordinatorReply<OffsetCommitResponse>
    ) {
        let commit = CommitStep(
            groupId: request.groupId, memberId: request.memberId, instanceId: request.groupInstanceId,
            generation: request.generationIdOrMemberEpoch, retentionMs: request.retentionTimeMs,
            knowsMissingGroups: version >= 9, isTransactional: false)
        let problem = prepareCommit(commit, &turn)
        guard problem == .none else { return turn.send(request.refused(problem), to: reply) }
        let expireTimestampMs = commit.retentionMs < 0 ? -1 : turn.wallMs + commit.retentionMs
        var response = OffsetCommitResponse()
        response.topics = request.topics.map { topic in
            var answer = OffsetCommitResponse.OffsetCommitResponseTopic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { partition in
                var result = OffsetCommitResponse.OffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
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
    mutating func commit(
        _ request: TxnOffsetCommitRequest, _ turn: inout Turn, _ reply: CoordinatorReply<TxnOffsetCommitResponse>
    ) {
        let commit = CommitStep(
            groupId: request.groupId, memberId: request.memberId, instanceId: request.groupInstanceId,
            generation: request.generationId, knowsMissingGroups: false, isTransactional: true)
        let problem = prepareCommit(commit, &turn)
        guard problem == .none else { return turn.send(request.refused(problem), to: reply) }
        var response = TxnOffsetCommitResponse()
        response.topics = request.topics.map { topic in
            var answer = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { partition in
                var result = TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
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
        if commit.generation >= 0 || !commit.memberId.isEmpty || commit.instanceId != nil {
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
