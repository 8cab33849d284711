extension ConsumerGroup {
    /// Whether a classic member with these assignors can be in the group.
    func supports(_ type: String, _ names: [String]) -> Bool {
        guard type == MembershipType.consumer, !names.isEmpty else { return false }
        var known: [String: Int] = [:]
        var count = 0
        for case let classic? in members.values.map(\.classic) {
            count += 1
            for name in Set(classic.supportedProtocols.map(\.name)) { known[name, default: 0] += 1 }
        }
        return names.contains { known[$0, default: 0] == count }
    }

    /// The classic member that a request speaks of.
    func classicMember(_ memberId: String, _ instance: String?) throws(ApiError) -> ConsumerMember {
        let member = try known(memberId, instance)
        guard member.classic != nil else {
            throw ApiError(.unknownMemberId, "Member \(memberId) does not use the classic protocol.")
        }
        return member
    }

    /// The same with its generation.
    func classicMember(
        _ memberId: String, _ instance: String?, generation: Int32
    ) throws(ApiError) -> ConsumerMember {
        let member = try classicMember(memberId, instance)
        guard generation == member.epoch else {
            throw ApiError(.illegalGeneration, "The member is in generation \(member.epoch), not \(generation).")
        }
        return member
    }

    /// Whether a member's target has something that another has not given up yet.
    func isWaiting(_ member: ConsumerMember) -> Bool {
        (target[member.id] ?? TopicShares()).topics.contains { topic, partitions in
            partitions.contains { isTaken(topic, $0, from: member.id) }
        }
    }

    /// Partitions as an assignment of the classic protocol, in the version that the member speaks. Topics that are gone are
    /// left out.
    func encoded(
        _ shares: TopicShares, for member: ConsumerGroupMemberMetadataValue.ClassicMemberMetadata
    ) -> Bytes {
        let names = Dictionary(topics.map { ($0.id, $0.name) }) { first, _ in first }
        var assignment = ConsumerProtocolAssignment()
        for (topic, partitions) in shares.sorted {
            guard let name = names[topic] else { continue }
            var entry = ConsumerProtocolAssignment.TopicPartition()
            (entry.topic, entry.partitions) = (name, partitions)
            assignment.assignedPartitions.append(entry)
        }
        let spoken = (try? member.supportedProtocols.first?.metadata.leadingVersion()) ?? 0
        let versions = ConsumerProtocolAssignment.versions
        let version = min(max(spoken, versions.lowerBound), versions.upperBound)
        // Nothing in it can be too large.
        return (try? assignment.versioned(version)) ?? Bytes()
    }
}
