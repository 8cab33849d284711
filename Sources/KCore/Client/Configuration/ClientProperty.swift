/// One client property: its names, what it may be, and what it sets.
struct ClientProperty: Sendable {
    /// Why a value cannot be taken.
    struct BadValue: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// Kafka's name; librdkafka's where Kafka has none.
    var name: String
    /// librdkafka's names for the same thing.
    var aliases: [String] = []
    /// As a properties file would have it.
    var defaultText: String
    /// What values there are, for people.
    var values: String
    /// What it does, in a sentence.
    var meaning: String
    var apply: @Sendable (inout ClientConfig, String) throws(BadValue) -> Void

    static func named(_ name: String) -> ClientProperty? { byName[name] }

    private static let byName: [String: ClientProperty] = {
        var table: [String: ClientProperty] = [:]
        for property in all {
            for name in [property.name] + property.aliases { table[name] = property }
        }
        return table
    }()
}

/// A row of the table of properties, for help texts, man pages and completion.
public struct ClientPropertyDescription: Sendable {
    public var name: String
    public var defaultText: String
    /// What values there are.
    public var values: String
    /// What it does, in a sentence.
    public var meaning: String
}

extension ClientConfig {
    /// Every property that has an effect, by name.
    public static var properties: [ClientPropertyDescription] {
        ClientProperty.all.map {
            ClientPropertyDescription(
                name: $0.name, defaultText: $0.defaultText, values: $0.values, meaning: $0.meaning)
        }.sorted { $0.name < $1.name }
    }
}

extension ClientProperty {
    typealias Field<Value> = any WritableKeyPath<ClientConfig, Value> & Sendable

    static func integer(
        _ name: String, also aliases: [String] = [], _ field: Field<Int>, in range: ClosedRange<Int>, _ meaning: String
    ) -> ClientProperty {
        ClientProperty(
            name: name, aliases: aliases, defaultText: String(ClientConfig()[keyPath: field]),
            values: "a whole number from \(range.lowerBound) to \(range.upperBound)", meaning: meaning
        ) { config, text throws(BadValue) in
            guard let value = Int(text) else { throw BadValue("not a whole number") }
            guard range.contains(value) else { throw BadValue("out of range") }
            config[keyPath: field] = value
        }
    }

    static func boolean(_ name: String, also aliases: [String] = [], _ field: Field<Bool>, _ meaning: String)
        -> ClientProperty
    {
        ClientProperty(
            name: name, aliases: aliases, defaultText: ClientConfig()[keyPath: field] ? "true" : "false",
            values: "true or false", meaning: meaning
        ) { config, text throws(BadValue) in
            switch text.lowercased() {
            case "true": config[keyPath: field] = true
            case "false": config[keyPath: field] = false
            default: throw BadValue("not true or false")
            }
        }
    }

    static func text(_ name: String, also aliases: [String] = [], _ field: Field<String>, _ meaning: String)
        -> ClientProperty
    {
        ClientProperty(
            name: name, aliases: aliases, defaultText: ClientConfig()[keyPath: field], values: "any text",
            meaning: meaning
        ) { config, text throws(BadValue) in
            guard text.utf8.count <= Int(Int16.max) else { throw BadValue("too long") }
            config[keyPath: field] = text
        }
    }

    /// Upper and lower case are the same, as to other clients.
    /// - Parameter notYet: values that Kafka has; also with something behind a colon.
    static func choice<Value: Sendable>(
        _ name: String, also aliases: [String] = [], _ field: Field<Value>, default: String,
        _ choices: [(name: String, value: Value)], synonyms: [(name: String, value: Value)] = [],
        notYet: Set<String> = [], _ meaning: String
    ) -> ClientProperty {
        ClientProperty(
            name: name, aliases: aliases, defaultText: `default`,
            values: "one of " + choices.map(\.name).joined(separator: ", "), meaning: meaning
        ) { config, text throws(BadValue) in
            let wanted = text.lowercased()
            guard let found = (choices + synonyms).first(where: { $0.name.lowercased() == wanted }) else {
                let isKnown = notYet.contains { $0.lowercased() == wanted.prefix { $0 != ":" } }
                throw BadValue(isKnown ? "not there yet" : "not a value that it can have")
            }
            config[keyPath: field] = found.value
        }
    }
}
