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
    /// The client's error, where it was one.
    var cause: ClientError?

    public init(_ message: String, status: ExitStatus = .failed) {
        self.message = message
        self.status = status
    }

    /// A command line that cannot be meant.
    public static func usage(_ message: String) -> ToolError { ToolError(message, status: .usage) }

    public var description: String { message }
}
