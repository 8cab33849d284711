/// A record of a control batch in a KRaft log or snapshot. The record's key has the type, its value is the structure.
protocol ControlRecord: WireStruct {
    /// What the record's key says, behind the key's own version.
    static var type: Int16 { get }
    static var versions: ClosedRange<Int16> { get }
    /// The version that the record is written in: its first field.
    var version: Int16 { get }
}

extension ControlRecord {
    /// Reads a record's value. A version that is too new is read as the newest one described, as Kafka does: such a
    /// version may only add tagged fields.
    init(value: Bytes) throws(WireError) {
        var peek = WireDecoder(value, version: 0, flexible: true)
        let version = min(try Int16.read(&peek), Self.versions.upperBound)
        guard version >= Self.versions.lowerBound else { throw .badLength(Int(version)) }
        var decoder = WireDecoder(value, version: version, flexible: true)
        self = try Self.read(&decoder)
        try decoder.finish()
    }

    /// The record's value.
    /// - Throws: ``WireError/badLength(_:)`` when `version` is not described.
    func value() throws(WireError) -> Bytes {
        guard Self.versions.contains(version) else { throw .badLength(Int(version)) }
        var encoder = WireEncoder(version: version, flexible: true)
        try write(&encoder)
        return encoder.bytes()
    }
}

/// The first record of a new leader's epoch in a KRaft log (KIP-595).
struct LeaderChangeMessage: ControlRecord {
    static let type: Int16 = 2
    static let versions: ClosedRange<Int16> = 0...1

    var version: Int16 = 0
    var leaderId: Int32 = 0
    var voters: [Voter] = []
    /// Those that voted for the leader.
    var grantingVoters: [Voter] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&version)
        try c.field(&leaderId)
        try c.field(&voters)
        try c.field(&grantingVoters)
    }

    struct Voter: WireStruct {
        var voterId: Int32 = 0
        /// Which of the voter's disks (KIP-853).
        var voterDirectoryId = Uuid.zero
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&voterId)
            try c.field(&voterDirectoryId, in: 1...)
        }
    }
}

/// The first record of a snapshot (KIP-630).
struct SnapshotHeaderRecord: ControlRecord {
    static let type: Int16 = 3
    static let versions: ClosedRange<Int16> = 0...0

    var version: Int16 = 0
    /// When the last record that the snapshot covers was appended, in milliseconds since 1970.
    var lastContainedLogTimestamp: Int64 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&version)
        try c.field(&lastContainedLogTimestamp)
    }
}

/// The last record of a snapshot: without it the snapshot is not whole (KIP-630).
struct SnapshotFooterRecord: ControlRecord {
    static let type: Int16 = 4
    static let versions: ClosedRange<Int16> = 0...0

    var version: Int16 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&version)
    }
}

/// The level of `kraft.version` from here on; 1 allows the voters to change (KIP-853).
struct KRaftVersionRecord: ControlRecord {
    static let type: Int16 = 5
    static let versions: ClosedRange<Int16> = 0...0

    var version: Int16 = 0
    var kRaftVersion: Int16 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&version)
        try c.field(&kRaftVersion)
    }
}

/// The voters of the quorum from here on (KIP-853).
struct VotersRecord: ControlRecord {
    static let type: Int16 = 6
    static let versions: ClosedRange<Int16> = 0...0

    var version: Int16 = 0
    var voters: [Voter] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&version)
        try c.field(&voters)
    }

    struct Voter: WireStruct {
        var voterId: Int32 = 0
        var voterDirectoryId = Uuid.zero
        var endpoints: [Endpoint] = []
        var kRaftVersionFeature = KRaftVersionFeature()
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&voterId)
            try c.field(&voterDirectoryId)
            try c.field(&endpoints)
            try c.field(&kRaftVersionFeature)
        }
    }

    struct Endpoint: WireStruct {
        var name = ""
        var host = ""
        var port: UInt16 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&host)
            try c.field(&port)
        }
    }

    /// The levels of `kraft.version` that the voter supports.
    struct KRaftVersionFeature: WireStruct {
        var minSupportedVersion: Int16 = 0
        var maxSupportedVersion: Int16 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&minSupportedVersion)
            try c.field(&maxSupportedVersion)
        }
    }
}
