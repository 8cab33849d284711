extension LogConfig {
    /// The settings of a topic's logs.
    /// - Parameters:
    ///   - topic: what the topic sets itself.
    ///   - resolver: what brokers say about topics that say nothing.
    init(topic: [String: String], _ resolver: ConfigResolver) {
        self.init()
        func text(_ name: String) -> String { resolver.topicValue(name, topic: topic)?.trimmedASCII ?? "" }
        // Values were checked when they were set. One that an older log has all the same leaves the default.
        func set(_ name: String, _ keyPath: WritableKeyPath<LogConfig, Int64>) {
            if let value = Int64(text(name)) { self[keyPath: keyPath] = value }
        }
        func set(_ name: String, _ keyPath: WritableKeyPath<LogConfig, Int>) {
            if let value = Int(text(name)) { self[keyPath: keyPath] = value }
        }
        set("segment.bytes", \.segmentBytes)
        set("segment.ms", \.segmentMs)
        set("segment.jitter.ms", \.segmentJitterMs)
        set("segment.index.bytes", \.segmentIndexBytes)
        set("index.interval.bytes", \.indexIntervalBytes)
        set("retention.ms", \.retentionMs)
        set("retention.bytes", \.retentionBytes)
        set("max.message.bytes", \.maxMessageBytes)
        set("message.timestamp.before.max.ms", \.messageTimestampBeforeMaxMs)
        set("message.timestamp.after.max.ms", \.messageTimestampAfterMaxMs)
        set("flush.messages", \.flushMessages)
        set("flush.ms", \.flushMs)
        set("file.delete.delay.ms", \.fileDeleteDelayMs)
        set("delete.retention.ms", \.deleteRetentionMs)
        set("min.compaction.lag.ms", \.minCompactionLagMs)
        set("max.compaction.lag.ms", \.maxCompactionLagMs)
        set("delivery.delay.ms", \.deliveryDelayMs)
        if let value = Int32(text("min.insync.replicas")) { minInSyncReplicas = value }
        if let value = Double(text("min.cleanable.dirty.ratio")) { minCleanableDirtyRatio = value }
        checksCompressedRecords = text("compressed.records.check.enable").lowercased() == "true"
        convertsForOldClients = text("message.downconversion.enable").lowercased() != "false"
        preallocate = text("preallocate").lowercased() == "true"
        messageTimestampType = text("message.timestamp.type") == "LogAppendTime" ? .logAppendTime : .createTime
        let policies = text("cleanup.policy").listElements
        cleanupPolicy = []
        if policies.contains("delete") { cleanupPolicy.insert(.delete) }
        if policies.contains("compact") { cleanupPolicy.insert(.compact) }
        switch text("compression.type") {
        case "producer": compression = .producer
        case "uncompressed": compression = .codec(.none)
        case let name: compression = CompressionCodec(name: name).map { .codec($0) } ?? .producer
        }
    }

    /// The settings of the logs of `topic` on the node whose settings `broker` has.
    init(topic: String, broker: BrokerConfig, nodeId: Int32, image: ClusterImage) {
        self.init(
            topic: image.configs(of: .topic(topic)), ConfigResolver(broker: broker, nodeId: nodeId, image: image))
        // Groups and transactions would stand still that long with each step.
        if TopicName.isInternal(topic) { deliveryDelayMs = 0 }
    }
}
