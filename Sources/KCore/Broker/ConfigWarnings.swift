/// Says in the broker's log which configurations of topics and groups have no effect here: Kafka takes them, so they are not
/// refused.
struct ConfigWarnings: ImageListener {
    let logger: Logger

    func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta) { warn(image, delta.changedConfigs.sorted()) }

    /// One line for each configuration that has no effect and that a topic or group among `resources` sets.
    func warn(_ image: ClusterImage, _ resources: [ConfigResource]) {
        for (type, kind) in [(ConfigResourceType.topic, "topic"), (.group, "group")] {
            for (name, owners) in Self.withoutEffect(image, resources, type) {
                logger.warning("\(name) has no effect in this broker", [kind: owners[0], "more": owners.count - 1])
            }
        }
    }

    /// By their names, each with the resources of a type that set it.
    static func withoutEffect(
        _ image: ClusterImage, _ resources: [ConfigResource], _ type: ConfigResourceType
    ) -> [(name: String, owners: [String])] {
        let table = ConfigTable.of(type)
        var owners: [String: [String]] = [:]
        for resource in resources where resource.type == type {
            for name in image.configs(of: resource).keys where table[name]?.support == .ignored {
                owners[name, default: []].append(resource.name)
            }
        }
        return owners.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
