/// Says in the broker's log which configurations of topics have no effect here: Kafka takes them, so they are not refused.
struct TopicConfigWarnings: ImageListener {
    let logger: Logger

    func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta) { warn(image, delta.changedConfigs.sorted()) }

    /// One line for each configuration that has no effect and that a topic among `resources` sets.
    func warn(_ image: ClusterImage, _ resources: [ConfigResource]) {
        for (name, topics) in Self.withoutEffect(image, resources) {
            logger.warning(
                "\(name) has no effect in this broker", ["topic": topics[0], "more": topics.count - 1])
        }
    }

    /// By their names, each with the topics that set it.
    static func withoutEffect(
        _ image: ClusterImage, _ resources: [ConfigResource]
    ) -> [(name: String, topics: [String])] {
        var topics: [String: [String]] = [:]
        for resource in resources where resource.type == .topic {
            for name in image.configs(of: resource).keys where ConfigTable.topics[name]?.support == .ignored {
                topics[name, default: []].append(resource.name)
            }
        }
        return topics.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
