/// One configuration of Kafka's: its name, what values it takes and what it means.
struct ConfigDefinition: Sendable {
    /// Whether a running broker takes a new value.
    enum Update: Sendable {
        /// Only the file that the broker is started with sets it.
        case readOnly
        /// A broker takes it while it runs, set for it alone or for all brokers.
        case dynamic
    }

    /// What this broker makes of it.
    enum Support: Sendable {
        case honoured
        /// Kafka has it; here it has no effect, and setting it is warned about.
        case ignored
    }

    var name: String
    var type: ConfigType
    /// As text, as Kafka prints it; nil where there is none.
    var defaultValue: String?
    var rule = ConfigRule.any
    var documentation: String
    var update = Update.readOnly
    var support = Support.honoured
    /// Where the value is looked for when it is not set, in this order; see ``ConfigSynonym``.
    var synonyms: [ConfigSynonym] = []

    /// Whether the value must not be shown.
    var isSensitive: Bool { type == .password }
    var isDynamic: Bool { update == .dynamic }

    /// Checks a value as Kafka does.
    /// - Throws: ``ConfigError`` that names key and value and says what is allowed.
    func validate(_ value: String) throws(ConfigError) {
        func fail(_ reason: String) -> ConfigError {
            ConfigError("Invalid value \(isSensitive ? "[hidden]" : value) for configuration \(name): \(reason)")
        }
        if let reason = type.problem(with: value) ?? rule.problem(with: value, type: type) { throw fail(reason) }
    }
}

/// Another name that a value can come from, for instance `log.retention.hours` for `log.retention.ms`.
struct ConfigSynonym: Sendable, Equatable {
    var name: String
    /// By how much the other value is multiplied. A negative one means "unlimited" whatever the unit.
    var factor: Int64 = 1

    init(_ name: String, times factor: Int64 = 1) {
        self.name = name
        self.factor = factor
    }

    /// The other's value in this one's unit. Values that are no numbers come through as they are.
    func converted(_ value: String) -> String {
        guard factor != 1, let number = Int64(value.trimmedASCII) else { return value }
        if number < 0 { return "-1" }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return String(overflow ? Int64.max : product)
    }
}

/// Why a configuration is not accepted, in a sentence for the person who wrote it.
struct ConfigError: Error, Equatable, CustomStringConvertible {
    var message: String

    init(_ message: String) { self.message = message }

    var description: String { message }
}

// How the tables are written: a name, a default, what is allowed, and a sentence.
extension ConfigDefinition {
    static func boolean(_ name: String, _ value: Bool, _ documentation: String) -> ConfigDefinition {
        ConfigDefinition(
            name: name, type: .boolean, defaultValue: value ? "true" : "false", documentation: documentation)
    }

    static func int(
        _ name: String, _ value: Int32?, _ rule: ConfigRule, _ documentation: String
    ) -> ConfigDefinition {
        ConfigDefinition(
            name: name, type: .int, defaultValue: value.map { String($0) }, rule: rule, documentation: documentation)
    }

    static func short(
        _ name: String, _ value: Int16?, _ rule: ConfigRule, _ documentation: String
    ) -> ConfigDefinition {
        ConfigDefinition(
            name: name, type: .short, defaultValue: value.map { String($0) }, rule: rule, documentation: documentation)
    }

    static func long(
        _ name: String, _ value: Int64?, _ rule: ConfigRule, _ documentation: String
    ) -> ConfigDefinition {
        ConfigDefinition(
            name: name, type: .long, defaultValue: value.map { String($0) }, rule: rule, documentation: documentation)
    }

    static func double(
        _ name: String, _ value: Double, _ rule: ConfigRule, _ documentation: String
    ) -> ConfigDefinition {
        ConfigDefinition(
            name: name, type: .double, defaultValue: "\(value)", rule: rule, documentation: documentation)
    }

    static func string(
        _ name: String, _ value: String?, _ rule: ConfigRule, _ documentation: String
    ) -> ConfigDefinition {
        ConfigDefinition(name: name, type: .string, defaultValue: value, rule: rule, documentation: documentation)
    }

    static func list(
        _ name: String, _ value: String?, _ rule: ConfigRule, _ documentation: String
    ) -> ConfigDefinition {
        ConfigDefinition(name: name, type: .list, defaultValue: value, rule: rule, documentation: documentation)
    }

    static func password(_ name: String, _ value: String?, _ documentation: String) -> ConfigDefinition {
        ConfigDefinition(name: name, type: .password, defaultValue: value, documentation: documentation)
    }

    static func `class`(_ name: String, _ value: String?, _ documentation: String) -> ConfigDefinition {
        ConfigDefinition(name: name, type: .class, defaultValue: value, documentation: documentation)
    }

    static func int(_ name: String, _ value: Int32?, _ documentation: String) -> ConfigDefinition {
        int(name, value, .any, documentation)
    }
    static func short(_ name: String, _ value: Int16?, _ documentation: String) -> ConfigDefinition {
        short(name, value, .any, documentation)
    }
    static func long(_ name: String, _ value: Int64?, _ documentation: String) -> ConfigDefinition {
        long(name, value, .any, documentation)
    }
    static func double(_ name: String, _ value: Double, _ documentation: String) -> ConfigDefinition {
        double(name, value, .any, documentation)
    }
    static func string(_ name: String, _ value: String?, _ documentation: String) -> ConfigDefinition {
        string(name, value, .any, documentation)
    }
    static func list(_ name: String, _ value: String?, _ documentation: String) -> ConfigDefinition {
        list(name, value, .any, documentation)
    }

    /// The same definition with other names that it falls back to.
    func from(_ synonyms: ConfigSynonym...) -> ConfigDefinition {
        var definition = self
        definition.synonyms = synonyms
        return definition
    }

    /// The same definition, taken by a running broker.
    var dynamic: ConfigDefinition {
        var definition = self
        definition.update = .dynamic
        return definition
    }

    /// The same definition, without an effect here.
    var ignored: ConfigDefinition {
        var definition = self
        definition.support = .ignored
        return definition
    }
}
