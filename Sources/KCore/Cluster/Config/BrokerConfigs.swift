/// The configurations of brokers. Those written here have an effect; ``IgnoredBrokerConfigs`` has the others.
enum BrokerConfigs {
    static let protocols = "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL"

    static var all: [ConfigDefinition] {
        broker + network + coordinators + transactions + log + cleaner + logDefaults.map { $0.dynamic }
            + logDefaultsInHours
            + IgnoredBrokerConfigs.all
    }

    private static let broker: [ConfigDefinition] = [
        .boolean("auto.create.topics.enable", true, "Whether a topic that a client asks for is created."),
        .int("background.threads", 10, .atLeast(1), "Threads that flush, delete and check logs.").ignored,
        .string("broker.rack", nil, "The rack or zone that the broker stands in."),
        .int("broker.id", -1, "Older name of node.id."),
        .int("default.replication.factor", 1, "Replicas of a topic that is created without a number."),
        .boolean("delete.topic.enable", true, "Whether topics can be deleted."),
        .int("fetch.max.bytes", 57_671_680, .atLeast(1024), "The most that a fetch is answered with."),
        .int(
            "max.incremental.fetch.session.cache.slots", 1000, .atLeast(0),
            "Fetch sessions that a broker keeps for its clients."),
        .string("metadata.log.dir", nil, "The directory of the metadata log; the first of log.dirs without it."),
        .long(
            "metadata.log.max.record.bytes.between.snapshots", 20_971_520, .atLeast(1),
            "Bytes of metadata log after which a snapshot takes their place."),
        .long(
            "metadata.log.max.snapshot.interval.ms", 3_600_000, .atLeast(0),
            "Longest time between snapshots of the metadata log."),
        .int(
            "metadata.log.segment.bytes", 1_073_741_824, .atLeast(12),
            "Size at which the metadata log begins a new segment."),
        .long("metadata.max.retention.bytes", 104_857_600, "Bytes of old metadata that are kept."),
        .long("metadata.max.retention.ms", 604_800_000, "Age of old metadata that is kept."),
        .int("node.id", -1, "The number of this node, unlike that of any other in the cluster.")
            .from(.init("broker.id")),
        .int("num.partitions", 1, .atLeast(1), "Partitions of a topic that is created without a number."),
        .int(
            "producer.id.expiration.check.interval.ms", 600_000, .atLeast(1),
            "How often idle producers are looked for."),
        .int("producer.id.expiration.ms", 86_400_000, .atLeast(1), "How long the state of an idle producer is kept."),
    ]

    private static let network: [ConfigDefinition] = [
        .string("listeners", "PLAINTEXT://:9092", "Where the broker listens, as NAME://HOST:PORT, comma-separated."),
        .string("advertised.listeners", nil, "Where clients are sent to; the listeners themselves without it."),
        .string("listener.security.protocol.map", protocols, "The security protocol of every listener name."),
        .long("connections.max.idle.ms", 600_000, "Time after which an idle connection is closed."),
        .int("max.connections", .max, .atLeast(0), "Connections of all clients together."),
        .int("max.connections.per.ip", .max, .atLeast(0), "Connections of one address."),
        .int("num.io.threads", 8, .atLeast(1), "Threads for work that may wait for a disk."),
        .int("num.network.threads", 3, .atLeast(1), "Event loops: threads that serve connections."),
        .int("queued.max.requests", 500, .atLeast(1), "Requests that may wait before no more are read.").ignored,
        .int("socket.listen.backlog.size", 50, .atLeast(1), "Connections that may wait to be accepted."),
        .int("socket.receive.buffer.bytes", 102_400, "Receive buffer of a connection; -1 for the system's."),
        .int("socket.request.max.bytes", 104_857_600, .atLeast(1), "The largest request that is read."),
        .int("socket.send.buffer.bytes", 102_400, "Send buffer of a connection; -1 for the system's."),
    ]

    private static let log: [ConfigDefinition] = [
        .string("log.dir", "/tmp/kafka-logs", "The directory for logs, where log.dirs is not set."),
        .string("log.dirs", nil, "The directories for logs, comma-separated.").from(.init("log.dir")),
        .int(
            "log.flush.offset.checkpoint.interval.ms", 60_000, .atLeast(0),
            "How often recovery points are written to their checkpoint file."),
        .long("log.flush.scheduler.interval.ms", .max, "How often logs are looked at for a flush."),
        .long(
            "log.retention.check.interval.ms", 300_000, .atLeast(1), "How often logs are looked at for old segments."),
        .int(
            "num.recovery.threads.per.data.dir", 1, .atLeast(1), "Threads for each directory that open logs at start."
        ).dynamic,
        .long(
            "replica.high.watermark.checkpoint.interval.ms", 5000, .atLeast(1),
            "How often high watermarks are written to their checkpoint file."),
    ]

