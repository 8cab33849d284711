/// Finds the value of a configuration among all places that can set it, the strongest first: the topic or group
/// itself, the broker while it runs, all brokers while they run, the file that the broker was started with, the default.
struct ConfigResolver: Sendable {
    /// One place that sets a value.
    struct Setting: Equatable {
        var name: String
        /// As it is written there.
        var value: String
        /// In the unit of the configuration that is asked for.
        var converted: String
        var source: ConfigSource
    }

    var broker: BrokerConfig
    /// What was set for this broker while it runs.
    var dynamicBroker: [String: String] = [:]
    /// What was set for all brokers while they run.
    var dynamicDefault: [String: String] = [:]

    init(broker: BrokerConfig, dynamicBroker: [String: String] = [:], dynamicDefault: [String: String] = [:]) {
        self.broker = broker
        self.dynamicBroker = dynamicBroker
        self.dynamicDefault = dynamicDefault
    }

    /// For one broker of a cluster.
    init(broker: BrokerConfig, nodeId: Int32, image: ClusterImage) {
        self.init(
            broker: broker, dynamicBroker: image.configs(of: .broker(nodeId)),
            dynamicDefault: image.configs(of: .allBrokers))
    }

    /// Every place that sets the topic configuration `definition`.
    /// - Parameter topic: what the topic sets itself.
    func topicSettings(_ definition: ConfigDefinition, topic: [String: String]) -> [Setting] {
        var settings: [Setting] = []
        if let value = topic[definition.name] {
            settings.append(Setting(name: definition.name, value: value, converted: value, source: .dynamicTopic))
        }
        return settings + brokerSettings(definition.synonyms)
    }

    /// Every place that sets the group configuration `definition`.
    /// - Parameter group: what is set for the group itself.
    func groupSettings(_ definition: ConfigDefinition, group: [String: String]) -> [Setting] {
        let own = group[definition.name].map {
            Setting(name: definition.name, value: $0, converted: $0, source: .dynamicGroup)
        }
        return (own.map { [$0] } ?? []) + brokerSettings(definition.synonyms)
    }

    /// What a resource has of a configuration that it does not set itself.
    func inheritedValue(_ name: String, of type: ConfigResourceType) -> String? {
        switch type {
        case .topic: topicValue(name, topic: [:])
        case .group:
            ConfigTable.groups[name].flatMap { groupSettings($0, group: [:]).first?.converted ?? $0.defaultValue }
        default: brokerValue(name)
        }
    }

    /// The value of a topic's configuration; nil for a name that topics do not have.
    func topicValue(_ name: String, topic: [String: String]) -> String? {
        if let value = topic[name] { return value }
        guard let definition = ConfigTable.topics[name] else { return nil }
        // As `topicSettings` finds it, without making a list of all: this is done for every setting of every topic. The
        // broker's default is the topic's.
        for values in [dynamicBroker, dynamicDefault, broker.properties] where !values.isEmpty {
            for synonym in definition.synonyms {
                if let value = values[synonym.name] { return synonym.converted(value) }
            }
        }
        return definition.defaultValue
    }

    /// Every place that sets the broker configuration `definition`.
    func brokerSettings(_ definition: ConfigDefinition) -> [Setting] {
        brokerSettings([ConfigSynonym(definition.name)] + definition.synonyms)
    }

    /// The value of a broker's configuration; nil where nothing sets it, and for a name that brokers do not have.
    func brokerValue(_ name: String) -> String? {
        ConfigTable.brokers[name].flatMap { brokerSettings($0).first?.converted }
    }

    private func brokerSettings(_ names: [ConfigSynonym]) -> [Setting] {
        var settings: [Setting] = []
        func look(in values: (String) -> String?, _ source: ConfigSource) {
            for name in names {
                guard let value = values(name.name) else { continue }
                settings.append(
                    Setting(name: name.name, value: value, converted: name.converted(value), source: source))
            }
        }
        look(in: { dynamicBroker[$0] }, .dynamicBroker)
        look(in: { dynamicDefault[$0] }, .dynamicDefaultBroker)
        look(in: { broker.properties[$0] }, .staticBroker)
        look(in: { ConfigTable.brokers[$0]?.defaultValue }, .default)
        return settings
    }
}
