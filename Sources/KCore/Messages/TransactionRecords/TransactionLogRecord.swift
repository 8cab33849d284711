/// A transactional id.
struct TransactionLogKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 0...0

    var transactionalId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&transactionalId) }
}

/// How far the transactions of an id are.
struct TransactionLogValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...1
    static let firstFlexible: Int16? = 1

    var producerId: Int64 = 0
    /// The one of the last transaction that ended; -1 when it is the same (KIP-890).
    var previousProducerId: Int64 = -1
    /// The one that the producer was told to go on with; -1 when it is the same (KIP-890).
    var nextProducerId: Int64 = -1
    var producerEpoch: Int16 = 0
    var transactionTimeoutMs: Int32 = 0
    var transactionStatus = TransactionStatus.empty
    /// Null when no partition takes part.
    var transactionPartitions: [PartitionsSchema]? = []
    /// Milliseconds since 1970.
    var transactionLastUpdateTimestampMs: Int64 = 0
    /// Milliseconds since 1970; -1 when none has begun.
    var transactionStartTimestampMs: Int64 = 0
    /// Which rules the client's transactions follow: 2 has an epoch for each transaction (KIP-890).
    var clientTransactionVersion: Int16 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&producerId)
        try c.field(&producerEpoch)
        try c.field(&transactionTimeoutMs)
        try c.field(&transactionStatus)
        try c.field(&transactionPartitions)
        try c.field(&transactionLastUpdateTimestampMs)
        try c.field(&transactionStartTimestampMs)
        try c.tagged(0, &previousProducerId, in: 1..., default: -1)
        try c.tagged(1, &nextProducerId, in: 1..., default: -1)
        try c.tagged(2, &clientTransactionVersion, in: 1..., default: 0)
    }

    var writtenVersion: Int16 {
        let plain = previousProducerId == -1 && nextProducerId == -1 && clientTransactionVersion == 0
        return plain && unknownTags.isEmpty ? 0 : 1
    }

    struct PartitionsSchema: WireStruct {
        var topic = ""
        var partitionIds: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic)
            try c.field(&partitionIds)
        }
    }
}

/// What the coordinator wrote down last about a transactional id.
struct TransactionStatus: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    /// It has a producer id, and no transaction yet.
    static let empty = TransactionStatus(rawValue: 0)
    static let ongoing = TransactionStatus(rawValue: 1)
    /// Decided, the markers are being written.
    static let prepareCommit = TransactionStatus(rawValue: 2)
    static let prepareAbort = TransactionStatus(rawValue: 3)
    static let completeCommit = TransactionStatus(rawValue: 4)
    static let completeAbort = TransactionStatus(rawValue: 5)
    /// The id expired.
    static let dead = TransactionStatus(rawValue: 6)
    /// The epoch is being raised to fence the producer, before its transaction is aborted.
    static let prepareEpochFence = TransactionStatus(rawValue: 7)
}

/// Any record of `__transaction_state`. No value means that the id expired.
/// Kinds that this build does not describe keep their bytes.
enum TransactionLogRecord: Equatable, Sendable {
    case transaction(TransactionLogKey, TransactionLogValue?)
    case unknown(key: Bytes, value: Bytes?)
}

extension TransactionLogRecord {
    /// Reads key and value of a record of the log, all of both.
    /// - Throws: ``WireError/unsupportedVersion(apiKey:version:)`` for a known key with a value of an unknown version.
    init(key: Bytes, value: Bytes?) throws(WireError) {
        guard TransactionLogKey.versions.contains(try key.leadingVersion()) else {
            self = .unknown(key: key, value: value)
            return
        }
        let read = try TransactionLogKey(versioned: key)
        guard let value else {
            self = .transaction(read, nil)
            return
        }
        self = .transaction(read, try TransactionLogValue(versioned: value))
    }

    /// The record's key and value, each in its ``VersionedStruct/writtenVersion``.
    func encoded() throws(WireError) -> (key: Bytes, value: Bytes?) {
        switch self {
        case .transaction(let key, let value):
            guard let value else { return (try key.versioned(), nil) }
            return (try key.versioned(), try value.versioned())
        case .unknown(let key, let value): return (key, value)
        }
    }
}
