extension GroupCoordinator {
    /// Applies a record of a consumer group.
    mutating func replayConsumer(_ record: GroupRecord, _ origin: CoordinatorRecordOrigin) {
        switch record {
        case .consumerGroupMetadata(let key, let value):
            guard let value else { return remove(key.groupId) }
            change(key.groupId) { ($0.epoch, $0.epochSinceMs) = (value.epoch, origin.timestampMs) }
        case .consumerGroupPartitionMetadata(let key, let value):
            change(key.groupId, creates: value != nil) { group in
                group.topics = (value?.topics ?? []).map {
                    .init(name: $0.topicName, id: $0.topicId, partitionCount: $0.numPartitions)
                }
            }
        case .consumerGroupMemberMetadata(let key, let value):
            change(key.groupId, creates: value != nil) { group in
                guard let value else { return group.remove(key.memberId) }
                var member = group.members[key.memberId] ?? ConsumerMember(id: key.memberId)
                member.take(value)
                group.set(member)
            }
        case .consumerGroupTargetAssignmentMetadata(let key, let value):
            change(key.groupId, creates: value != nil) { $0.targetEpoch = value?.assignmentEpoch ?? 0 }
        case .consumerGroupTargetAssignmentMember(let key, let value):
            change(key.groupId, creates: value != nil) { group in
                group.target[key.memberId] = value.map { value in
                    TopicShares(value.topicPartitions.map { ($0.topicId, $0.partitions) })
                }
            }
        case .consumerGroupCurrentMemberAssignment(let key, let value):
            change(key.groupId, creates: value != nil) { group in
                // Compaction may have put it in front of who the member is.
                guard group.members[key.memberId] != nil || value != nil else { return }
                var member = group.members[key.memberId] ?? ConsumerMember(id: key.memberId)
                member.take(value ?? ConsumerMember(id: member.id).assignmentValue)
                group.set(member)
            }
        case .offsetCommit, .groupMetadata, .unknown:
            break
        }
    }

    private mutating func remove(_ id: String) {
        groups[id]?.consumer = nil
        forgetIfNothingIsLeft(id)
    }

    /// - Parameter creates: whether there is a group because of this. The record of the group itself may come later: each
    ///   kind is compacted by itself.
    private mutating func change(_ id: String, creates: Bool = true, _ body: (inout ConsumerGroup) -> Void) {
        guard creates || groups[id]?.consumer != nil else { return }
        var group = groups[id, default: Group()].consumer.take() ?? ConsumerGroup(id: id)
        body(&group)
        groups[id]?.consumer = group
    }
}
