extension Controller {
    /// Checks what `topic` sets itself, each value and how they go together.
    /// - Throws: INVALID_CONFIG.
    func checkTopicConfigs(
        _ configs: [String: String], of topic: String, _ image: ClusterImage
    ) throws(ApiError) {
        try checkValues(configs, "topic", .topics)
        if TopicName.isInternal(topic), Int64(configs["delivery.delay.ms"]?.trimmedASCII ?? "") ?? 0 > 0 {
            throw ApiError(.invalidConfig, "delivery.delay.ms is not for internal topics: all groups would wait.")
        }
        if configs["remote.storage.enable"]?.trimmedASCII.lowercased() == "true" {
            throw ApiError(
                .invalidConfig,
                "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log "
                    + "storage.")
        }
        guard configs["min.compaction.lag.ms"] != nil || configs["max.compaction.lag.ms"] != nil else { return }
        let resolver = resolver(image)
        func lag(_ name: String) -> Int64? {
            resolver.topicValue(name, topic: configs).flatMap { Int64($0.trimmedASCII) }
        }
        if let least = lag("min.compaction.lag.ms"), let most = lag("max.compaction.lag.ms"), least > most {
            throw ApiError(
                .invalidConfig,
                "conflict topic config setting min.compaction.lag.ms (\(least)) > max.compaction.lag.ms (\(most))")
        }
    }

    /// Checks what is set for a group, each value and how they go together with the broker's limits.
    /// - Throws: INVALID_CONFIG.
    func checkGroupConfigs(_ configs: [String: String]) throws(ApiError) {
        try checkValues(configs, "group", .groups)
        let times = config.consumerGroupTimes.overridden(by: configs)
        if let problem = ConsumerGroupLimits(config).problem(with: times, prefix: "consumer.") {
            throw ApiError(.invalidConfig, problem)
        }
    }

    private func checkValues(_ configs: [String: String], _ kind: String, _ table: ConfigTable) throws(ApiError) {
        for (name, value) in configs.sorted(by: { $0.key < $1.key }) {
            guard let definition = table[name] else {
                var message = "Unknown \(kind) config name: \(name)"
                if let nearest = table.nearest(to: name) { message += ". Did you mean \(nearest)?" }
                throw ApiError(.invalidConfig, message)
            }
            do { try definition.validate(value) } catch { throw ApiError(.invalidConfig, error.message) }
        }
    }

    /// Checks what is set for a broker, or for all, while it runs.
    /// - Throws: INVALID_REQUEST, as Kafka does for brokers.
    func checkBrokerConfigs(
        _ configs: [String: String], of resource: ConfigResource, changing names: Set<String>, _ image: ClusterImage
    ) throws(ApiError) {
        for name in names.sorted() where ConfigTable.brokers[name] == nil {
            var message = "Unknown broker config name: \(name)"
            if let nearest = ConfigTable.brokers.nearest(to: name) { message += ". Did you mean \(nearest)?" }
            throw ApiError(.invalidRequest, message)
        }
        let fixed = names.filter { !(ConfigTable.brokers[$0]?.isDynamic ?? false) }
        if !fixed.isEmpty {
            throw ApiError(
                .invalidRequest,
                "Cannot update these configs dynamically: Set(\(fixed.sorted().joined(separator: ", ")))")
        }
        for (name, value) in configs.sorted(by: { $0.key < $1.key }) {
            do { try ConfigTable.brokers[name]?.validate(value) } catch {
                throw ApiError(.invalidRequest, error.message)
            }
        }
        for name in ["log.cleaner.threads", "num.recovery.threads.per.data.dir"] {
            try checkThreads(name, configs, of: resource, image)
        }
    }

    /// From one change to the next there are at least half as many and at most twice as many, as in Kafka: a number with a
    /// digit too many does no harm. So it is when a value is taken back, and another one counts.
    private func checkThreads(
        _ name: String, _ configs: [String: String], of resource: ConfigResource, _ image: ClusterImage
    ) throws(ApiError) {
        var before = resolver(image)
        if !resource.name.isEmpty { before.dynamicBroker = image.configs(of: resource) }
        var after = before
        if resource.name.isEmpty { after.dynamicDefault = configs } else { after.dynamicBroker = configs }
        func threads(_ resolver: ConfigResolver) -> Int64? {
            resolver.brokerValue(name).flatMap { Int64($0.trimmedASCII) }
        }
        guard let present = threads(before), let wanted = threads(after), wanted != present else { return }
        if wanted < 1 { throw ApiError(.invalidRequest, "\(name) should be at least 1.") }
        guard wanted >= present / 2, wanted <= max(present, 1) * 2 else {
            throw ApiError(
                .invalidRequest,
                "\(name) is \(present) and can be changed to half of that or twice of that at a time, not to \(wanted)."
            )
        }
    }

    /// Finds out what a resource of a request is.
    /// - Throws: INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION, BROKER_ID_NOT_REGISTERED, INVALID_TOPIC_EXCEPTION.
    func checkResource(_ resource: ConfigResource, _ image: ClusterImage) throws(ApiError) {
        switch resource.type {
        case .topic:
            if let problem = TopicName.problem(with: resource.name) { throw ApiError(.invalidTopicException, problem) }
            guard image.topic(resource.name) != nil else {
                throw ApiError(.unknownTopicOrPartition, "The topic '\(resource.name)' does not exist.")
            }
        case .broker:
            if resource.name.isEmpty { return }
            guard let id = Int32(resource.name) else {
                throw ApiError(.invalidRequest, "Unable to parse broker name as a base 10 number.")
            }
            if id < 0 { throw ApiError(.invalidRequest, "Invalid negative broker ID.") }
            guard image.brokers[id] != nil else {
                throw ApiError(.brokerIdNotRegistered, "No broker with id \(id) found.")
            }
        case .group:
            // It need not be there.
            if resource.name.isEmpty { throw ApiError(.invalidRequest, "Default group resources are not allowed.") }
        default:
            throw ApiError(.invalidRequest, "Unexpected resource type \(resource.type.name).")
        }
    }
}

extension ConfigResourceType {
    /// Kafka's name of the type.
    var name: String {
        switch self {
        case .topic: "TOPIC"
        case .broker: "BROKER"
        case .brokerLogger: "BROKER_LOGGER"
        case .clientMetrics: "CLIENT_METRICS"
        case .group: "GROUP"
        default: "UNKNOWN"
        }
    }
}
