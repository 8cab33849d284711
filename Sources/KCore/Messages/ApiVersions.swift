/// The first request of a connection: which APIs and versions does the broker have, and who is the client (KIP-511)?
struct ApiVersionsRequest: ApiRequest {
    typealias Response = ApiVersionsResponse
    static var api: Api { Api(.apiVersions, versions: 0...4, flexible: 3) }

    var clientSoftwareName = ""
    var clientSoftwareVersion = ""
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&clientSoftwareName, in: 3...)
        try c.field(&clientSoftwareVersion, in: 3...)
    }
}

/// What the broker can do. A client may ask in a version that is too new: the answer is then UNSUPPORTED_VERSION in
/// version 0, with the versions of ApiVersions itself in `apiKeys`.
struct ApiVersionsResponse: WireStruct {
    /// The feature by whose level 2 transactions have an epoch each, and partitions are added by writing to them (KIP-890).
    static let transactionVersion = "transaction.version"

    var errorCode = ErrorCode.none
    var apiKeys: [ApiVersion] = []
    var throttleTimeMs: Int32 = 0
    /// Version 3 leaves out those that begin at 0, which its readers refuse.
    var supportedFeatures: [SupportedFeatureKey] = []
    /// Grows with every change of the finalized features; -1 when not known.
    var finalizedFeaturesEpoch: Int64 = -1
    /// What the whole cluster has agreed on (KIP-584).
    var finalizedFeatures: [FinalizedFeatureKey] = []
    /// The KRaft controller is set up to take over from ZooKeeper (KIP-866).
    var zkMigrationReady = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&errorCode)
        try c.field(&apiKeys)
        try c.field(&throttleTimeMs, in: 1...)
        try c.tagged(0, &supportedFeatures, in: 3..., default: [])
        try c.tagged(1, &finalizedFeaturesEpoch, in: 3..., default: -1)
        try c.tagged(2, &finalizedFeatures, in: 3..., default: [])
        try c.tagged(3, &zkMigrationReady, in: 3..., default: false)
    }

    struct ApiVersion: WireStruct {
        var apiKey = ApiKey.produce
        /// Inclusive, like `maxVersion`.
        var minVersion: Int16 = 0
        var maxVersion: Int16 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&apiKey)
            try c.field(&minVersion)
            try c.field(&maxVersion)
        }
    }

    struct SupportedFeatureKey: WireStruct {
        var name = ""
        var minVersion: Int16 = 0
        var maxVersion: Int16 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&minVersion)
            try c.field(&maxVersion)
        }
    }

    struct FinalizedFeatureKey: WireStruct {
        var name = ""
        var maxVersionLevel: Int16 = 0
        var minVersionLevel: Int16 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&maxVersionLevel)
            try c.field(&minVersionLevel)
        }
    }
}
