/// A rule of access was made.
struct AccessControlEntryRecord: MetadataRecord {
    static let apiKey: Int16 = 18
    static let versions: ClosedRange<Int16> = 0...0

    var id = Uuid.zero
    var resourceType: Int8 = 0
    var resourceName = ""
    var patternType: Int8 = 0
    var principal = ""
    var host = ""
    var operation: Int8 = 0
    var permissionType: Int8 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&id)
        try c.field(&resourceType)
        try c.field(&resourceName)
        try c.field(&patternType)
        try c.field(&principal)
        try c.field(&host)
        try c.field(&operation)
        try c.field(&permissionType)
    }
}

/// A rule of access was removed.
struct RemoveAccessControlEntryRecord: MetadataRecord {
    static let apiKey: Int16 = 19
    static let versions: ClosedRange<Int16> = 0...0

    var id = Uuid.zero
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&id) }
}

/// What a user is recognized by (KIP-900).
struct UserScramCredentialRecord: MetadataRecord {
    static let apiKey: Int16 = 11
    static let versions: ClosedRange<Int16> = 0...0

    var name = ""
    var mechanism: Int8 = 0
    var salt = Bytes()
    var storedKey = Bytes()
    var serverKey = Bytes()
    var iterations: Int32 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&name)
        try c.field(&mechanism)
        try c.field(&salt)
        try c.field(&storedKey)
        try c.field(&serverKey)
        try c.field(&iterations)
    }
}

struct RemoveUserScramCredentialRecord: MetadataRecord {
    static let apiKey: Int16 = 22
    static let versions: ClosedRange<Int16> = 0...0

    var name = ""
    var mechanism: Int8 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&name)
        try c.field(&mechanism)
    }
}

/// A quota was set or removed (KIP-546).
struct ClientQuotaRecord: MetadataRecord {
    static let apiKey: Int16 = 14
    static let versions: ClosedRange<Int16> = 0...0

    var entity: [EntityData] = []
    var key = ""
    var value = 0.0
    /// Whether it was removed; `value` then says nothing.
    var remove = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&entity)
        try c.field(&key)
        try c.field(&value)
        try c.field(&remove)
    }

    /// The value by its bits: what is not a number is the same when it comes back.
    static func == (one: Self, other: Self) -> Bool {
        one.entity == other.entity && one.key == other.key && one.remove == other.remove
            && one.value.bitPattern == other.value.bitPattern && one.unknownTags == other.unknownTags
    }

    struct EntityData: WireStruct {
        var entityType = ""
        /// Null for the default of the type.
        var entityName: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&entityType)
            try c.field(&entityName)
        }
    }
}

/// A token that a user gave out, or what changed of it (KIP-48).
struct DelegationTokenRecord: MetadataRecord {
    static let apiKey: Int16 = 10
    static let versions: ClosedRange<Int16> = 0...0

    var owner = ""
    var requester = ""
    var renewers: [String] = []
    /// Milliseconds since 1970, as the two below.
    var issueTimestamp: Int64 = 0
    var maxTimestamp: Int64 = 0
    var expirationTimestamp: Int64 = 0
    var tokenId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&owner)
        try c.field(&requester)
        try c.field(&renewers)
        try c.field(&issueTimestamp)
        try c.field(&maxTimestamp)
        try c.field(&expirationTimestamp)
        try c.field(&tokenId)
    }
}

struct RemoveDelegationTokenRecord: MetadataRecord {
    static let apiKey: Int16 = 26
    static let versions: ClosedRange<Int16> = 0...0

    var tokenId = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&tokenId) }
}
