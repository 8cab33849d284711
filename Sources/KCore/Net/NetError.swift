internal import Glibc

/// A call of the operating system that failed.
public struct NetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was tried, for instance `bind 127.0.0.1:9092`.
    public var operation: String
    /// The `errno`, or 0 when the reason is not one (see ``reason``).
    public var code: Int32
    /// The reason in words.
    public var reason: String

    /// - Parameter code: an `errno`, negative or positive.
    public init(_ operation: String, code: Int32) {
        self.operation = operation
        self.code = abs(code)
        reason = String(cString: strerror(abs(code)))
    }

    public init(_ operation: String, reason: String) {
        self.operation = operation
        code = 0
        self.reason = reason
    }

    public var description: String { "\(operation): \(reason)" }

    /// Nobody listens at the address.
    public var isRefused: Bool { code == ECONNREFUSED }
    /// Somebody else listens at the address.
    public var isTaken: Bool { code == EADDRINUSE }
    /// The address to listen at is not one of this machine.
    public var isElsewhere: Bool { code == EADDRNOTAVAIL }
    /// Time ran out.
    public var isTimeout: Bool { code == ETIMEDOUT }
}
