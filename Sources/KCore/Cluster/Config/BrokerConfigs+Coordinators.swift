extension BrokerConfigs {
    private static let assignorClasses = ["UniformAssignor", "RangeAssignor"].map {
        "org.apache.kafka.coordinator.group.assignor.\($0)"
    }

    /// Those of groups and their offsets.
    static let coordinators: [ConfigDefinition] = [
        .list(
            "group.consumer.assignors", assignorClasses.joined(separator: ","),
            .listOf(["uniform", "range"] + assignorClasses),
            "Server-side assignors of consumer groups, the first is the default."),
        .int(
            "group.consumer.heartbeat.interval.ms", 5000, .atLeast(1),
            "Heartbeat interval given to members of consumer groups."),
        .int(
            "group.consumer.max.heartbeat.interval.ms", 15000, .atLeast(1),
            "Longest heartbeat interval that a consumer group may have."),
        .int(
            "group.consumer.max.session.timeout.ms", 60000, .atLeast(1),
            "Longest session timeout that a consumer group may have."),
        .int("group.consumer.max.size", 2_147_483_647, .atLeast(1), "Members that a consumer group may have."),
        .string(
            "group.consumer.migration.policy",
            "bidirectional", .oneOf(["disabled", "downgrade", "upgrade", "bidirectional"]),
            "How groups with members change between the classic and the consumer protocol."),
        .int(
            "group.consumer.min.heartbeat.interval.ms", 5000, .atLeast(1),
            "Shortest heartbeat interval that a consumer group may have."),
        .int(
            "group.consumer.min.session.timeout.ms", 45000, .atLeast(1),
            "Shortest session timeout that a consumer group may have."),
        .int(
            "group.consumer.regex.refresh.interval.ms", 600_000, .atLeast(10000),
            "How often patterns of subscriptions are evaluated again at least, without a reason."),
        .int(
            "group.consumer.session.timeout.ms", 45000, .atLeast(1),
            "How long a member of a consumer group may be silent."),
        .list(
            "group.coordinator.rebalance.protocols", "classic,consumer",
            .listOf(["classic", "consumer", "share", "streams", "unknown"]),
            "Protocols of groups that are offered: classic always, consumer when it is named."),
        .int("group.coordinator.threads", 1, .atLeast(1), "Threads of the group coordinator."),
        .int(
            "group.initial.rebalance.delay.ms", 3000,
            "How long the first rebalance of an empty group waits for more members."),
        .int(
            "group.max.session.timeout.ms", 1_800_000,
            "Longest session timeout that a member of a classic group may ask for."),
        .int("group.max.size", 2_147_483_647, .atLeast(1), "Members that a classic group may have."),
        .int(
            "group.min.session.timeout.ms", 6000,
            "Shortest session timeout that a member of a classic group may ask for."),
        .int("offset.metadata.max.bytes", 4096, "Bytes of metadata that a committed offset may carry."),
        .long("offsets.retention.check.interval.ms", 600_000, .atLeast(1), "How often expired offsets are looked for."),
        .int("offsets.retention.minutes", 10080, .atLeast(1), "How long an empty group's offsets are kept."),
        .int("offsets.topic.num.partitions", 50, .atLeast(1), "Partitions of the offsets topic."),
        .short("offsets.topic.replication.factor", 3, .atLeast(1), "Replicas of the offsets topic."),
        .int("offsets.topic.segment.bytes", 104_857_600, .atLeast(1), "Segment size of the offsets topic."),
    ]
}
