extension GroupCoordinator {
    /// Brings the group's epoch and target up to what members want and what topics there are.
    /// - Parameter mustRaise: whether something else than topics has changed.
    mutating func refresh(_ id: String, _ image: ClusterImage, mustRaise: Bool, _ turn: inout Turn) {
        guard let isAssigned = groups[id]?.consumer.map({ $0.epoch == $0.targetEpoch }) else { return }
        let mustLook =
            mustRaise || groups[id]?.consumer?.knownImageOffset != image.lastOffset
            || turn.nowMs >= groups[id]?.consumer?.looksAgainMs ?? .max
        let hasOtherTopics = mustLook && keepTopics(id, image, &turn)
        // Nobody has been given anything in an epoch that has no target yet.
        if mustRaise || hasOtherTopics && isAssigned { raise(id, &turn) }
        if groups[id]?.consumer.map({ $0.epoch > $0.targetEpoch }) == true { computeTarget(id, &turn) }
    }

    /// The next epoch, which has no target until `refresh` computes one.
    mutating func raise(_ id: String, _ turn: inout Turn) {
        guard let group = groups[id]?.consumer else { return }
        write(.consumerGroupMetadata(.init(groupId: id), .init(epoch: Group.epoch(after: group.epoch))), &turn)
    }

    /// Compares the topics that members subscribe to with those that there are.
    /// - Returns: whether they are others than before.
    @discardableResult
    mutating func keepTopics(_ id: String, _ image: ClusterImage, _ turn: inout Turn) -> Bool {
        guard var group = groups[id]?.consumer.take() else { return false }
        let isDue = turn.nowMs >= group.looksAgainMs
        group.resolvePatterns(image, mustLook: isDue)
        group.knownImageOffset = image.lastOffset
        if isDue || group.looksAgainMs == .max {
            group.looksAgainMs = turn.nowMs + settings.patternRefreshIntervalMs
        }
        groups[id]?.consumer = group
        if group.isComparing { patternTurns.add(id, nowMs: turn.nowMs) }
        let topics = subscribedTopics(of: group, image)
        guard topics != group.topics else { return false }
        var value = ConsumerGroupPartitionMetadataValue()
        value.topics = topics.map { topic in
            var entry = ConsumerGroupPartitionMetadataValue.TopicMetadata()
            entry.topicId = topic.id
            entry.topicName = topic.name
            entry.numPartitions = topic.partitionCount
            return entry
        }
        write(.consumerGroupPartitionMetadata(.init(groupId: id), value), &turn)
        return true
    }

    private func subscribedTopics(of group: ConsumerGroup, _ image: ClusterImage) -> [ConsumerGroup.Topic] {
        var names = Set(group.wishes.topics.map(\.name))
        for (_, pattern) in group.patterns { names.formUnion(pattern.topics) }
        // What it is not known yet to mean may be what it meant before a crash.
        if group.patterns.contains(where: { !$0.value.isKnown }) { names.formUnion(group.topics.map(\.name)) }
        return names.sorted().compactMap { name in
            image.topic(name).map {
                ConsumerGroup.Topic(name: name, id: $0.id, partitionCount: Int32($0.partitions.count))
            }
        }
    }

    /// Computes who is to have what in the group's epoch, and keeps what is different from before.
    private mutating func computeTarget(_ id: String, _ turn: inout Turn) {
        guard let (epoch, changed) = groups[id]?.consumer.map({ ($0.epoch, newShares($0)) }) else { return }
        for (memberId, share) in changed {
            write(.consumerGroupTargetAssignmentMember(.init(groupId: id, memberId: memberId), share.target), &turn)
        }
        write(.consumerGroupTargetAssignmentMetadata(.init(groupId: id), .init(assignmentEpoch: epoch)), &turn)
    }

    /// The shares of a target for the group's epoch that are not in the target that there is, in the order of the members.
    private func newShares(_ group: ConsumerGroup) -> [(memberId: String, share: TopicShares)] {
        let byName = Dictionary(group.topics.map { ($0.name, $0.id) }) { first, _ in first }
        // Most members name the same topics: then they share a set of them, which takes longer to make than a member's share.
        var named: (topics: [String], ids: Set<Uuid>) = ([], [])
        let members = group.orderedMembers.map { member in
            let hasPattern = member.subscribedRegex?.isEmpty == false
            var ids = named.ids
            if hasPattern || member.subscribedTopics != named.topics {
                ids = Set(group.subscribedTopics(of: member).compactMap { byName[$0] })
                if !hasPattern { named = (member.subscribedTopics, ids) }
            }
            return ConsumerAssignor.Member(
                id: member.id, name: member.instanceId ?? member.id, topics: ids,
                before: group.target[member.id] ?? TopicShares())
        }
        let counts = Dictionary(group.topics.map { ($0.id, $0.partitionCount) }) { first, _ in first }
        let target = assignor(of: group).assign(members, partitionCounts: counts)
        return members.compactMap { member in
            let share = target[member.id] ?? TopicShares()
            // Who is to have nothing has a record of it, too.
            let isKept = member.before == share && (!share.isEmpty || group.target[member.id] != nil)
            return isKept ? nil : (member.id, share)
        }
    }

    /// What most members ask for; without a wish, the first that is configured.
    func assignor(of group: ConsumerGroup) -> ConsumerAssignor {
        let winner = group.wishes.assignors.max { ($0.value, $1.name) < ($1.value, $0.name) }?.name
        return winner.flatMap { ConsumerAssignor(rawValue: $0) } ?? settings.assignors.first ?? .uniform
    }
}
