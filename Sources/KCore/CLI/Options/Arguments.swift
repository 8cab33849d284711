/// A command line, understood: the values of options and operands, each checked against its ``ValueKind``.
///
/// Options are asked for by their table entry (`arguments.text(ProduceOptions.topic)`), so that a name cannot be misspelt.
public struct Arguments: Sendable {
    /// The names of the command and its parents, as typed: `["kadmin", "topic", "create"]`.
    public internal(set) var path: [String] = []
    public internal(set) var operands: [String] = []
    /// By long name, in order. Flags have one empty value for each time they were given.
    var given: [String: [String]] = [:]
    var environment: [String: String]

    init(environment: [String: String]) { self.environment = environment }

    /// Whether the command line has the option.
    public func isGiven(_ option: CommandOption) -> Bool { given[option.name] != nil }

    /// How often the option was given.
    public func count(_ option: CommandOption) -> Int { given[option.name]?.count ?? 0 }

    /// The last value given, else the environment's, else the default.
    public func text(_ option: CommandOption) -> String? {
        if let value = given[option.name]?.last { return value }
        if let name = option.environment, let value = environment[name], !value.isEmpty { return value }
        return option.defaultValue
    }

    /// All values given, in order.
    public func texts(_ option: CommandOption) -> [String] { given[option.name] ?? [] }

    /// The value of an option whose kind is `.integer` or `.size`.
    public func integer(_ option: CommandOption) -> Int64? {
        guard let value = text(option) else { return nil }
        if case .size = option.kind { return ByteSize.parse(value) }
        return Int64(value)
    }

    /// The values of an option whose kind is `.pair`, split at the first `=`.
    public func pairs(_ option: CommandOption) -> [(name: String, value: String)] {
        texts(option).compactMap { Arguments.pair($0) }
    }

    static func pair(_ text: String) -> (name: String, value: String)? {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
}
