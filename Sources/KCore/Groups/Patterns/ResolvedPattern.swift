/// A pattern with the topics that it means, of an image of the cluster.
///
/// It is compared with them in parts, each of which takes a bounded number of looks at its states: the loop that does it
/// serves all groups. Until the last part it means what it meant before.
struct ResolvedPattern: Sendable {
    /// How far a comparison has come.
    private struct Comparison: Sendable {
        let topics: [TopicImage]
        var next = 0
        var states: TopicPattern.States
        var found: Set<String> = []
    }

    private let text: String
    private var pattern: TopicPattern?
    private(set) var topics: Set<String> = []
    /// Of the topics that it was compared with last, as ``ClusterImage/topicNamesOffset`` has it.
    private(set) var topicNamesOffset: Int64 = .min
    /// What it is being compared with.
    private var image: ClusterImage?
    private var comparison: Comparison?
    /// Looks that it took before it might.
    private var debt = 0

    /// At how many states one step may look: less than a millisecond.
    static let looksPerStep = 50_000
    /// What a name costs besides, in looks.
    private static let looksPerName = 10

    /// - Parameter text: a pattern, as ``TopicPattern`` takes it; any other means nothing.
    init(_ text: String) { self.text = text }

    /// Whether there is something left to compare.
    var isComparing: Bool { image != nil }
    /// Whether it has been compared with all topics once.
    var isKnown: Bool { topicNamesOffset != .min }

    /// Has it compared with all topics of `image`, from now on.
    mutating func begin(_ image: ClusterImage) { (self.image, comparison) = (image, nil) }

    /// Goes on comparing.
    /// - Parameter looks: how many it may take, less what it took. It takes at most one too many for each of its states, and
    ///   that the next time less.
    mutating func compare(_ looks: inout Int) {
        guard let image, looks > 0 else { return }
        looks -= debt
        defer { debt = isComparing ? max(-looks, 0) : 0 }
        if pattern == nil {
            // One that is none was refused when it came.
            guard let parsed = try? TopicPattern(text) else { return end(image, []) }
            pattern = parsed
            looks -= parsed.stepCount
        }
        guard let pattern else { return }
        var work = comparison.take() ?? Comparison(topics: image.topics, states: pattern.makeStates())
        // Also behind the last: so it ends in the same step in whatever order the topics are.
        while looks > 0 {
            guard work.next < work.topics.count else { return end(image, work.found) }
            let topic = work.topics[work.next]
            // All but Kafka's own: who means those names them.
            if !topic.isInternal {
                let before = work.states.count
                let isMatch = pattern.matches(topic.name, &work.states, upTo: before + looks)
                looks -= work.states.count - before
                guard let isMatch else { break }
                if isMatch { work.found.insert(topic.name) }
            }
            looks -= Self.looksPerName
            work.next += 1
        }
        comparison = work
    }

    private mutating func end(_ image: ClusterImage, _ found: Set<String>) {
        topics = found
        topicNamesOffset = image.topicNamesOffset
        self.image = nil
    }
}

extension ConsumerGroup {
    /// Whether a pattern has yet to be compared with topics.
    var isComparing: Bool { patterns.contains { $0.value.isComparing } }

    /// Sees to it that the patterns of all members, and no others, are there, and are compared with the topics of `image`:
    /// at once as far as a step may, and for the rest in ``comparePatterns()``.
    /// - Parameter mustLook: whether topics are looked at also when there are no others than before.
    mutating func resolvePatterns(_ image: ClusterImage, mustLook: Bool) {
        var former = patterns
        patterns = NameMap()
        var looks = ResolvedPattern.looksPerStep
        for text in wishes.patterns.sortedNames {
            var pattern = former[text].take() ?? ResolvedPattern(text)
            // One comparison ends before another begins, however fast topics come and go.
            if !pattern.isComparing, mustLook || pattern.topicNamesOffset != image.topicNamesOffset {
                pattern.begin(image)
                pattern.compare(&looks)
            }
            patterns[text] = pattern
        }
    }

    /// Goes on comparing for one step.
    /// - Returns: whether a pattern means other topics now.
    mutating func comparePatterns() -> Bool {
        var looks = ResolvedPattern.looksPerStep
        var hasChanged = false
        for text in patterns.sortedNames where looks > 0 {
            guard patterns[text]?.isComparing == true else { continue }
            let before = patterns[text]?.isKnown == true ? patterns[text]?.topics : nil
            patterns[text]?.compare(&looks)
            let after = patterns[text]?.isKnown == true ? patterns[text]?.topics : nil
            hasChanged = hasChanged || after != before
        }
        return hasChanged
    }

    /// The topics that a member subscribes to, whether or not they exist. While it is not known what its pattern means, it
    /// keeps those that it was to have, which it has after a crash of the coordinator.
    func subscribedTopics(of member: ConsumerMember) -> Set<String> {
        let named = Set(member.subscribedTopics)
        guard let text = member.subscribedRegex, !text.isEmpty else { return named }
        if let pattern = patterns[text], pattern.isKnown { return named.union(pattern.topics) }
        let target = target[member.id] ?? TopicShares()
        return named.union(topics.filter { !target[$0.id].isEmpty }.map(\.name))
    }
}
