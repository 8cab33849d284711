/// What the configuration says about groups and committed offsets, with Kafka's defaults.
struct GroupSettings: Equatable, Sendable {
    /// `group.min.session.timeout.ms`
    var minSessionTimeoutMs: Int64 = 6000
    /// `group.max.session.timeout.ms`
    var maxSessionTimeoutMs: Int64 = 1_800_000
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members than the first.
    var initialRebalanceDelayMs: Int64 = 3000
    /// `group.max.size`
    var maxSize = Int(Int32.max)
    /// How long a member stays that waits in its first rebalance and may have gone without anybody noticing.
    var newMemberJoinTimeoutMs: Int64 = 300_000
    /// `offset.metadata.max.bytes`
    var offsetMetadataMaxBytes = 4096
    /// What a group, or a commit, may take of the log at once: `message.max.bytes`, as far as segments have room for it.
    var maxRecordBytes = 1_048_588
    /// `offsets.retention.minutes`, in milliseconds.
    var offsetsRetentionMs: Int64 = 10080 * 60_000
    /// `offsets.retention.check.interval.ms`
    var offsetsRetentionCheckIntervalMs: Int64 = 600_000
    /// Whether `group.coordinator.rebalance.protocols` has the protocol of KIP-848.
    var hasConsumerProtocol = true
    /// `group.consumer.migration.policy`
    var migrationPolicy = GroupMigrationPolicy.bidirectional
    /// `group.consumer.assignors`, the first of which assigns where members have no wish.
    var assignors: [ConsumerAssignor] = [.uniform, .range]
    /// `group.consumer.session.timeout.ms`
    var consumerSessionTimeoutMs: Int64 = 45_000
    /// `group.consumer.heartbeat.interval.ms`
    var consumerHeartbeatIntervalMs: Int64 = 5000
    /// `group.consumer.min.*` and `group.consumer.max.*`
    var consumerLimits = ConsumerGroupLimits()
    /// `group.consumer.regex.refresh.interval.ms`
    var patternRefreshIntervalMs: Int64 = 600_000
    /// `group.consumer.max.size`
    var consumerMaxSize = Int(Int32.max)

    init() {}

    init(_ config: BrokerConfig) {
        minSessionTimeoutMs = config.int64("group.min.session.timeout.ms")
        maxSessionTimeoutMs = config.int64("group.max.session.timeout.ms")
        initialRebalanceDelayMs = config.int64("group.initial.rebalance.delay.ms")
        maxSize = config.int("group.max.size")
        offsetMetadataMaxBytes = config.int("offset.metadata.max.bytes")
        maxRecordBytes = min(config.int("message.max.bytes"), config.int("offsets.topic.segment.bytes") / 4)
        offsetsRetentionMs = config.int64("offsets.retention.minutes") * 60_000
        offsetsRetentionCheckIntervalMs = config.int64("offsets.retention.check.interval.ms")
        hasConsumerProtocol = config.list("group.coordinator.rebalance.protocols").contains("consumer")
        migrationPolicy =
            config.text("group.consumer.migration.policy").flatMap { GroupMigrationPolicy(rawValue: $0) }
            ?? .bidirectional
        // By name, or by the name of Kafka's class. There is one: see BrokerConfig.groupContradictions.
        assignors = config.list("group.consumer.assignors").compactMap { name in
            ConsumerAssignor.allCases.first { $0.rawValue == name || name.hasSuffix(".\($0.className)") }
        }
        let times = config.consumerGroupTimes
        (consumerSessionTimeoutMs, consumerHeartbeatIntervalMs) = (times.sessionTimeoutMs, times.heartbeatIntervalMs)
        consumerLimits = ConsumerGroupLimits(config)
        patternRefreshIntervalMs = config.int64("group.consumer.regex.refresh.interval.ms")
        consumerMaxSize = config.int("group.consumer.max.size")
    }

    /// The times of a consumer group, within the broker's limits.
    /// - Parameter group: what is set for this group.
    func consumerTimes(_ group: [String: String]) -> ConsumerGroupTimes {
        let times = ConsumerGroupTimes(
            heartbeatIntervalMs: consumerHeartbeatIntervalMs, sessionTimeoutMs: consumerSessionTimeoutMs)
        guard !group.isEmpty else { return times }
        let own = consumerLimits.nearest(to: times.overridden(by: group))
        return own.sessionTimeoutMs > own.heartbeatIntervalMs ? own : times
    }
}
