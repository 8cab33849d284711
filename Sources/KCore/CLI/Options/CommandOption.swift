/// What kind of value an option or operand takes. Checked while parsing, so that a command reads values without errors.
public enum ValueKind: Sendable, Equatable {
    /// Any text.
    case text
    /// Text that is not empty, such as the name of something. An empty one is mostly a variable of a script that is
    /// not set, and what was asked for would be left out without a word.
    case name
    /// A whole number in the range.
    case integer(ClosedRange<Int64>)
    /// A number of bytes in the range: `16384`, `64k`, `32M`, `1GiB`.
    case size(ClosedRange<Int64>)
    /// One of the names.
    case choice([String])
    /// One of the names, in capitals or not.
    case choiceInAnyCase([String])
    /// The path of a file or directory; not empty.
    case path
    /// `name=value`.
    case pair
}

/// One option of a command, as data: parsing, help, shell completion and man pages all come from it.
public struct CommandOption: Sendable {
    /// The long name, without the dashes; unique within a command.
    public var name: String
    public var short: Character?
    /// How help calls the value, such as `TOPIC`; nil for a flag, which takes none.
    public var placeholder: String?
    public var kind: ValueKind
    /// May be given more than once; the values are kept in order. Without it the last one counts.
    public var isRepeatable = false
    public var isRequired = false
    /// The value when neither the option nor the environment gives one.
    public var defaultValue: String?
    /// The variable that gives the value when the option does not.
    public var environment: String?
    /// What help calls the default where it is not ``defaultValue``: a choice that something else makes.
    public var defaultNote: String?
    /// One sentence without a full stop.
    public var help: String
    /// Further long names, understood but not shown.
    public var aliases: [String] = []

    public var isFlag: Bool { placeholder == nil }

    /// An option that takes no value.
    public static func flag(_ name: String, short: Character? = nil, aliases: [String] = [], help: String)
        -> CommandOption
    {
        CommandOption(name: name, short: short, placeholder: nil, kind: .text, help: help, aliases: aliases)
    }

    /// An option that takes a value.
    public static func value(
        _ name: String, short: Character? = nil, _ placeholder: String, kind: ValueKind = .text,
        repeatable: Bool = false,
        required: Bool = false, defaultValue: String? = nil, defaultNote: String? = nil, environment: String? = nil,
        aliases: [String] = [], help: String
    ) -> CommandOption {
        CommandOption(
            name: name, short: short, placeholder: placeholder, kind: kind, isRepeatable: repeatable,
            isRequired: required, defaultValue: defaultValue, environment: environment, defaultNote: defaultNote,
            help: help, aliases: aliases)
    }
}

/// What a command takes besides options.
public struct Operand: Sendable {
    /// How help calls it, such as `TOPIC`.
    public var placeholder: String
    public var kind: ValueKind
    public var isRepeatable: Bool
    public var isRequired: Bool
    public var help: String

    public init(
        _ placeholder: String, kind: ValueKind = .text, repeatable: Bool = false, required: Bool = false,
        help: String = ""
    ) {
        self.placeholder = placeholder
        self.kind = kind
        isRepeatable = repeatable
        isRequired = required
        self.help = help
    }
}
