/// A pattern with the topics that it means, of an image of the cluster.
struct ResolvedPattern: Sendable {
    private let pattern: TopicPattern
    private(set) var topics: Set<String> = []
    /// Of the topics that were looked at, as ``ClusterImage/topicNamesOffset`` has it.
    private(set) var topicNamesOffset: Int64 = .min

    /// At how many states a new pattern may look, for all topics together: some tenths of a second, for which all groups of a
    /// loop wait.
    static let mostLooks = 20_000_000

    /// - Parameter mostLooks: where it gives up.
    init(_ text: String, _ image: ClusterImage, mostLooks: Int = .max) throws(TopicPatternError) {
        pattern = try TopicPattern(text)
        try look(image, mostLooks: mostLooks)
    }

    /// Looks at all topics again.
    mutating func resolve(_ image: ClusterImage) {
        // Without a limit there is no end before the last topic.
        try? look(image, mostLooks: .max)
    }

    // At all but Kafka's own: who means those names them.
    private mutating func look(_ image: ClusterImage, mostLooks: Int) throws(TopicPatternError) {
        topics = []
        topicNamesOffset = image.topicNamesOffset
        var states = pattern.makeStates()
        for topic in image.topics where !topic.isInternal {
            if pattern.matches(topic.name, &states) { topics.insert(topic.name) }
            guard states.count <= mostLooks else {
                throw TopicPatternError(reason: "it takes too long to compare it with all topics")
            }
        }
    }
}

extension ConsumerGroup {
    /// Sees to it that the patterns of all members, and no others, are there with the topics of `image`.
    /// - Parameter mustLook: whether topics are looked at also when there are no others than before.
    mutating func resolvePatterns(_ image: ClusterImage, mustLook: Bool) {
        var resolved: [String: ResolvedPattern] = [:]
        for case let text? in members.values.map(\.subscribedRegex) where !text.isEmpty && resolved[text] == nil {
            guard var pattern = patterns[text] else {
                // One that is none was refused when it came.
                resolved[text] = try? ResolvedPattern(text, image)
                continue
            }
            if mustLook || pattern.topicNamesOffset != image.topicNamesOffset { pattern.resolve(image) }
            resolved[text] = pattern
        }
        patterns = resolved
    }

    /// The topics that a member subscribes to, whether or not they exist.
    func subscribedTopics(of member: ConsumerMember) -> Set<String> {
        let matched = member.subscribedRegex.flatMap { patterns[$0]?.topics } ?? []
        return matched.union(member.subscribedTopics)
    }
}