    private static let cleaner: [ConfigDefinition] = [
        .long(
            "log.cleaner.backoff.ms", 15000, .atLeast(0),
            "How long the cleaner sleeps when there is nothing to clean."
        ).dynamic,
        .long(
            "log.cleaner.dedupe.buffer.size", 134_217_728, .atLeast(1_048_576),
            "Memory for the cleaner's key maps, of all its threads."
        ).dynamic,
        .boolean("log.cleaner.enable", true, "Whether compacted logs are compacted."),
        .double(
            "log.cleaner.io.buffer.load.factor", 0.9, .fraction,
            "How full the cleaner's key maps may get."
        ).dynamic,
        .int(
            "log.cleaner.io.buffer.size", 524_288, .atLeast(0),
            "Memory for the cleaner's reads and writes, of all its threads."
        ).dynamic,
        .double(
            "log.cleaner.io.max.bytes.per.second", .greatestFiniteMagnitude,
            "Limit of the cleaner's reads and writes together."
        ).dynamic,
        .int("log.cleaner.threads", 1, .atLeast(0), "Threads that compact logs.").dynamic,
    ]

    /// What topics have unless they say otherwise.
    private static let logDefaults: [ConfigDefinition] = [
        .boolean(
            "log.compressed.records.check.enable", false,
            "Whether compressed batches are decoded when they are appended; only this broker has it."),
        .int("compression.gzip.level", -1, .betweenOr(1, 9, or: -1), "Level when the broker compresses with gzip.")
            .ignored,
        .int("compression.lz4.level", 9, .between(1, 17), "Level when the broker compresses with lz4.").ignored,
        .string(
            "compression.type", "producer", .oneOf(TopicConfigs.compressionTypes),
            "How batches are compressed in logs; producer keeps them as they came."),
        .int("compression.zstd.level", 3, .between(-131072, 22), "Level when the broker compresses with zstd.").ignored,
        .long("log.cleaner.delete.retention.ms", 86_400_000, .atLeast(0), "How long compaction keeps tombstones."),
        .long("log.cleaner.max.compaction.lag.ms", .max, .atLeast(1), "Longest time without being compacted."),
        .double("log.cleaner.min.cleanable.ratio", 0.5, .fraction, "Share of uncleaned log that compaction waits for."),
        .long("log.cleaner.min.compaction.lag.ms", 0, .atLeast(0), "Shortest time before a record is compacted."),
        .list(
            "log.cleanup.policy", "delete", .listOf(TopicConfigs.cleanupPolicies),
            "What becomes of old segments: delete, compact or both."),
        .long("log.flush.interval.messages", .max, .atLeast(1), "Records after which a log is flushed."),
        .long(
            "log.flush.interval.ms", nil,
            "Time after which records are flushed; log.flush.scheduler.interval.ms without it."
        )
        .from(.init("log.flush.scheduler.interval.ms")),
        .int("log.index.interval.bytes", 4096, .atLeast(0), "Bytes of log between two entries of the offset index."),
        .int("log.index.size.max.bytes", 10_485_760, .atLeast(4), "Largest size of a segment's offset index."),
        .boolean("log.message.downconversion.enable", true, "Whether records are converted for older clients."),
        .long("log.message.timestamp.after.max.ms", .max, .atLeast(0), "How far timestamps may lie ahead."),
        .long("log.message.timestamp.before.max.ms", .max, .atLeast(0), "How far timestamps may lie behind."),
        .string(
            "log.message.timestamp.type", "CreateTime", .oneOf(TopicConfigs.timestampTypes),
            "Whether records keep their producer's timestamp or get the time of their append."),
        .boolean("log.preallocate", false, "Whether the room for a segment is reserved when it begins."),
        .long("log.retention.bytes", -1, "Size of a partition above which old segments are deleted; -1 for no limit."),
        .long(
            "log.retention.ms", nil, .positiveOrNever,
            "Age at which segments are deleted; log.retention.minutes without it."
        ).from(.init("log.retention.minutes", times: 60_000), .init("log.retention.hours", times: 3_600_000)),
        .long("log.roll.ms", nil, .atLeast(1), "Age at which a new segment begins; log.roll.hours without it.")
            .from(.init("log.roll.hours", times: 3_600_000)),
        .long("log.roll.jitter.ms", nil, .atLeast(0), "Largest random time taken from log.roll.ms.")
            .from(.init("log.roll.jitter.hours", times: 3_600_000)),
        .int("log.segment.bytes", 1_073_741_824, .atLeast(14), "Size at which a new segment begins."),
        .long("log.segment.delete.delay.ms", 60_000, .atLeast(0), "How long files of deleted segments stay on disk."),
        .int("message.max.bytes", 1_048_588, .atLeast(0), "The largest record batch, compressed, that is accepted."),
        .int("min.insync.replicas", 1, .atLeast(1), "In-sync replicas without which acks=all is refused."),
        .boolean("unclean.leader.election.enable", false, "Whether a replica that is not in sync may become leader."),
    ]

    /// Those with coarser units, which only a file sets.
    private static let logDefaultsInHours: [ConfigDefinition] = [
        .int("log.retention.hours", 168, .positiveOrNever, "Age in hours at which segments are deleted."),
        .int(
            "log.retention.minutes", nil, .positiveOrNever,
            "Age in minutes at which segments are deleted; log.retention.hours without it."),
        .int("log.roll.hours", 168, .atLeast(1), "Age in hours at which a new segment begins."),
        .int("log.roll.jitter.hours", 0, .atLeast(0), "Largest random time in hours taken from log.roll.hours."),
    ]
}
