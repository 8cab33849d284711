/// The configurations of topics, of groups or of brokers, by Kafka's names.
struct ConfigTable: Sendable {
    /// In the order of their names.
    let definitions: [ConfigDefinition]
    private let places: [String: Int]

    static let topics = ConfigTable(TopicConfigs.all)
    static let groups = ConfigTable(GroupConfigs.all)
    static let brokers = ConfigTable(BrokerConfigs.all)

    init(_ definitions: [ConfigDefinition]) {
        let sorted = definitions.sorted { $0.name < $1.name }
        self.definitions = sorted
        places = Dictionary(sorted.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }

    /// Those of a type of resources.
    static func of(_ type: ConfigResourceType) -> ConfigTable {
        switch type {
        case .topic: topics
        case .group: groups
        default: brokers
        }
    }

    subscript(name: String) -> ConfigDefinition? { places[name].map { definitions[$0] } }

    /// The name that `name` is most likely a slip of, nil when none is near. One without effect only where no other is near, or
    /// for a letter or two.
    func nearest(to name: String) -> String? {
        guard let nearest = NearestName.of(name, among: definitions.lazy.map { $0.name }) else { return nil }
        let distance = NearestName.edits(Array(name.lowercased().utf8), Array(nearest.lowercased().utf8))
        if distance <= 2 { return nearest }
        let honoured = definitions.lazy.filter { $0.support == .honoured }
        return NearestName.of(name, among: honoured.map { $0.name }) ?? nearest
    }
}
