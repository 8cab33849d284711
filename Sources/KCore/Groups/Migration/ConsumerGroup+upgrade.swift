extension ConsumerGroup {
    /// What a classic group is as a consumer group: its members with what their leader gave them, in the epoch that was
    /// their generation.
    /// - Returns: nil when a member has said something that cannot be read.
    init?(_ classic: ClassicGroup, _ image: ClusterImage) {
        self.init(id: classic.id)
        epoch = classic.generation
        targetEpoch = classic.generation
        var given = TopicShares()
        // Who has never been told that it is a member comes again by itself.
        for member in classic.orderedMembers where !member.isNew {
            guard let converted = ConsumerMember(member, epoch: classic.generation, image) else { return nil }
            var own = converted
            // The leader's word is no proof: what it gave twice has one owner here.
            own.assigned = converted.assigned.subtracting(given)
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
    fileprivate init?(_ member: ClassicMember, epoch: Int32, _ image: ClusterImage) {
        self.init(id: member.id)
        instanceId = member.instanceId
        client = member.client
        rebalanceTimeoutMs = member.rebalanceTimeoutMs
        guard let wishes = member.protocols.first.flatMap({ try? ConsumerProtocolSubscription(versioned: $0.metadata) })
        else { return nil }
        subscribedTopics = Set(wishes.topics).sorted()
        rackId = wishes.rackId
        classic = .init(member.protocols, sessionTimeoutMs: member.sessionTimeoutMs)
        (self.epoch, previousEpoch) = (epoch, epoch)
        // Who has not been assigned anything yet has an empty assignment.
        guard !member.assignment.isEmpty else { return }
        guard let assignment = try? ConsumerProtocolAssignment(versioned: member.assignment) else { return nil }
        assigned = TopicShares(
            assignment.assignedPartitions.compactMap { entry in
                image.topic(entry.topic).map { ($0.id, entry.partitions) }
            })
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
