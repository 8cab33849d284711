extension IgnoredBrokerConfigs {
    /// Those of groups, offsets and transactions.
    static let coordinators: [ConfigDefinition] = [
        .int(
            "add.partitions.to.txn.retry.backoff.max.ms", 100, .atLeast(0),
            "Longest wait of the server between attempts to add partitions to a transaction."),
        .int(
            "add.partitions.to.txn.retry.backoff.ms", 20, .atLeast(1),
            "Wait of the server between attempts to add partitions to a transaction."),
        .int(
            "group.coordinator.append.linger.ms", 10, .atLeast(0),
            "How long the group coordinator gathers records before it writes them."),
        .list("group.share.assignors", "simple", "Server-side assignors of share groups."),
        .int(
            "group.share.delivery.count.limit", 5, .between(2, 10),
            "How often a record is delivered to a share group at most."),
        .boolean("group.share.enable", false, "Whether share groups are offered."),
        .int(
            "group.share.heartbeat.interval.ms", 5000, .atLeast(1),
            "Heartbeat interval given to members of share groups."),
        .short("group.share.max.groups", 10, .between(1, 100), "Share groups that there may be."),
        .int(
            "group.share.max.heartbeat.interval.ms", 15000, .atLeast(1),
            "Longest heartbeat interval of share groups."),
        .int(
            "group.share.max.record.lock.duration.ms", 60000, .between(30000, 3_600_000),
            "Longest time that a share group may lock a record."),
        .int("group.share.max.session.timeout.ms", 60000, .atLeast(1), "Longest session timeout of share groups."),
        .int("group.share.max.share.sessions", 2000, .atLeast(1), "Share sessions that a broker keeps."),
        .short("group.share.max.size", 200, .between(10, 1000), "Members that a share group may have."),
        .int(
            "group.share.min.heartbeat.interval.ms", 5000, .atLeast(1),
            "Shortest heartbeat interval of share groups."),
        .int(
            "group.share.min.record.lock.duration.ms", 15000, .between(1000, 30000),
            "Shortest time that a share group may lock a record."),
        .int("group.share.min.session.timeout.ms", 45000, .atLeast(1), "Shortest session timeout of share groups."),
        .int(
            "group.share.partition.max.record.locks", 200, .between(100, 10000),
            "Records of a partition that a share group may have locked."),
        .string(
            "group.share.persister.class.name", "org.apache.kafka.server.share.persister.DefaultStatePersister",
            "Class that keeps the state of share groups."),
        .int(
            "group.share.record.lock.duration.ms", 30000, .between(1000, 60000),
            "How long a share group locks a record."),
        .int("group.share.session.timeout.ms", 45000, .atLeast(1), "How long a member of a share group may be silent."),
        .int(
            "group.streams.heartbeat.interval.ms", 5000, .atLeast(1),
            "Heartbeat interval given to members of streams groups."),
        .int(
            "group.streams.max.heartbeat.interval.ms", 15000, .atLeast(1),
            "Longest heartbeat interval of streams groups."),
        .int("group.streams.max.session.timeout.ms", 60000, .atLeast(1), "Longest session timeout of streams groups."),
        .int("group.streams.max.size", 2_147_483_647, .atLeast(1), "Members that a streams group may have."),
        .int("group.streams.max.standby.replicas", 2, .atLeast(0), "Most standby replicas of a streams task."),
        .int(
            "group.streams.min.heartbeat.interval.ms", 5000, .atLeast(1),
            "Shortest heartbeat interval of streams groups."),
        .int("group.streams.min.session.timeout.ms", 45000, .atLeast(1), "Shortest session timeout of streams groups."),
        .int("group.streams.num.standby.replicas", 0, .atLeast(0), "Standby replicas of a streams task."),
        .int(
            "group.streams.session.timeout.ms", 45000, .atLeast(1),
            "How long a member of a streams group may be silent."),
        .short("offsets.commit.required.acks", -1, "Acknowledgements that a commit of offsets waits for."),
        .int("offsets.commit.timeout.ms", 5000, .atLeast(1), "How long a commit of offsets may take."),
        .int(
            "offsets.load.buffer.size", 5_242_880, .atLeast(1),
            "Bytes read at once when committed offsets are loaded."),
        .int("offsets.topic.compression.codec", 0, "Compression of the offsets topic."),
        .int(
            "share.coordinator.append.linger.ms", 5, .atLeast(0),
            "How long the share coordinator gathers records before it writes them."),
        .long(
            "share.coordinator.cold.partition.snapshot.interval.ms", 300_000, .atLeast(1),
            "How often idle share partitions get a snapshot."),
        .int(
            "share.coordinator.load.buffer.size", 5_242_880, .atLeast(1),
            "Bytes read at once when the state of share groups is loaded."),
        .int(
            "share.coordinator.snapshot.update.records.per.snapshot", 500, .atLeast(0),
            "Updates of a share partition between snapshots."),
        .int("share.coordinator.state.topic.compression.codec", 0, "Compression of the share state topic."),
        .short(
            "share.coordinator.state.topic.min.isr", 2, .atLeast(1),
            "In-sync replicas that the share state topic needs."),
        .int("share.coordinator.state.topic.num.partitions", 50, .atLeast(1), "Partitions of the share state topic."),
        .int(
            "share.coordinator.state.topic.prune.interval.ms", 300_000, .atLeast(1),
            "How often old state of share groups is deleted."),
        .short(
            "share.coordinator.state.topic.replication.factor", 3, .atLeast(1),
            "Replicas of the share state topic."),
        .int(
            "share.coordinator.state.topic.segment.bytes", 104_857_600, .atLeast(1),
            "Segment size of the share state topic."),
        .int("share.coordinator.threads", 1, .atLeast(1), "Threads of the share coordinator."),
        .int(
            "share.coordinator.write.timeout.ms", 5000, .atLeast(1),
            "How long a write of the share coordinator may take."),
        .int(
            "share.fetch.purgatory.purge.interval.requests", 1000,
            "Waiting share fetches after which finished ones are cleared."),
        .int(
            "transaction.state.log.load.buffer.size", 5_242_880, .atLeast(1),
            "Bytes read at once when transactions are loaded."),
        .boolean(
            "transaction.two.phase.commit.enable", false,
            "Whether transactions may outlive their timeout for two-phase commit."),
    ]
}
