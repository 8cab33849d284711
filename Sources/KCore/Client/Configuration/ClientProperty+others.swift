extension ClientProperty {
    /// Why a property that Kafka has cannot be set here: to go on without it would be wrong.
    static func refused(_ name: String) -> String? {
        nil
    }

    /// Why a property that Kafka has is of no use here; nil when Kafka does not have it either.
    static func withoutEffect(_ name: String) -> String? {
        if name.hasPrefix("ssl.") || name.hasPrefix("sasl.") { return "security.protocol is PLAINTEXT" }
        if javaOnly.contains(name) { return "it sets up the Java client" }
        if groupMembership.contains(name) { return "it is for another protocol or another client" }
        if tuning.contains(name) { return "there is nothing to tune by it here" }
        return nil
    }

    private static let javaOnly: Set<String> = [
        "key.serializer", "value.serializer", "key.deserializer", "value.deserializer", "interceptor.classes",
        "metric.reporters", "metrics.num.samples", "metrics.recording.level", "metrics.sample.window.ms",
        "auto.include.jmx.reporter", "enable.metrics.push", "config.providers", "security.providers",
        "exclude.internal.topics", "metadata.recovery.strategy", "metadata.recovery.rebootstrap.trigger.ms",
        "partitioner.ignore.keys", "partitioner.adaptive.partitioning.enable", "partitioner.availability.timeout.ms",
        "max.poll.records", "client.dns.lookup", "metadata.max.idle.ms",
        "socket.connection.setup.timeout.max.ms", "bootstrap.controllers",
    ]

    private static let groupMembership: Set<String> = [
        "internal.leave.group.on.close", "enable.auto.offset.store",
    ]

    private static let tuning: Set<String> = [
        "send.buffer.bytes", "receive.buffer.bytes", "socket.send.buffer.bytes", "socket.receive.buffer.bytes",
        "socket.keepalive.enable", "socket.nagle.disable", "socket.max.fails", "broker.address.ttl",
        "broker.address.family", "broker.version.fallback", "api.version.request", "api.version.request.timeout.ms",
        "api.version.fallback.ms", "queue.buffering.max.messages", "queue.buffering.max.kbytes", "batch.num.messages",
        "queued.min.messages", "statistics.interval.ms", "debug", "log_level", "log.connection.close",
        "receive.message.max.bytes", "sticky.partitioning.linger.ms", "topic.metadata.refresh.sparse",
        "topic.metadata.refresh.fast.interval.ms", "topic.metadata.propagation.max.ms", "enable.partition.eof",
        "fetch.error.backoff.ms", "delivery.report.only.error", "queuing.strategy", "request.timeout.max.ms",
        "enable.gapless.guarantee", "topic.blacklist", "enabled_events", "builtin.features",
    ]
}
