import FoundationEssentials

@testable import KCore

/// A message that Tests/Fixtures/make-messages.py wrote from Kafka's definitions alone.
struct MessageFixture: CustomStringConvertible {
    var kind: String
    var name: String
    var version: Int16
    /// FNV-1a of all values by name; see ``MessageDump``.
    var hash: UInt64
    var bytes: Bytes

    var description: String { "\(name) v\(version) \(bytes.array.hex)" }

    static let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/messages.txt").standardized

    /// The lines of the fixture file as words.
    static let lines: [[Substring]] = {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: false) }
    }()

    static let all: [MessageFixture] = lines.compactMap { words in
        guard words.count == 5, let version = Int16(words[2]), let hash = UInt64(words[3], radix: 16) else {
            return nil
        }
        return MessageFixture(
            kind: String(words[0]), name: String(words[1]), version: version, hash: hash, bytes: Bytes(hex: words[4]))
    }

    /// Decodes `bytes`, all of them, as this fixture's message, and encodes that again.
    func roundTrip(_ bytes: Bytes) throws(WireError) -> (value: Any, encoded: Bytes) {
        switch kind {
        case "record":
            let record = try MetadataLogRecord(value: bytes)
            guard let payload = Mirror(reflecting: record).children.first?.value else { return (record, Bytes()) }
            return (payload, try record.value(version: try MessageFixture.frame(of: bytes).version))
        case "control":
            guard let type = MessageFixture.controls[name] else { return ("not described", Bytes()) }
            return try control(type, bytes)
        case "versioned":
            guard let type = MessageFixture.versioned[name] else { return ("not described", Bytes()) }
            return try versioned(type, bytes)
        default:
            guard let (type, api) = MessageFixture.messages[name] else { return ("not described", Bytes()) }
            return try message(type, bytes, flexible: api.isFlexible(version))
        }
    }

    private static func frame(of bytes: Bytes) throws(WireError) -> MetadataRecordFrame {
        var decoder = WireDecoder(bytes, version: 0, flexible: true)
        return try MetadataRecordFrame.read(&decoder)
    }

    private func message<M: WireStruct>(
        _: M.Type, _ bytes: Bytes, flexible: Bool
    ) throws(WireError) -> (value: Any, encoded: Bytes) {
        var decoder = WireDecoder(bytes, version: version, flexible: flexible)
        let message = try M.read(&decoder)
        try decoder.finish()
        var encoder = WireEncoder(version: version, flexible: flexible)
        try message.write(&encoder)
        return (message, encoder.bytes())
    }

    private func control<M: ControlRecord>(_: M.Type, _ bytes: Bytes) throws(WireError) -> (value: Any, encoded: Bytes)
    {
        let record = try M(value: bytes)
        return (record, try record.value())
    }

    private func versioned<M: VersionedStruct>(
        _: M.Type, _ bytes: Bytes
    ) throws(WireError) -> (value: Any, encoded: Bytes) {
        let structure = try M(versioned: bytes)
        return (structure, try structure.versioned(version))
    }

    private static let messages: [String: (any WireStruct.Type, Api)] = {
        var table: [String: (any WireStruct.Type, Api)] = [:]
        func add<R: ApiRequest>(_: R.Type) {
            table["\(R.self)"] = (R.self, R.api)
            table["\(R.Response.self)"] = (R.Response.self, R.api)
        }
        for type in ApiTable.all { add(type) }
        return table
    }()

    private static let controls: [String: any ControlRecord.Type] = [
        "LeaderChangeMessage": LeaderChangeMessage.self, "SnapshotHeaderRecord": SnapshotHeaderRecord.self,
        "SnapshotFooterRecord": SnapshotFooterRecord.self, "KRaftVersionRecord": KRaftVersionRecord.self,
        "VotersRecord": VotersRecord.self,
    ]

    static let versioned: [String: any VersionedStruct.Type] = {
        let types: [any VersionedStruct.Type] = [
            OffsetCommitKey.self, OffsetCommitValue.self, GroupMetadataKey.self, GroupMetadataValue.self,
            ConsumerGroupMetadataKey.self, ConsumerGroupMetadataValue.self, ConsumerGroupPartitionMetadataKey.self,
            ConsumerGroupPartitionMetadataValue.self, ConsumerGroupMemberMetadataKey.self,
            ConsumerGroupMemberMetadataValue.self, ConsumerGroupTargetAssignmentMetadataKey.self,
            ConsumerGroupTargetAssignmentMetadataValue.self, ConsumerGroupTargetAssignmentMemberKey.self,
            ConsumerGroupTargetAssignmentMemberValue.self, ConsumerGroupCurrentMemberAssignmentKey.self,
            ConsumerGroupCurrentMemberAssignmentValue.self, TransactionLogKey.self, TransactionLogValue.self,
            ConsumerProtocolSubscription.self, ConsumerProtocolAssignment.self,
        ]
        return Dictionary(uniqueKeysWithValues: types.map { ("\($0)", $0) })
    }()
}

extension Bytes {
    /// - Parameter hex: two digits a byte.
    init(hex: some StringProtocol) {
        func digit(_ c: UInt8) -> UInt8 { c <= UInt8(ascii: "9") ? c - UInt8(ascii: "0") : c - UInt8(ascii: "a") + 10 }
        let digits = Array(hex.utf8)
        self.init(stride(from: 0, to: digits.count, by: 2).map { digit(digits[$0]) << 4 | digit(digits[$0 + 1]) })
    }
}

extension [UInt8] {
    var hex: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
