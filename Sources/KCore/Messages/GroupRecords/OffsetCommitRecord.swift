/// Where a group stands in a partition.
struct OffsetCommitKey: VersionedStruct, Hashable {
    static let versions: ClosedRange<Int16> = 0...1

    var group = ""
    var topic = ""
    var partition: Int32 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&group)
        try c.field(&topic)
        try c.field(&partition)
    }
}

struct OffsetCommitValue: VersionedStruct {
    static let versions: ClosedRange<Int16> = 0...4
    static let firstFlexible: Int16? = 4

    /// The next offset that the group will read.
    var offset: Int64 = 0
    /// That of the last record that was read; -1 when the consumer did not say.
    var leaderEpoch: Int32 = -1
    /// The consumer's own note.
    var metadata = ""
    /// Milliseconds since 1970.
    var commitTimestamp: Int64 = 0
    /// When the offset goes, for consumers that ask for a retention of their own; -1: as the broker is set.
    var expireTimestamp: Int64 = -1
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&offset)
        try c.field(&leaderEpoch, in: 3...)
        try c.field(&metadata)
        try c.field(&commitTimestamp)
        try c.field(&expireTimestamp, in: 1...1)
    }

    var writtenVersion: Int16 { expireTimestamp == -1 ? 3 : 1 }
}
