/// Kafka's error codes. An open set: a code that a newer peer sends keeps its number.
public struct ErrorCode: RawRepresentable, Hashable, Sendable, WireValue {
    public var rawValue: Int16
    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// Whether the same request may succeed later, after a refresh of metadata where that is the cause.
    public var isRetriable: Bool { ErrorCode.entry(self)?.isRetriable ?? false }

    /// Kafka's name, such as `NOT_LEADER_OR_FOLLOWER`.
    public var name: String { ErrorCode.entry(self)?.name ?? "ERROR_\(rawValue)" }

    /// Kafka's one-sentence meaning in our words.
    public var meaning: String { ErrorCode.entry(self)?.meaning ?? "an error that this version does not know" }

    struct Entry: Sendable {
        var name: String
        var isRetriable: Bool
        var meaning: String

        static func retriable(_ name: String, _ meaning: String) -> Entry {
            Entry(name: name, isRetriable: true, meaning: meaning)
        }
        static func lasting(_ name: String, _ meaning: String) -> Entry {
            Entry(name: name, isRetriable: false, meaning: meaning)
        }
    }

    private static func entry(_ code: ErrorCode) -> Entry? {
        let index = Int(code.rawValue) + 1
        return entries.indices.contains(index) ? entries[index] : nil
    }
}

extension ErrorCode: CustomStringConvertible {
    public var description: String { name }
}
