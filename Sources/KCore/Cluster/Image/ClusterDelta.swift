/// What is different in one image from the one before it.
struct ClusterDelta: Sendable {
    struct TopicChange: Sendable {
        var before: TopicImage
        var after: TopicImage
    }

    var createdTopics: [TopicImage] = []
    var deletedTopics: [TopicImage] = []
    /// Topics with new partitions, or with partitions that changed.
    var changedTopics: [TopicChange] = []
    /// Resources whose own configuration changed; deleted topics are not among them.
    var changedConfigs: Set<ConfigResource> = []
    /// Brokers that came, left or changed.
    var changedBrokers: Set<Int32> = []

    var isEmpty: Bool {
        createdTopics.isEmpty && deletedTopics.isEmpty && changedTopics.isEmpty && changedConfigs.isEmpty
            && changedBrokers.isEmpty
    }
}
