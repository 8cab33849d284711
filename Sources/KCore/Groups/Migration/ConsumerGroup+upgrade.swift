extension ConsumerGroup {
    /// What a classic group is as a consumer group: its members with what their leader gave them, in the epoch that was
    /// their generation.
    /// - Returns: nil when a member has said something that cannot be read.
    init?(_ classic: ClassicGroup, _ image: ClusterImage) {
        self.init(id: classic.id)
        epoch = classic.generation
        targetEpoch = classic.generation
        var given = TopicShares()
        var converted: [(member: ConsumerMember, kept: TopicShares)] = []
        // Who has never been told that it is a member comes again by itself.
        for member in classic.orderedMembers where !member.isNew {
            guard let (member, kept) = ConsumerMember.converted(member, epoch: classic.generation, image) else {
                return nil
            }
            var own = member
            // The leader's word is no proof: what it gave twice has one owner here.
            own.assigned = own.assigned.subtracting(given)
            given = given.union(own.assigned)
            converted.append((own, kept))
        }
        for (member, kept) in converted {
            var own = member
            own.assigned = own.assigned.union(kept.subtracting(given))
            given = given.union(own.assigned)
            target[own.id] = own.assigned
            set(own)
        }
    }

    /// The records that make this group.
    var records: [GroupRecord] {
        let members = orderedMembers
        var records: [GroupRecord] = members.map {
            .consumerGroupMemberMetadata(.init(groupId: id, memberId: $0.id), $0.metadataValue)
        }
        records.append(.consumerGroupMetadata(.init(groupId: id), .init(epoch: epoch)))
        for member in members {
            let share = target[member.id] ?? TopicShares()
            records.append(.consumerGroupTargetAssignmentMember(.init(groupId: id, memberId: member.id), share.target))
        }
        records.append(
            .consumerGroupTargetAssignmentMetadata(.init(groupId: id), .init(assignmentEpoch: targetEpoch)))
        for member in members {
            records.append(
                .consumerGroupCurrentMemberAssignment(.init(groupId: id, memberId: member.id), member.assignmentValue))
        }
        return records
    }
}

extension ConsumerMember {
    /// - Returns: the member with what it was assigned, and what it had when it joined: a cooperative member may have that
    ///   still, also when a rebalance has begun since. Nil when what it says of itself cannot be read.
    fileprivate static func converted(
        _ member: ClassicMember, epoch: Int32, _ image: ClusterImage
    ) -> (ConsumerMember, kept: TopicShares)? {
        var result = ConsumerMember(id: member.id)
        result.instanceId = member.instanceId
        result.client = member.client
        result.rebalanceTimeoutMs = member.rebalanceTimeoutMs
        guard let wishes = member.protocols.first.flatMap({ try? ConsumerProtocolSubscription(versioned: $0.metadata) })
        else { return nil }
        result.subscribedTopics = Set(wishes.topics).sorted()
        result.rackId = wishes.rackId
        result.classic = .init(member.protocols, sessionTimeoutMs: member.sessionTimeoutMs)
        (result.epoch, result.previousEpoch) = (epoch, epoch)
        let kept = TopicShares(
            wishes.ownedPartitions.compactMap { entry in image.topic(entry.topic).map { ($0.id, entry.partitions) } })
        // Who has not been assigned anything yet has an empty assignment.
        guard !member.assignment.isEmpty else { return (result, kept) }
        guard let assignment = try? ConsumerProtocolAssignment(versioned: member.assignment) else { return nil }
        result.assigned = TopicShares(
            assignment.assignedPartitions.compactMap { entry in
                image.topic(entry.topic).map { ($0.id, entry.partitions) }
            })
        return (result, kept)
    }
}

extension ConsumerGroupMemberMetadataValue.ClassicMemberMetadata {
    init(_ protocols: [ClassicMember.Candidate], sessionTimeoutMs: Int64) {
        self.init()
        self.sessionTimeoutMs = Int32(clamping: sessionTimeoutMs)
        supportedProtocols = protocols.map { candidate in
            var entry = ConsumerGroupMemberMetadataValue.ClassicProtocol()
            (entry.name, entry.metadata) = (candidate.name, candidate.metadata)
            return entry
        }
    }

    /// The same in memory of its own.
    var detached: Self {
        var copy = self
        for index in copy.supportedProtocols.indices {
            copy.supportedProtocols[index].metadata = supportedProtocols[index].metadata.detached
        }
        return copy
    }
}
