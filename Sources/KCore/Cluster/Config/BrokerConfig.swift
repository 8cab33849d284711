/// What a broker was started with: the properties of its file and of its command line, checked.
struct BrokerConfig: Sendable {
    /// As written, by Kafka's names.
    let properties: [String: String]
    /// Sentences for the person who starts the broker: what is set and has no effect.
    let warnings: [String]

    /// - Throws: ``ConfigError`` with a line for every property that no broker has, or whose value is not allowed, and for what
    ///   the file counts on and is not there.
    init(_ properties: [String: String] = [:]) throws(ConfigError) {
        var problems: [String] = []
        var warnings: [String] = []
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            guard let definition = ConfigTable.brokers[name] else {
                if IgnoredBrokerConfigs.prefixes.contains(where: { name.hasPrefix($0) }) {
                    warnings.append("\(name) has no effect in this broker")
                } else if let topic = ConfigTable.topics[name] {
                    // Kafka starts with such a file, so it is no reason not to open what Kafka left.
                    let broker = topic.synonyms.first.map { "; for all topics it is \($0.name)" } ?? ""
                    warnings.append("\(name) is a configuration of topics and has no effect here\(broker)")
                } else {
                    problems.append(Self.unknown(name))
                }
                continue
            }
            if definition.support == .ignored { warnings.append("\(name) has no effect in this broker") }
            do { try definition.validate(value) } catch { problems.append(error.message) }
        }
        self.properties = properties
        self.warnings = warnings
        problems += contradictions() + brokenPromises
        if problems.isEmpty { problems = groupContradictions }
        if !problems.isEmpty { throw ConfigError(problems.joined(separator: "\n")) }
    }

    /// With nothing set.
    static let defaults = BrokerConfig()

    private init() {
        properties = [:]
        warnings = []
    }

    private static func unknown(_ name: String) -> String {
        guard let nearest = ConfigTable.brokers.nearest(to: name) else { return "Unknown configuration \(name)" }
        return "Unknown configuration \(name). Did you mean \(nearest)?"
    }

    private func contradictions() -> [String] {
        var problems: [String] = []
        if let node = properties["node.id"], let broker = properties["broker.id"],
            node.trimmedASCII != broker.trimmedASCII
        {
            problems.append("node.id is \(node) and broker.id is \(broker): set only node.id")
        }
        return problems
    }

    /// The value as text: what is set, by this name or a synonym, or else the default, of this name or a synonym.
    /// - Precondition: a broker has a configuration of that name.
    func text(_ name: String) -> String? { ConfigResolver(broker: self).brokerValue(name) }

    /// The value of a number; 0 where there is none, not even a default.
    func int64(_ name: String) -> Int64 { text(name).flatMap { Int64($0.trimmedASCII) } ?? 0 }

    func int(_ name: String) -> Int { Int(int64(name)) }

    func bool(_ name: String) -> Bool { text(name)?.trimmedASCII.lowercased() == "true" }

    /// The elements of a comma-separated value.
    func list(_ name: String) -> [String] { text(name)?.listElements ?? [] }

    /// `log.dirs`. A comma too many names nothing.
    var logDirectories: [String] { list("log.dirs").filter { !$0.isEmpty } }
}
