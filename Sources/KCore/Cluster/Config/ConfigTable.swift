/// The configurations of topics or of brokers, by Kafka's names.
struct ConfigTable: Sendable {
    /// In the order of their names.
    let definitions: [ConfigDefinition]
    private let places: [String: Int]

    static let topics = ConfigTable(TopicConfigs.all)
    static let brokers = ConfigTable(BrokerConfigs.all)

    init(_ definitions: [ConfigDefinition]) {
        let sorted = definitions.sorted { $0.name < $1.name }
        self.definitions = sorted
        places = Dictionary(sorted.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }

    subscript(name: String) -> ConfigDefinition? { places[name].map { definitions[$0] } }

    /// The name that `name` is most likely a slip of, nil when none is near.
    func nearest(to name: String) -> String? {
        // A third of the letters may be wrong: more would suggest names that have nothing to do with it.
        let limit = max(2, name.utf8.count / 3)
        var best: (name: String, distance: Int)?
        for definition in definitions {
            let known = definition.name
            if abs(known.utf8.count - name.utf8.count) > limit { continue }
            let distance = EditDistance.between(name, known)
            if distance <= limit, distance < best?.distance ?? Int.max { best = (known, distance) }
        }
        return best?.name
    }
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to make one word of another.
enum EditDistance {
    static func between(_ a: String, _ b: String) -> Int {
        let a = Array(a.utf8)
        let b = Array(b.utf8)
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        var row = last
        for i in 0..<a.count {
            row[0] = i + 1
            for j in 0..<b.count {
                let replaced = last[j] + (a[i] == b[j] ? 0 : 1)
                row[j + 1] = min(replaced, last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
                }
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
