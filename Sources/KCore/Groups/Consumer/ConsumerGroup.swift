/// A group to whose members the coordinator assigns (KIP-848). All comes from records but the deadlines, and what is known of the
/// image that its topics were compared with.
///
/// A change of members, subscriptions or topics raises `epoch`; a target for that epoch is computed; each member goes there
/// by itself: it gives up what is no longer its own, reaches the epoch, and gets what others have given up.
struct ConsumerGroup: Sendable {
    struct Topic: Equatable, Sendable {
        var name: String
        var id: Uuid
        var partitionCount: Int32
    }

    let id: String
    var epoch: Int32 = 0
    /// When it came to its epoch, in milliseconds since 1970: for a group without members, when the last one went.
    var epochSinceMs: Int64 = -1
    /// The epoch for which the target was computed.
    var targetEpoch: Int32 = 0
    /// What the members are to have.
    var target = NameMap<TopicShares>()
    private(set) var members = NameMap<ConsumerMember>()
    /// The ids of the members, in order: sorting them for each assignment takes longer than the assignment.
    private var memberIds: [ExactName] = []
    private(set) var wishes = ConsumerWishes()
    /// Member ids by instance.
    private(set) var staticMembers = NameMap<String>()
    /// The topics that members subscribe to and that there were for this epoch, in the order of their names.
    var topics: [Topic] = []
    /// Which member has a partition, or has yet to give it up.
    private(set) var owners: [Uuid: [Int32: String]] = [:]
    var deadlines = NameMap<ConsumerDeadlines>()
    /// Of the image that the topics were last compared with.
    var knownImageOffset: Int64 = .min
    /// What the patterns that members subscribe to mean.
    var patterns = NameMap<ResolvedPattern>()
    /// When they are compared again, whether or not there is another image.
    var looksAgainMs: Int64 = .max

    init(id: String) { self.id = id }

    var state: String {
        if members.isEmpty { return "Empty" }
        if epoch > targetEpoch { return "Assigning" }
        return members.values.allSatisfy { $0.state == .stable && $0.epoch == targetEpoch } ? "Stable" : "Reconciling"
    }

    var orderedMembers: [ConsumerMember] { memberIds.compactMap { members[$0.text] } }

    func owner(_ topic: Uuid, _ partition: Int32) -> String? { owners[topic]?[partition] }

    /// Whether a member other than this one has a partition, or has yet to give it up.
    func isTaken(_ topic: Uuid, _ partition: Int32, from memberId: String) -> Bool {
        owner(topic, partition).map { !$0.isExactly(memberId) } ?? false
    }

    /// Whether any member reads a topic.
    func isSubscribed(to topic: String) -> Bool {
        if members.isEmpty { return false }
        return topics.contains { $0.name == topic } || members.values.contains { $0.subscribedTopics.contains(topic) }
    }

    /// The member that a request speaks of.
    func known(_ memberId: String, _ instance: String?) throws(ApiError)
        -> ConsumerMember
    {
        if let instance {
            guard let holder = staticMembers[instance] else {
                throw ApiError(.unknownMemberId, "Instance \(instance) is unknown.")
            }
            guard holder.isExactly(memberId) else {
                throw ApiError(.fencedInstanceId, "Instance \(instance) belongs to another member.")
            }
        }
        guard let member = members[memberId] else {
            throw ApiError(.unknownMemberId, "Member \(memberId) is not a member of group \(id).")
        }
        return member
    }

    // MARK: Changes by records

    mutating func set(_ member: ConsumerMember) {
        if let before = members[member.id] {
            release(before)
            forget(before.instanceId, of: member.id)
            wishes.remove(before)
        } else {
            memberIds.insert(ExactName(member.id), at: position(of: member.id))
        }
        wishes.add(member)
        members[member.id] = member
        if let instance = member.instanceId { staticMembers[instance] = member.id }
        for (topic, partitions) in member.held.topics {
            for partition in partitions { owners[topic, default: [:]][partition] = member.id }
        }
    }

    mutating func remove(_ id: String) {
        guard let member = members[id].take() else { return }
        release(member)
        forget(member.instanceId, of: id)
        wishes.remove(member)
        memberIds.remove(at: position(of: id))
        deadlines[id] = nil
    }

    /// Where a member's id is among the ordered ones, or belongs.
    private func position(of id: String) -> Int {
        var range = 0..<memberIds.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = memberIds[middle] < ExactName(id) ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }

    private mutating func forget(_ instance: String?, of memberId: String) {
        if let instance, staticMembers[instance]?.isExactly(memberId) == true { staticMembers[instance] = nil }
    }

    private mutating func release(_ member: ConsumerMember) {
        for (topic, partitions) in member.held.topics {
            for partition in partitions where owners[topic]?[partition]?.isExactly(member.id) == true {
                owners[topic]?[partition] = nil
            }
            if owners[topic]?.isEmpty == true { owners[topic] = nil }
        }
    }
}
