extension GroupCoordinator {
    // MARK: On request

    /// Forgets offsets of topics that the group does not read (KIP-496).
    /// - Parameter exists: whether there is such a partition; UNKNOWN_TOPIC_OR_PARTITION for those that are not.
    mutating func deleteOffsets(
        _ request: OffsetDeleteRequest, _ turn: inout Turn, exists: PartitionTest
    ) -> OffsetDeleteResponse {
        var response = OffsetDeleteResponse()
        guard let group = groups[request.groupId] else {
            response.errorCode = .groupIdNotFound
            return response
        }
        if let classic = group.classic, classic.state != .empty, classic.protocolType != "consumer" {
            response.errorCode = .nonEmptyGroup
            return response
        }
        response.topics = request.topics.map { topic in
            let isRead = isSubscribed(group, to: topic.name)
            var answer = OffsetDeleteResponse.OffsetDeleteResponseTopic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { partition in
                var result = OffsetDeleteResponse.OffsetDeleteResponsePartition()
                result.partitionIndex = partition.partitionIndex
                if !exists(topic.name, partition.partitionIndex) {
                    result.errorCode = .unknownTopicOrPartition
                } else if isRead {
                    result.errorCode = .groupSubscribedToTopic
                } else if group.offsets.find(topic.name, partition.partitionIndex) != nil
                    || group.offsets.isPending(topic.name, partition.partitionIndex)
                {
                    forget(request.groupId, topic.name, partition.partitionIndex, &turn)
                }
                return result
            }
            return answer
        }
        return response
    }

    private func isSubscribed(_ group: Group, to topic: String) -> Bool {
        if let consumer = group.consumer { return consumer.isSubscribed(to: topic) }
        guard let classic = group.classic, classic.state != .empty else { return false }
        return classic.subscribedTopics?.contains(topic) ?? true
    }

    /// Forgets a group that has no members, with all its offsets (KIP-229).
    mutating func deleteGroup(_ id: String, _ turn: inout Turn) -> ErrorCode {
        guard let group = groups[id] else { return .groupIdNotFound }
        if let classic = group.classic, classic.state != .empty { return .nonEmptyGroup }
        if let consumer = group.consumer, !consumer.members.isEmpty { return .nonEmptyGroup }
        turn.allowDivision()
        forgetOffsets(of: id, &turn) { _ in true }
        forgetGroup(id, &turn)
        return .none
    }

    // MARK: By itself

    /// Forgets offsets that nobody has needed for long, and groups of which nothing is left.
    mutating func expireOffsets(_ turn: inout Turn) {
        turn.allowDivision()
        for id in groups.sortedNames {
            guard let group = groups[id] else { continue }
            for topic in group.offsets.sorted {
                for (partition, offset) in topic.partitions {
                    guard let base = idleSince(group, topic.topic, offset),
                        offset.isExpired(nowMs: turn.wallMs, retentionMs: settings.offsetsRetentionMs, since: base),
                        !group.offsets.isPending(topic.topic, partition)
                    else { continue }
                    forget(id, topic.topic, partition, &turn)
                }
            }
            guard let left = groups[id], left.offsets.isEmpty else { continue }
            if let consumer = left.consumer, !consumer.members.isEmpty { continue }
            if let classic = left.classic, classic.state != .empty || !classic.pendingMembers.isEmpty { continue }
            forgetGroup(id, &turn)
        }
    }

    /// Since when nobody needs the offset, in milliseconds since 1970; nil when somebody does (KIP-211).
    private func idleSince(_ group: Group, _ topic: String, _ offset: CommittedOffset) -> Int64? {
        if let consumer = group.consumer {
            if consumer.isSubscribed(to: topic) { return nil }
            // Members that read nothing new commit nothing: what they had is as old as their group is empty.
            let emptySinceMs = consumer.members.isEmpty ? consumer.epochSinceMs : -1
            return max(offset.commitTimestampMs, emptySinceMs)
        }
        guard let classic = group.classic, classic.protocolType != nil else { return offset.commitTimestampMs }
        switch classic.state {
        case .empty:
            return classic.stateSinceMs < 0 ? offset.commitTimestampMs : classic.stateSinceMs
        case .stable:
            let isRead = classic.subscribedTopics?.contains(topic) ?? true
            return isRead ? nil : offset.commitTimestampMs
        case .preparingRebalance, .completingRebalance:
            return nil
        }
    }

    /// Forgets what groups committed for topics that are gone, be it in transactions that have yet to end.
    /// - Parameter isGone: of a topic's name.
    mutating func forgetTopics(_ turn: inout Turn, where isGone: (String) -> Bool) {
        turn.allowDivision()
        // Most groups have nothing of them, and all others of the loop wait.
        let concerned = groups.compactMap { id, group in
            group.offsets.hasTopic(where: isGone) ? ExactName(id) : nil
        }
        for id in concerned.sorted() { forgetOffsets(of: id.text, &turn, where: isGone) }
    }

    // MARK: Tombstones

    private mutating func forgetOffsets(of id: String, _ turn: inout Turn, where isGone: (String) -> Bool) {
        guard let offsets = groups[id]?.offsets else { return }
        for topic in offsets.sorted where isGone(topic.topic) {
            for (partition, _) in topic.partitions { forget(id, topic.topic, partition, &turn) }
        }
        // Those that a transaction has yet to commit must not come back with it.
        for (_, topics) in offsets.pending.sorted(by: { $0.key < $1.key }) {
            for (topic, partitions) in topics.sorted(by: { $0.key < $1.key }) where isGone(topic) {
                for partition in partitions.keys.sorted() { forget(id, topic, partition, &turn) }
            }
        }
    }

    private mutating func forget(_ id: String, _ topic: String, _ partition: Int32, _ turn: inout Turn) {
        write(.offsetCommit(OffsetCommitKey(group: id, topic: topic, partition: partition), nil), &turn)
    }

    /// Forgets what is kept of a group beside its offsets.
    mutating func forgetGroup(_ id: String, _ turn: inout Turn) {
        if groups[id]?.consumer != nil {
            write(.consumerGroupTargetAssignmentMetadata(.init(groupId: id), nil), &turn)
            write(.consumerGroupPartitionMetadata(.init(groupId: id), nil), &turn)
            // The last: nothing of the group is left behind it.
            write(.consumerGroupMetadata(.init(groupId: id), nil), &turn)
        }
        if groups[id]?.kept != nil { write(.groupMetadata(GroupMetadataKey(group: id), nil), &turn) }
        forgetIfNothingIsLeft(id)
    }
}
