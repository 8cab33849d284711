/// Why a log did not do what it was asked, as the protocol says it.
public struct LogError: Error, Equatable, Sendable {
    /// A record that is to blame, for the answers that name records (KIP-467).
    public struct RecordFault: Equatable, Sendable {
        /// The record's index in its batch.
        public var batchIndex: Int32
        public var message: String

        public init(batchIndex: Int32, message: String) {
            self.batchIndex = batchIndex
            self.message = message
        }
    }

    public var code: ErrorCode
    public var message: String
    public var recordFaults: [RecordFault] = []
    /// The disk is in order and the same can succeed later: there was no room, or too much was open.
    public var isTransient = false

    public init(_ code: ErrorCode, _ message: String, recordFaults: [RecordFault] = []) {
        self.code = code
        self.message = message
        self.recordFaults = recordFaults
    }

    /// Not an error: the caller did not want to wait for the disk. No message, so that it costs nothing.
    static let wouldWait = LogError(.none, "")
    var isWouldWait: Bool { code == .none }

    public init(_ error: DiskError) {
        self.init(.kafkaStorageError, error.description)
        isTransient = error.isHarmless && !error.isMissing
    }
}

extension LogError: CustomStringConvertible {
    public var description: String { "\(code.name): \(message)" }
}
