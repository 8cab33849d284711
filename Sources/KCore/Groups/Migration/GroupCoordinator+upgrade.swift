/// What becomes a consumer group when a member of the new protocol joins.
enum ConsumerGroupOrigin {
    case there(ConsumerGroup)
    case nothing(ConsumerGroup)
    /// A classic group with members.
    case classic(ConsumerGroup)

    var group: ConsumerGroup {
        switch self {
        case .there(let group), .nothing(let group), .classic(let group): group
        }
    }
}

extension GroupCoordinator {
    /// What group a heartbeat is about, or what would be one if it was accepted. Changes nothing.
    func origin(of id: String, isJoining: Bool, _ image: ClusterImage) throws(ApiError) -> ConsumerGroupOrigin {
        if let group = groups[id]?.consumer { return .there(group) }
        guard isJoining else { throw ApiError(.groupIdNotFound, "Group \(id) is not a consumer group.") }
        guard let classic = groups[id]?.classic, classic.state != .empty else { return .nothing(ConsumerGroup(id: id)) }
        guard settings.migrationPolicy.allowsUpgrade, classic.protocolType == MembershipType.consumer else {
            throw ApiError(.groupIdNotFound, "Group \(id) is not a consumer group.")
        }
        // As in a consumer group that is full, which it would be.
        guard classic.members.count <= settings.consumerMaxSize else {
            throw ApiError(
                .groupMaxSizeReached,
                "The group has \(classic.members.count) members; it may have \(settings.consumerMaxSize).")
        }
        guard let group = ConsumerGroup(classic, image) else {
            throw ApiError(
                .groupIdNotFound,
                "Group \(id) cannot become a consumer group: what its members say of themselves cannot be read.")
        }
        return .classic(group)
    }

    /// Sees to it that there is a consumer group. Who waits in a classic one is told to join again.
    mutating func makeConsumerGroup(_ id: String, _ origin: ConsumerGroupOrigin, _ turn: inout Turn) {
        if case .there = origin { return }
        if let (joins, syncs) = groups[id]?.classic?.abandon() {
            for reply in joins { turn.refuse(reply, .rebalanceInProgress) }
            for reply in syncs { turn.refuse(reply, .rebalanceInProgress) }
        }
        groups[id]?.classic = nil
        if groups[id]?.kept != nil { write(.groupMetadata(GroupMetadataKey(group: id), nil), &turn) }
        guard case .classic(let group) = origin else { return }
        for record in group.records { write(record, &turn) }
        beginDeadlines(in: id, &turn)
    }
}

/// What groups call the kind of their members.
enum MembershipType {
    static let consumer = "consumer"
}
