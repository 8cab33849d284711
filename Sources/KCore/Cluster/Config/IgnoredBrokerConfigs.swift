/// The broker configurations of Kafka 3.9 and 4.x that have no effect here yet. A file that sets them starts, with a
/// warning for each. Whoever builds what one of them stands for moves it to ``BrokerConfigs``.
enum IgnoredBrokerConfigs {
    static var all: [ConfigDefinition] {
        [security, coordinators, metadata, storage, other].joined().map { $0.ignored }
    }

    /// Settings of one listener or of a plugin have the listener's or the plugin's name in front.
    static let prefixes = ["listener.name.", "rlmm.config.", "rsm.config.", "sasl.server.callback.", "zookeeper."]
}
