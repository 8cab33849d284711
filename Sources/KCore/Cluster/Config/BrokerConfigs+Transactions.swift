extension BrokerConfigs {
    /// Those of transactions.
    static let transactions: [ConfigDefinition] = [
        .int(
            "transaction.abort.timed.out.transaction.cleanup.interval.ms", 10000, .atLeast(1),
            "How often timed out transactions are aborted."),
        .int(
            "transaction.max.timeout.ms", 900_000, .atLeast(1),
            "Longest transaction timeout that a producer may ask for."),
        .boolean(
            "transaction.partition.verification.enable", true,
            "Whether a write to a transaction is checked with the coordinator."),
        .int(
            "transaction.remove.expired.transaction.cleanup.interval.ms", 3_600_000, .atLeast(1),
            "How often expired transactional ids are removed."),
        .int("transaction.state.log.min.isr", 2, .atLeast(1), "In-sync replicas that the transaction topic needs."),
        .int("transaction.state.log.num.partitions", 50, .atLeast(1), "Partitions of the transaction topic."),
        .short("transaction.state.log.replication.factor", 3, .atLeast(1), "Replicas of the transaction topic."),
        .int("transaction.state.log.segment.bytes", 104_857_600, .atLeast(1), "Segment size of the transaction topic."),
        .int("transactional.id.expiration.ms", 604_800_000, .atLeast(1), "How long an idle transactional id is kept."),
    ]
}
