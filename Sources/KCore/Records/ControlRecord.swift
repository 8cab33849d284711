/// What a record of a control batch is for: the second number of its key. An open set; readers skip what they do not know.
public struct ControlRecordType: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int16
    public init(rawValue: Int16) { self.rawValue = rawValue }

    public static let abort = ControlRecordType(rawValue: 0)
    public static let commit = ControlRecordType(rawValue: 1)
    public static let leaderChange = ControlRecordType(rawValue: 2)
    public static let snapshotHeader = ControlRecordType(rawValue: 3)
    public static let snapshotFooter = ControlRecordType(rawValue: 4)
    public static let kraftVersion = ControlRecordType(rawValue: 5)
    public static let kraftVoters = ControlRecordType(rawValue: 6)

    /// Reads the key of a control record: version, type, both 16 bits, and whatever a later version adds.
    /// - Throws: ``RecordsError/badControlRecord``.
    public init(key: UnsafeRawBufferPointer?) throws(RecordsError) {
        guard let key, let base = key.baseAddress, key.count >= 4 else { throw .badControlRecord }
        guard base.bigEndian(0, as: Int16.self) >= 0 else { throw .badControlRecord }
        rawValue = base.bigEndian(2)
    }

    /// The key of a control record of this type.
    public var key: Bytes {
        let bits = UInt16(bitPattern: rawValue)
        return [0, 0, UInt8(bits >> 8), UInt8(bits & 0xFF)]
    }
}

extension ControlRecordType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .abort: "ABORT"
        case .commit: "COMMIT"
        case .leaderChange: "LEADER_CHANGE"
        case .snapshotHeader: "SNAPSHOT_HEADER"
        case .snapshotFooter: "SNAPSHOT_FOOTER"
        case .kraftVersion: "KRAFT_VERSION"
        case .kraftVoters: "KRAFT_VOTERS"
        default: "UNKNOWN_\(rawValue)"
        }
    }
}

/// The end of a transaction in a partition: a control batch of one record.
public struct EndTransactionMarker: Equatable, Sendable {
    /// Whether the records of the transaction count.
    public var isCommit: Bool
    public var coordinatorEpoch: Int32

    public init(isCommit: Bool, coordinatorEpoch: Int32) {
        self.isCommit = isCommit
        self.coordinatorEpoch = coordinatorEpoch
    }

    /// Reads the record of a control batch; nil for a control record of another type.
    /// - Throws: ``RecordsError/badControlRecord``.
    public init?(_ record: RecordView) throws(RecordsError) {
        let type = try ControlRecordType(key: record.key)
        guard type == .commit || type == .abort else { return nil }
        guard let value = record.value, let base = value.baseAddress, value.count >= 6 else { throw .badControlRecord }
        guard base.bigEndian(0, as: Int16.self) >= 0 else { throw .badControlRecord }
        isCommit = type == .commit
        coordinatorEpoch = base.bigEndian(2)
    }

    /// The marker as a batch, whose offset the leader sets.
    public func batch(producerId: Int64, producerEpoch: Int16, timestampMs: Int64) throws(RecordsError) -> Bytes {
        var options = BatchOptions()
        options.producerId = producerId
        options.producerEpoch = producerEpoch
        options.isTransactional = true
        options.isControl = true
        let type = isCommit ? ControlRecordType.commit : .abort
        var value: [UInt8] = [0, 0]
        withUnsafeBytes(of: coordinatorEpoch.bigEndian) { value.append(contentsOf: $0) }
        let builder = RecordBatchBuilder(options, capacity: 128)
        try builder.append(timestamp: timestampMs, key: type.key, value: Bytes(value))
        return try builder.close()
    }
}
