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

/// What a process ends with.
public struct ExitStatus: RawRepresentable, Sendable, Equatable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// All was done.
    public static let done = ExitStatus(rawValue: 0)
    /// Something failed; one record or item is enough.
    public static let failed = ExitStatus(rawValue: 1)
    /// The command line is wrong.
    public static let usage = ExitStatus(rawValue: 2)
    /// Finished early, but cleanly, on a signal.
    public static func signal(_ number: Int32) -> ExitStatus { ExitStatus(rawValue: 128 + number) }
}

/// Why a tool cannot go on: one line that says what failed, on what, why, and what to do about it.
public struct ToolError: Error, Sendable, Equatable, CustomStringConvertible {
    public var message: String
    public var status: ExitStatus

    public init(_ message: String, status: ExitStatus = .failed) {
        self.message = message
        self.status = status
    }

    /// A command line that cannot be meant.
    public static func usage(_ message: String) -> ToolError { ToolError(message, status: .usage) }

    public var description: String { message }
}
