/// What the members of a consumer group want, taken together: how many of them name a topic, a pattern, an assignor. It changes
/// with each member, so that nobody has to look at all of them to know it.
struct ConsumerWishes: Equatable, Sendable {
    private(set) var topics = NameMap<Int>()
    private(set) var patterns = NameMap<Int>()
    private(set) var assignors = NameMap<Int>()

    mutating func add(_ member: ConsumerMember) { count(member, 1) }

    /// - Parameter member: as it was added.
    mutating func remove(_ member: ConsumerMember) { count(member, -1) }

    private mutating func count(_ member: ConsumerMember, _ change: Int) {
        for topic in member.subscribedTopics { topics.count(topic, change) }
        if let pattern = member.subscribedRegex, !pattern.isEmpty { patterns.count(pattern, change) }
        if let assignor = member.serverAssignor { assignors.count(assignor, change) }
    }
}

extension NameMap<Int> {
    /// What comes to zero goes.
    fileprivate mutating func count(_ name: String, _ change: Int) {
        let count = self[name, default: 0] + change
        self[name] = count == 0 ? nil : count
    }
}
