/// What a member tells the leader of its group, in the bytes that the coordinator passes on.
enum MemberSubscription {
    /// - Parameters:
    ///   - owned: what the member has now.
    ///   - previous: what it had last, though it may have let go of it.
    ///   - generation: in which it had that.
    static func encode(
        _ topics: Set<String>, owned: Set<TopicPartition>, previous: Set<TopicPartition>, generation: Int32,
        for assignor: Assignor, rack: String?
    ) throws(WireError) -> Bytes {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = topics.sorted()
        subscription.ownedPartitions = TopicPartition.grouped(owned).map { topic, partitions in
            var entry = ConsumerProtocolSubscription.TopicPartition()
            (entry.topic, entry.partitions) = (topic, partitions)
            return entry
        }
        subscription.generationId = generation
        subscription.rackId = rack
        switch assignor {
        case .sticky: subscription.userData = try StickyUserData(previous, generation).encoded()
        case .cooperativeSticky: subscription.userData = StickyUserData.encoded(generation)
        case .range, .roundRobin: break
        }
        return try subscription.versioned()
    }

    /// A member whose bytes cannot be read wants nothing.
    static func decode(
        _ member: JoinGroupResponse.JoinGroupResponseMember, for assignor: Assignor
    ) -> AssignorMember {
        var result = AssignorMember(id: member.memberId, instanceId: member.groupInstanceId, topics: [])
        guard let subscription = try? ConsumerProtocolSubscription(versioned: member.metadata) else { return result }
        result.topics = Set(subscription.topics)
        result.owned = subscription.ownedPartitions.flatMap { entry in
            entry.partitions.map { TopicPartition(topic: entry.topic, partition: $0) }
        }
        result.generation = subscription.generationId
        guard let userData = subscription.userData else { return result }
        switch assignor {
        case .sticky where result.owned.isEmpty:
            guard let sticky = try? StickyUserData(decoding: userData) else { return result }
            (result.owned, result.generation) = (sticky.partitions, sticky.generation)
        case .cooperativeSticky where result.generation < 0:
            result.generation = StickyUserData.generation(userData) ?? -1
        default: break
        }
        return result
    }
}

/// What the leader gives to a member.
enum MemberAssignment {
    static func encode(_ partitions: [TopicPartition]) throws(WireError) -> Bytes {
        var assignment = ConsumerProtocolAssignment()
        assignment.assignedPartitions = TopicPartition.grouped(partitions).map { topic, partitions in
            var entry = ConsumerProtocolAssignment.TopicPartition()
            (entry.topic, entry.partitions) = (topic, partitions)
            return entry
        }
        return try assignment.versioned()
    }

    /// Nothing at all is an assignment of nothing: the leader did not know the member.
    static func decode(_ bytes: Bytes) throws(WireError) -> Set<TopicPartition> {
        if bytes.isEmpty { return [] }
        let assignment = try ConsumerProtocolAssignment(versioned: bytes)
        return Set(
            assignment.assignedPartitions.flatMap { entry in
                entry.partitions.map { TopicPartition(topic: entry.topic, partition: $0) }
            })
    }
}

/// What the sticky assignors have members remember for them, in forms of their own.
struct StickyUserData {
    var partitions: [TopicPartition]
    var generation: Int32

    init(_ partitions: Set<TopicPartition>, _ generation: Int32) {
        self.partitions = partitions.sorted()
        self.generation = generation
    }

    /// The generation is missing in what the first version wrote.
    init(decoding bytes: Bytes) throws(WireError) {
        var decoder = WireDecoder(bytes, version: 0, flexible: false)
        var entries: [ConsumerProtocolSubscription.TopicPartition] = []
        try decoder.field(&entries)
        partitions = entries.flatMap { entry in
            entry.partitions.map { TopicPartition(topic: entry.topic, partition: $0) }
        }
        generation = (try? Int32.read(&decoder)) ?? -1
    }

    func encoded() throws(WireError) -> Bytes {
        var encoder = WireEncoder(version: 0, flexible: false)
        var entries = TopicPartition.grouped(partitions).map { topic, partitions in
            var entry = ConsumerProtocolSubscription.TopicPartition()
            (entry.topic, entry.partitions) = (topic, partitions)
            return entry
        }
        try encoder.field(&entries)
        encoder.integer(generation)
        return encoder.bytes()
    }

    static func encoded(_ generation: Int32) -> Bytes {
        var encoder = WireEncoder(version: 0, flexible: false)
        encoder.integer(generation)
        return encoder.bytes()
    }

    static func generation(_ bytes: Bytes) -> Int32? {
        var decoder = WireDecoder(bytes, version: 0, flexible: false)
        return try? Int32.read(&decoder)
    }
}

extension TopicPartition {
    /// By topic, both in order.
    static func grouped(_ partitions: some Sequence<TopicPartition>) -> [(topic: String, partitions: [Int32])] {
        Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.map(\.partition).sorted()) }
    }
}
