extension IgnoredBrokerConfigs {
    /// Those that fit nowhere else.
    static let other: [ConfigDefinition] = [
        .boolean("auto.include.jmx.reporter", true, "Whether metrics are always offered over JMX."),
        .`class`("client.quota.callback.class", nil, "Class that decides client quotas."),
        .int(
            "delete.records.purgatory.purge.interval.requests", 1,
            "Waiting DeleteRecords requests after which finished ones are cleared."),
        .int("fetch.purgatory.purge.interval.requests", 1000, "Waiting fetches after which finished ones are cleared."),
        .int("kafka.metrics.polling.interval.secs", 10, .atLeast(1), "How often reporters poll metrics."),
        .list("kafka.metrics.reporters", "", "Reporter classes of the older metrics library."),
        .int("max.connection.creation.rate", 2_147_483_647, .atLeast(0), "New connections a second."),
        .string("max.connections.per.ip.overrides", "", "Connection limits of single addresses, as address:count."),
        .int(
            "max.request.partition.size.limit", 2000, .atLeast(1),
            "Partitions that one DescribeTopicPartitions request may ask for."),
        .list("metric.reporters", "", "Reporter classes of the metrics."),
        .int("metrics.num.samples", 2, .atLeast(1), "Samples kept for a metric."),
        .string("metrics.recording.level", "INFO", "Which metrics are recorded."),
        .long("metrics.sample.window.ms", 30000, .atLeast(1), "Length of a metric's sample."),
        .int(
            "producer.purgatory.purge.interval.requests", 1000,
            "Waiting produce requests after which finished ones are cleared."),
        .long(
            "queued.max.request.bytes", -1,
            "Bytes of waiting requests after which no more are read; -1 for no limit."),
        .int("quota.window.num", 11, .atLeast(1), "Samples kept for client quotas."),
        .int("quota.window.size.seconds", 1, .atLeast(1), "Length of a sample for client quotas."),
        .int("request.timeout.ms", 30000, "How long a request of the broker to another may take."),
        .long(
            "socket.connection.setup.timeout.max.ms", 30000,
            "Longest time for a connection to be set up, after failures."),
        .long("socket.connection.setup.timeout.ms", 10000, "Time for a connection to be set up."),
        .int("telemetry.max.bytes", 1_048_576, .atLeast(1), "Bytes of metrics that a client may push at once."),
    ]
}
