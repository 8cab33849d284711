/// A broker joined the cluster, or came back with a new incarnation. Fenced means: no partition may be led by it.
struct RegisterBrokerRecord: MetadataRecord {
    static let apiKey: Int16 = 0
    static let versions: ClosedRange<Int16> = 0...3

    var brokerId: Int32 = 0
    /// A broker of a ZooKeeper cluster that is being migrated (KIP-866).
    var isMigratingZkBroker = false
    /// Another one with every start of the process.
    var incarnationId = Uuid.zero
    /// The offset of this record: it fences what an earlier registration sent.
    var brokerEpoch: Int64 = 0
    var endPoints: [BrokerEndpoint] = []
    var features: [BrokerFeature] = []
    var rack: String?
    var fenced = true
    var inControlledShutdown = false
    /// The ids of the directories that are in service (KIP-858).
    var logDirs: [Uuid] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&brokerId)
        try c.field(&isMigratingZkBroker, in: 2...)
        try c.field(&incarnationId)
        try c.field(&brokerEpoch)
        try c.field(&endPoints)
        try c.field(&features)
        try c.field(&rack)
        try c.field(&fenced)
        try c.field(&inControlledShutdown, in: 1...)
        try c.tagged(0, &logDirs, in: 3..., default: [])
    }

    var oldestVersion: Int16 {
        if !logDirs.isEmpty { return 3 }
        return isMigratingZkBroker ? 2 : inControlledShutdown ? 1 : 0
    }

    struct BrokerEndpoint: WireStruct {
        var name = ""
        var host = ""
        var port: UInt16 = 0
        var securityProtocol = SecurityProtocol.plaintext
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&host)
            try c.field(&port)
            try c.field(&securityProtocol)
        }
    }

    struct BrokerFeature: WireStruct {
        var name = ""
        var minSupportedVersion: Int16 = 0
        var maxSupportedVersion: Int16 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&minSupportedVersion)
            try c.field(&maxSupportedVersion)
        }
    }
}

/// Something of a broker's registration changed.
struct BrokerRegistrationChangeRecord: MetadataRecord {
    static let apiKey: Int16 = 17
    static let versions: ClosedRange<Int16> = 0...2

    var brokerId: Int32 = 0
    var brokerEpoch: Int64 = 0
    /// 1: now fenced, -1: no longer, 0: as before.
    var fenced: Int8 = 0
    /// 1: now shutting down, 0: as before.
    var inControlledShutdown: Int8 = 0
    /// The directories in service; empty: as before (KIP-858).
    var logDirs: [Uuid] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&brokerId)
        try c.field(&brokerEpoch)
        try c.tagged(0, &fenced, in: 0..., default: 0)
        try c.tagged(1, &inControlledShutdown, in: 1..., default: 0)
        try c.tagged(2, &logDirs, in: 2..., default: [])
    }

    var oldestVersion: Int16 { !logDirs.isEmpty ? 2 : inControlledShutdown != 0 ? 1 : 0 }
}

/// A broker is fenced; BrokerRegistrationChange has replaced this record since 3.3.
struct FenceBrokerRecord: MetadataRecord {
    static let apiKey: Int16 = 7
    static let versions: ClosedRange<Int16> = 0...0

    var id: Int32 = 0
    var epoch: Int64 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&id)
        try c.field(&epoch)
    }
}

/// A broker is no longer fenced; BrokerRegistrationChange has replaced this record since 3.3.
struct UnfenceBrokerRecord: MetadataRecord {
    static let apiKey: Int16 = 8
    static let versions: ClosedRange<Int16> = 0...0

    var id: Int32 = 0
    var epoch: Int64 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&id)
        try c.field(&epoch)
    }
}

/// A broker left the cluster for good.
struct UnregisterBrokerRecord: MetadataRecord {
    static let apiKey: Int16 = 1
    static let versions: ClosedRange<Int16> = 0...0

    var brokerId: Int32 = 0
    var brokerEpoch: Int64 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&brokerId)
        try c.field(&brokerEpoch)
    }
}

/// A controller of the quorum told its endpoints and features (KIP-919).
struct RegisterControllerRecord: MetadataRecord {
    static let apiKey: Int16 = 27
    static let versions: ClosedRange<Int16> = 0...0

    var controllerId: Int32 = 0
    var incarnationId = Uuid.zero
    /// It is set up to take over from ZooKeeper.
    var zkMigrationReady = false
    var endPoints: [ControllerEndpoint] = []
    var features: [ControllerFeature] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&controllerId)
        try c.field(&incarnationId)
        try c.field(&zkMigrationReady)
        try c.field(&endPoints)
        try c.field(&features)
    }

    struct ControllerEndpoint: WireStruct {
        var name = ""
        var host = ""
        var port: UInt16 = 0
        var securityProtocol = SecurityProtocol.plaintext
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&host)
            try c.field(&port)
            try c.field(&securityProtocol)
        }
    }

    struct ControllerFeature: WireStruct {
        var name = ""
        var minSupportedVersion: Int16 = 0
        var maxSupportedVersion: Int16 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&minSupportedVersion)
            try c.field(&maxSupportedVersion)
        }
    }
}
