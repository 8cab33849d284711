/// The configurations of topics, of Kafka 3.9 and 4.x.
enum TopicConfigs {
    static let compressionTypes = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]
    static let cleanupPolicies = ["compact", "delete"]
    static let timestampTypes = ["CreateTime", "LogAppendTime"]

    private static let minute: Int64 = 60_000
    private static let hour: Int64 = 3_600_000

    static var all: [ConfigDefinition] { (storage + time + ours + remote.map { $0.ignored }).map { $0.dynamic } }

    private static let storage: [ConfigDefinition] = [
        .list(
            "cleanup.policy", "delete", .listOf(cleanupPolicies),
            "What becomes of old segments: delete removes them, compact keeps the last record of every key."
        ).from(.init("log.cleanup.policy")),
        .int("compression.gzip.level", -1, .betweenOr(1, 9, or: -1), "Level when the broker compresses with gzip.")
            .from(.init("compression.gzip.level")).ignored,
        .int("compression.lz4.level", 9, .between(1, 17), "Level when the broker compresses with lz4.")
            .from(.init("compression.lz4.level")).ignored,
        .int("compression.zstd.level", 3, .between(-131072, 22), "Level when the broker compresses with zstd.")
            .from(.init("compression.zstd.level")).ignored,
        .string(
            "compression.type", "producer", .oneOf(compressionTypes),
            "How batches are compressed in the log; producer keeps them as they came."
        ).from(.init("compression.type")),
        .long("flush.messages", .max, .atLeast(1), "Records after which the log is flushed to stable storage.")
            .from(.init("log.flush.interval.messages")),
        .int("index.interval.bytes", 4096, .atLeast(0), "Bytes of log between two entries of the offset index.")
            .from(.init("log.index.interval.bytes")),
        .int("max.message.bytes", 1_048_588, .atLeast(0), "The largest record batch, compressed, that is accepted.")
            .from(.init("message.max.bytes")),
        .double(
            "min.cleanable.dirty.ratio", 0.5, .fraction, "Share of uncleaned log from which compaction is worth it."
        )
        .from(.init("log.cleaner.min.cleanable.ratio")),
        .int("min.insync.replicas", 1, .atLeast(1), "In-sync replicas without which a write with acks=all is refused.")
            .from(.init("min.insync.replicas")),
        .boolean("preallocate", false, "Whether the room for a segment is reserved when it begins.")
            .from(.init("log.preallocate")),
        .long(
            "retention.bytes", -1, .any,
            "Size of a partition above which its oldest segments are deleted; -1 for no limit."
        ).from(.init("log.retention.bytes")),
        .int("segment.bytes", 1_073_741_824, .atLeast(14), "Size at which a new segment begins.")
            .from(.init("log.segment.bytes")),
        .int("segment.index.bytes", 10_485_760, .atLeast(4), "Largest size of a segment's offset index.")
            .from(.init("log.index.size.max.bytes")),
        .boolean(
            "unclean.leader.election.enable", false,
            "Whether a replica that is not in sync may become leader, losing records, when there is no other."
        ).from(.init("unclean.leader.election.enable")),
        .boolean("message.downconversion.enable", true, "Whether records are converted for clients of older formats.")
            .from(.init("log.message.downconversion.enable")),
        .string("message.format.version", "3.0-IV1", "Older message format; no longer has a meaning.").ignored,
        .list(
            "leader.replication.throttled.replicas", "", .throttledReplicas,
            "Replicas whose leaders hold back replication; * for all."
        ).ignored,
        .list(
            "follower.replication.throttled.replicas", "", .throttledReplicas,
            "Replicas whose followers hold back replication; * for all."
        ).ignored,
    ]

    /// What Kafka does not have.
    private static let ours: [ConfigDefinition] = [
        .boolean(
            "compressed.records.check.enable", false,
            "Of kbroker, not of Kafka: whether compressed batches are decoded when they are appended."
        ).from(.init("log.compressed.records.check.enable")),
        .long(
            "delivery.delay.ms", 0, .atLeast(0),
            "Of kbroker, not of Kafka: how old a record must be before consumers see it; 0 for at once."),
    ]

    private static let time: [ConfigDefinition] = [
        .long(
            "delete.retention.ms", 86_400_000, .atLeast(0), "How long compaction keeps the tombstones of deleted keys."
        )
        .from(.init("log.cleaner.delete.retention.ms")),
        .long("file.delete.delay.ms", 60_000, .atLeast(0), "How long the files of a deleted segment stay on disk.")
            .from(.init("log.segment.delete.delay.ms")),
        .long("flush.ms", .max, .atLeast(0), "Time after which records are flushed to stable storage.")
            .from(.init("log.flush.interval.ms"), .init("log.flush.scheduler.interval.ms")),
        .long("max.compaction.lag.ms", .max, .atLeast(1), "Longest time that a record stays without being compacted.")
            .from(.init("log.cleaner.max.compaction.lag.ms")),
        .long("min.compaction.lag.ms", 0, .atLeast(0), "Shortest time that a record stays before it may be compacted.")
            .from(.init("log.cleaner.min.compaction.lag.ms")),
        .string(
            "message.timestamp.type", "CreateTime", .oneOf(timestampTypes),
            "Whether a record keeps its producer's timestamp or gets the time of its append."
        ).from(.init("log.message.timestamp.type")),
        .long(
            "message.timestamp.before.max.ms", .max, .atLeast(0),
            "How far a record's timestamp may lie behind the broker's clock."
        ).from(.init("log.message.timestamp.before.max.ms")),
        .long(
            "message.timestamp.after.max.ms", .max, .atLeast(0),
            "How far a record's timestamp may lie ahead of the broker's clock."
        ).from(.init("log.message.timestamp.after.max.ms")),
        .long(
            "message.timestamp.difference.max.ms", .max, .atLeast(0),
            "Older limit of the difference between a record's time and the broker's."
        ).from(.init("log.message.timestamp.difference.max.ms")).ignored,
        .long("retention.ms", 604_800_000, .atLeast(-1), "Age at which segments are deleted; -1 for no limit.")
            .from(
                .init("log.retention.ms"), .init("log.retention.minutes", times: minute),
                .init("log.retention.hours", times: hour)),
        .long("segment.ms", 604_800_000, .atLeast(1), "Age at which a new segment begins even if there is room.")
            .from(.init("log.roll.ms"), .init("log.roll.hours", times: hour)),
        .long("segment.jitter.ms", 0, .atLeast(0), "Largest random time taken from segment.ms.")
            .from(.init("log.roll.jitter.ms"), .init("log.roll.jitter.hours", times: hour)),
    ]

    private static let remote: [ConfigDefinition] = [
        .boolean("remote.storage.enable", false, "Whether segments are also kept in remote storage."),
        .boolean("remote.log.copy.disable", false, "Whether segments are no longer copied to remote storage."),
        .boolean(
            "remote.log.delete.on.disable", false, "Whether remote segments go when remote storage is turned off."),
        .long(
            "local.retention.bytes", -2, .atLeast(-2),
            "Bytes kept locally of a topic with remote storage; -2 for retention.bytes."
        ).from(.init("log.local.retention.bytes")),
        .long(
            "local.retention.ms", -2, .atLeast(-2),
            "How long a topic with remote storage keeps segments locally; -2 for retention.ms."
        ).from(.init("log.local.retention.ms")),
    ]
}
