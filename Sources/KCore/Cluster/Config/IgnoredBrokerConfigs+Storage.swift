extension IgnoredBrokerConfigs {
    /// Those of remote storage and of replication.
    static let storage: [ConfigDefinition] = [
        .int(
            "alter.log.dirs.replication.quota.window.num", 11, .atLeast(1),
            "Samples kept for the quota of moves between log directories."),
        .int(
            "alter.log.dirs.replication.quota.window.size.seconds", 1, .atLeast(1),
            "Length of a sample for the quota of moves between log directories."),
        .long(
            "log.dir.failure.timeout.ms", 30000, .atLeast(1),
            "How long a broker may be unable to report a failed directory before it stops."),
        .int(
            "log.flush.start.offset.checkpoint.interval.ms", 60000, .atLeast(0),
            "How often log start offsets are written to their checkpoint file."),
        .long("log.initial.task.delay.ms", 30000, .atLeast(0), "How long background work on logs waits after start."),
        .long(
            "log.local.retention.bytes", -2, .atLeast(-2),
            "Bytes kept locally of a topic with remote storage; -2 for the retention size."),
        .long(
            "log.local.retention.ms", -2, .atLeast(-2),
            "How long a topic with remote storage keeps segments locally; -2 for the retention time."),
        .string("log.message.format.version", "3.0-IV1", "Older message format; no longer has a meaning."),
        .long(
            "log.message.timestamp.difference.max.ms", .max, .atLeast(0),
            "Older limit of the difference between a record's time and the broker's."),
        .int("num.replica.alter.log.dirs.threads", nil, "Threads that move replicas between log directories."),
        .int("num.replica.fetchers", 1, "Threads that fetch from each other broker."),
        .int("remote.fetch.max.wait.ms", 500, .atLeast(1), "How long a fetch waits for remote storage."),
        .long(
            "remote.list.offsets.request.timeout.ms", 30000, .atLeast(1),
            "How long a look-up of offsets in remote storage may take."),
        .long(
            "remote.log.index.file.cache.total.size.bytes", 1_073_741_824, .atLeast(1),
            "Space for indexes of remote segments."),
        .int("remote.log.manager.copier.thread.pool.size", -1, "Threads that copy segments to remote storage."),
        .long("remote.log.manager.copy.max.bytes.per.second", .max, .atLeast(1), "Limit of copies to remote storage."),
        .int(
            "remote.log.manager.copy.quota.window.num", 11, .atLeast(1),
            "Samples kept for the limit of copies to remote storage."),
        .int(
            "remote.log.manager.copy.quota.window.size.seconds", 1, .atLeast(1),
            "Length of a sample for the limit of copies to remote storage."),
        .int("remote.log.manager.expiration.thread.pool.size", -1, "Threads that delete expired remote segments."),
        .long(
            "remote.log.manager.fetch.max.bytes.per.second", .max, .atLeast(1),
            "Limit of reads from remote storage."),
        .int(
            "remote.log.manager.fetch.quota.window.num", 11, .atLeast(1),
            "Samples kept for the limit of reads from remote storage."),
        .int(
            "remote.log.manager.fetch.quota.window.size.seconds", 1, .atLeast(1),
            "Length of a sample for the limit of reads from remote storage."),
        .int("remote.log.manager.follower.thread.pool.size", -1, "Threads that follow remote storage."),
        .long("remote.log.manager.task.interval.ms", 30000, .atLeast(1), "How often the work of remote storage runs."),
        .int("remote.log.manager.thread.pool.size", 10, .atLeast(1), "Threads of remote storage."),
        .int(
            "remote.log.metadata.custom.metadata.max.bytes", 128, .atLeast(0),
            "Bytes that a remote storage plugin may add to a segment's metadata."),
        .string(
            "remote.log.metadata.manager.class.name",
            "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
            "Class that keeps the metadata of remote segments."),
        .string(
            "remote.log.metadata.manager.class.path", nil,
            "Where the class for the metadata of remote segments is loaded from."),
        .string(
            "remote.log.metadata.manager.impl.prefix", "rlmm.config.",
            "Prefix of settings for the metadata of remote segments."),
        .string(
            "remote.log.metadata.manager.listener.name", nil,
            "Listener that the metadata of remote segments goes through."),
        .int("remote.log.reader.max.pending.tasks", 100, .atLeast(1), "Reads from remote storage that may wait."),
        .int("remote.log.reader.threads", 10, .atLeast(1), "Threads that read from remote storage."),
        .string("remote.log.storage.manager.class.name", nil, "Class that keeps remote segments."),
        .string(
            "remote.log.storage.manager.class.path", nil,
            "Where the class that keeps remote segments is loaded from."),
        .string(
            "remote.log.storage.manager.impl.prefix", "rsm.config.",
            "Prefix of settings for the class that keeps remote segments."),
        .boolean("remote.log.storage.system.enable", false, "Whether there is remote storage."),
        .int("replica.fetch.backoff.ms", 1000, .atLeast(0), "How long a follower waits after a fetch that failed."),
        .int("replica.fetch.max.bytes", 1_048_576, .atLeast(0), "Bytes that a follower asks for of each partition."),
        .int("replica.fetch.min.bytes", 1, "Bytes that a follower's fetch waits for."),
        .int("replica.fetch.response.max.bytes", 10_485_760, .atLeast(0), "Bytes that a follower asks for in all."),
        .int("replica.fetch.wait.max.ms", 500, "How long a follower's fetch waits."),
        .long(
            "replica.lag.time.max.ms", 30000,
            "How long a follower may lag behind before it leaves the in-sync replicas."),
        .string("replica.selector.class", nil, "Class that picks the replica that a consumer reads from."),
        .int("replica.socket.receive.buffer.bytes", 65536, "Receive buffer of a follower's connection."),
        .int("replica.socket.timeout.ms", 30000, "Socket timeout of a follower's connection."),
        .int("replication.quota.window.num", 11, .atLeast(1), "Samples kept for replication quotas."),
        .int("replication.quota.window.size.seconds", 1, .atLeast(1), "Length of a sample for replication quotas."),
    ]
}
