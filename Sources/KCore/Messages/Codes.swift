// The numbers that messages use for a choice. Open sets, like ``ErrorCode``: what a newer peer sends keeps its number.

/// Whether a reader sees the records of transactions that are not committed.
struct IsolationLevel: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    static let readUncommitted = IsolationLevel(rawValue: 0)
    static let readCommitted = IsolationLevel(rawValue: 1)
}

/// What a configuration belongs to.
struct ConfigResourceType: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    static let unknown = ConfigResourceType(rawValue: 0)
    static let topic = ConfigResourceType(rawValue: 2)
    static let broker = ConfigResourceType(rawValue: 4)
    static let brokerLogger = ConfigResourceType(rawValue: 8)
    static let clientMetrics = ConfigResourceType(rawValue: 16)
    static let group = ConfigResourceType(rawValue: 32)
}

/// Where a configuration's value comes from.
struct ConfigSource: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    /// The field's default: version 0 of DescribeConfigs does not say it.
    static let notSent = ConfigSource(rawValue: -1)
    static let unknown = ConfigSource(rawValue: 0)
    static let dynamicTopic = ConfigSource(rawValue: 1)
    static let dynamicBroker = ConfigSource(rawValue: 2)
    /// Set for all brokers at once.
    static let dynamicDefaultBroker = ConfigSource(rawValue: 3)
    /// The file that the broker was started with.
    static let staticBroker = ConfigSource(rawValue: 4)
    static let `default` = ConfigSource(rawValue: 5)
    static let dynamicBrokerLogger = ConfigSource(rawValue: 6)
    static let dynamicClientMetrics = ConfigSource(rawValue: 7)
    static let dynamicGroup = ConfigSource(rawValue: 8)
}

/// The type of a configuration's value.
struct ConfigType: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    static let unknown = ConfigType(rawValue: 0)
    static let boolean = ConfigType(rawValue: 1)
    static let string = ConfigType(rawValue: 2)
    static let int = ConfigType(rawValue: 3)
    static let short = ConfigType(rawValue: 4)
    static let long = ConfigType(rawValue: 5)
    static let double = ConfigType(rawValue: 6)
    static let list = ConfigType(rawValue: 7)
    static let `class` = ConfigType(rawValue: 8)
    static let password = ConfigType(rawValue: 9)
}

/// How IncrementalAlterConfigs changes a value; the last two are for lists.
struct ConfigOperation: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    static let set = ConfigOperation(rawValue: 0)
    static let delete = ConfigOperation(rawValue: 1)
    static let append = ConfigOperation(rawValue: 2)
    static let subtract = ConfigOperation(rawValue: 3)
}

/// Which nodes DescribeCluster is about (KIP-919).
struct EndpointType: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    static let unknown = EndpointType(rawValue: 0)
    static let broker = EndpointType(rawValue: 1)
    static let controller = EndpointType(rawValue: 2)
}

/// What FindCoordinator looks for the coordinator of.
struct CoordinatorType: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    static let group = CoordinatorType(rawValue: 0)
    static let transaction = CoordinatorType(rawValue: 1)
    static let share = CoordinatorType(rawValue: 2)
}

/// The timestamps with which ListOffsets asks for something else than a time.
enum ListOffsetsTimestamp {
    /// The high watermark, or the last stable offset for readers of committed records.
    static let latest: Int64 = -1
    static let earliest: Int64 = -2
    /// The record with the largest timestamp (KIP-734).
    static let maxTimestamp: Int64 = -3
    /// The first offset that is not only in remote storage (KIP-405).
    static let earliestLocal: Int64 = -4
    /// The last offset in remote storage (KIP-1005).
    static let latestTiered: Int64 = -5
}

/// How an endpoint is spoken to.
struct SecurityProtocol: RawRepresentable, Hashable, WireValue {
    var rawValue: Int16
    static let plaintext = SecurityProtocol(rawValue: 0)
    static let ssl = SecurityProtocol(rawValue: 1)
    static let saslPlaintext = SecurityProtocol(rawValue: 2)
    static let saslSsl = SecurityProtocol(rawValue: 3)
}

/// Whether a partition's leader came out of an unclean election and has not recovered yet (KIP-704).
struct LeaderRecoveryState: RawRepresentable, Hashable, WireValue {
    var rawValue: Int8
    /// What a change says that does not touch the state.
    static let unchanged = LeaderRecoveryState(rawValue: -1)
    static let recovered = LeaderRecoveryState(rawValue: 0)
    static let recovering = LeaderRecoveryState(rawValue: 1)
}
