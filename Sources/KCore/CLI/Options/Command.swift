/// A command with its options, operands and subcommands, as data. A tool is a tree of these.
public struct Command: Sendable {
    /// What is done when the command is called. Throws what went wrong; returns what the process exits with.
    public typealias Action = @Sendable (Arguments, Console) throws(ToolError) -> ExitStatus

    public var name: String
    /// What it does, in one sentence without a full stop.
    public var summary: String
    /// Paragraphs for help and the man page, each one string; lines of a paragraph are kept.
    public var details: [String]
    public var operands: [Operand]
    public var options: [CommandOption]
    public var examples: [Example]
    public var subcommands: [Command]
    public var action: Action?

    /// A command line and what it does.
    public struct Example: Sendable {
        public var line: String
        public var meaning: String

        public init(_ line: String, _ meaning: String) {
            self.line = line
            self.meaning = meaning
        }
    }

    public init(
        _ name: String, _ summary: String, details: [String] = [], operands: [Operand] = [],
        options: [CommandOption] = [], examples: [Example] = [], subcommands: [Command] = [], action: Action? = nil
    ) {
        self.name = name
        self.summary = summary
        self.details = details
        self.operands = operands
        self.options = options
        self.examples = examples
        self.subcommands = subcommands
        self.action = action
    }

    /// The command that `names` lead to, such as `["topic", "create"]`.
    public func descendant(_ names: some Sequence<String>) -> Command? {
        var command = self
        for name in names {
            guard let next = command.subcommands.first(where: { $0.name == name }) else { return nil }
            command = next
        }
        return command
    }
}
