/// The configurations of groups (KIP-848), of Kafka 4.x: what the members of one group are told instead of what the broker's
/// file says. A group has them whether or not it is there.
enum GroupConfigs {
    static let heartbeatIntervalMs = "consumer.heartbeat.interval.ms"
    static let sessionTimeoutMs = "consumer.session.timeout.ms"

    static var all: [ConfigDefinition] { (consumer + others.map { $0.ignored }).map { $0.dynamic } }

    private static let consumer: [ConfigDefinition] = [
        .int(heartbeatIntervalMs, 5000, .atLeast(1), "How often members send heartbeats.")
            .from(.init("group.consumer.heartbeat.interval.ms")),
        .int(sessionTimeoutMs, 45000, .atLeast(1), "How long a member may be silent.")
            .from(.init("group.consumer.session.timeout.ms")),
    ]

    /// Those of kinds of groups that are not here.
    private static let others: [ConfigDefinition] = [
        .string(
            "share.auto.offset.reset", "latest", .any,
            "Where a share group begins: latest, earliest or by_duration:TIME."),
        .int("share.heartbeat.interval.ms", 5000, .atLeast(1), "How often members of a share group send heartbeats."),
        .string(
            "share.isolation.level", "read_uncommitted", .oneOf(["read_uncommitted", "read_committed"]),
            "Whether a share group sees records of transactions that are not committed."),
        .int(
            "share.record.lock.duration.ms", 30000, .atLeast(1000), "How long a share group locks a record."),
        .int("share.session.timeout.ms", 45000, .atLeast(1), "How long a member of a share group may be silent."),
        .int(
            "streams.heartbeat.interval.ms", 5000, .atLeast(1), "How often members of a streams group send heartbeats."),
        .int("streams.num.standby.replicas", 0, .atLeast(0), "Standby replicas of a streams task."),
        .int("streams.session.timeout.ms", 45000, .atLeast(1), "How long a member of a streams group may be silent."),
    ]
}
