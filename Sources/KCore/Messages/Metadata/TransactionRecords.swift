/// The records up to EndTransaction or AbortTransaction take effect together (KIP-868).
struct BeginTransactionRecord: MetadataRecord {
    static let apiKey: Int16 = 23
    static let versions: ClosedRange<Int16> = 0...0

    /// For readers of logs.
    var name: String?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.tagged(0, &name, in: 0..., default: nil)
    }
}

/// Commits what follows the last BeginTransaction.
struct EndTransactionRecord: MetadataRecord {
    static let apiKey: Int16 = 24
    static let versions: ClosedRange<Int16> = 0...0

    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {}
}

/// Drops what follows the last BeginTransaction.
struct AbortTransactionRecord: MetadataRecord {
    static let apiKey: Int16 = 25
    static let versions: ClosedRange<Int16> = 0...0

    /// For readers of logs.
    var reason: String?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.tagged(0, &reason, in: 0..., default: nil)
    }
}
