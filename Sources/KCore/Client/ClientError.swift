/// What went wrong in the client, as one line that a person can act on: what failed, on what, why, what to do.
public struct ClientError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// A property that is not known, or has a value that it cannot have.
        case configuration
        /// No broker could be reached, or a connection broke.
        case connection
        case timeout
        /// A broker answered with this error.
        case broker(ErrorCode)
        /// The broker does not have the API, or no version of it that this client has.
        case unsupported
        /// Bytes that are no valid Kafka data: a wrong CRC, a malformed batch or answer.
        case badData
        /// The caller asked for an end: ``KafkaClient/interrupt()``, ``Producer/abort()``.
        case interrupted
        /// The client was closed.
        case closed
    }

    public var kind: Kind
    /// One line, without a full stop at its end.
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { message }

    /// The broker's error, when it was one.
    public var errorCode: ErrorCode? { if case .broker(let code) = kind { code } else { nil } }

    /// Whether the same thing may succeed a little later.
    public var isRetriable: Bool {
        switch kind {
        case .broker(let code): code.isRetriable
        case .connection, .timeout: true
        case .configuration, .unsupported, .badData, .interrupted, .closed: false
        }
    }
}

extension ClientError {
    /// The broker refused `action`: "cannot ACTION: NAME: detail; advice".
    /// - Parameter detail: the broker's own words, where it sent some.
    static func refused(_ action: String, _ code: ErrorCode, detail: String? = nil) -> ClientError {
        let why = detail.flatMap { $0.isEmpty ? nil : $0 } ?? code.meaning
        let advice = advice(for: code).map { "; \($0)" } ?? ""
        return ClientError(.broker(code), "cannot \(action): \(code.name): \(oneLine(why))\(advice)")
    }

    static let interrupted = ClientError(.interrupted, "interrupted")
    static let closed = ClientError(.closed, "the client is closed")

    static func unreadable(_ what: String, from broker: String, _ error: WireError) -> ClientError {
        ClientError(.badData, "cannot read the \(what) answer of \(broker): \(error); is it a Kafka broker?")
    }

    /// What a person can do about an error that has an obvious answer.
    private static func advice(for code: ErrorCode) -> String? {
        switch code {
        case .unknownTopicOrPartition: "create the topic, or check its name"
        case .messageTooLarge, .recordListTooLarge: "raise the topic's max.message.bytes, or send less"
        case .notEnoughReplicas, .notEnoughReplicasAfterAppend: "bring replicas back, or lower min.insync.replicas"
        case .offsetOutOfRange: "set auto.offset.reset, or start elsewhere"
        case .topicAuthorizationFailed, .clusterAuthorizationFailed, .groupAuthorizationFailed:
            "ask for the right by an ACL"
        case .invalidReplicationFactor: "use at most as many replicas as there are brokers"
        default: nil
        }
    }

    // What a broker sends must not break an error out of its line.
    private static func oneLine(_ text: String) -> String {
        var line = String(text.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
        while line.last == "." || line.last == " " { line.removeLast() }
        return line
    }
}
