/// The level of a feature for the whole cluster (KIP-584); a log and a snapshot begin with `metadata.version`.
struct FeatureLevelRecord: MetadataRecord {
    static let apiKey: Int16 = 12
    static let versions: ClosedRange<Int16> = 0...0

    var name = ""
    /// 0 switches it off.
    var featureLevel: Int16 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&name)
        try c.field(&featureLevel)
    }
}

/// A configuration value was set.
struct ConfigRecord: MetadataRecord {
    static let apiKey: Int16 = 4
    static let versions: ClosedRange<Int16> = 0...0

    var resourceType = ConfigResourceType.unknown
    var resourceName = ""
    var name = ""
    /// Null when it was deleted.
    var value: String?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&resourceType)
        try c.field(&resourceName)
        try c.field(&name)
        try c.field(&value)
    }
}

/// A block of producer ids was given to a broker.
struct ProducerIdsRecord: MetadataRecord {
    static let apiKey: Int16 = 15
    static let versions: ClosedRange<Int16> = 0...0

    var brokerId: Int32 = 0
    /// -1 when there is none.
    var brokerEpoch: Int64 = -1
    /// The first id behind that block.
    var nextProducerId: Int64 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&brokerId)
        try c.field(&brokerEpoch)
        try c.field(&nextProducerId)
    }
}

/// Nothing: moves the log on, so that followers and snapshots make progress (KIP-835).
struct NoOpRecord: MetadataRecord {
    static let apiKey: Int16 = 20
    static let versions: ClosedRange<Int16> = 0...0

    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {}
}

/// How far the move from ZooKeeper to KRaft is (KIP-866); a cluster that began with KRaft says 0.
struct ZkMigrationStateRecord: MetadataRecord {
    static let apiKey: Int16 = 21
    static let versions: ClosedRange<Int16> = 0...0

    var zkMigrationState: Int8 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&zkMigrationState)
    }
}
