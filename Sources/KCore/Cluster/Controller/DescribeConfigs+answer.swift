extension DescribeConfigsRequest {
    typealias Entry = DescribeConfigsResponse.DescribeConfigsResourceResult

    /// The answer of the broker `nodeId`. It changes nothing, so that any thread can ask with an image of its own.
    func answer(config: BrokerConfig, nodeId: Int32, image: ClusterImage) -> DescribeConfigsResponse {
        let resolver = ConfigResolver(broker: config, nodeId: nodeId, image: image)
        var response = DescribeConfigsResponse()
        // Each once: a resource is answered with much more than it takes to ask for it.
        var answered: Set<ConfigResource> = []
        for resource in resources
        where answered.insert(ConfigResource(type: resource.resourceType, name: resource.resourceName)).inserted {
            var result = DescribeConfigsResponse.DescribeConfigsResult()
            result.resourceType = resource.resourceType
            result.resourceName = resource.resourceName
            do throws(ApiError) {
                result.configs = try entries(resource, resolver, nodeId, image)
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            response.results.append(result)
        }
        return response
    }

    private func entries(
        _ resource: DescribeConfigsResource, _ resolver: ConfigResolver, _ nodeId: Int32, _ image: ClusterImage
    ) throws(ApiError) -> [Entry] {
        // Kafka takes an empty list like none: old clients send it for "all".
        let keys = resource.configurationKeys.flatMap { $0.isEmpty ? nil : Set($0) }
        switch resource.resourceType {
        case .topic:
            if let problem = TopicName.problem(with: resource.resourceName) {
                throw ApiError(.invalidTopicException, problem)
            }
            guard image.topic(resource.resourceName) != nil else {
                throw ApiError(.unknownTopicOrPartition, ErrorCode.unknownTopicOrPartition.meaning)
            }
            let own = image.configs(of: .topic(resource.resourceName))
            return ConfigTable.topics.definitions.filter { keys?.contains($0.name) ?? true }.map { definition in
                let settings = resolver.topicSettings(definition, topic: own)
                return entry(definition, settings.first?.converted ?? definition.defaultValue, settings)
            }
        case .broker:
            let isDefault = resource.resourceName.isEmpty
            if !isDefault { try check(brokerName: resource.resourceName, nodeId) }
            return brokerEntries(keys, resolver, onlyDefaults: isDefault)
        case .group:
            guard !resource.resourceName.isEmpty else {
                throw ApiError(.invalidRequest, "Group name must not be empty")
            }
            let own = image.configs(of: .group(resource.resourceName))
            return ConfigTable.groups.definitions.compactMap { definition in
                guard isShown(definition, keys, isSet: own[definition.name] != nil) else { return nil }
                let settings = resolver.groupSettings(definition, group: own)
                return entry(definition, settings.first?.converted ?? definition.defaultValue, settings)
            }
        default:
            throw ApiError(.invalidRequest, "Unsupported resource type: \(resource.resourceType.name)")
        }
    }

    private func check(brokerName: String, _ nodeId: Int32) throws(ApiError) {
        guard let id = Int32(brokerName) else {
            throw ApiError(.invalidRequest, "Broker id must be an integer, but it is: \(brokerName)")
        }
        guard id == nodeId else {
            throw ApiError(
                .invalidRequest, "Unexpected broker id, expected \(nodeId) or empty string, but received \(brokerName)")
        }
    }

    private func brokerEntries(
        _ keys: Set<String>?, _ resolver: ConfigResolver, onlyDefaults: Bool
    ) -> [Entry] {
        ConfigTable.brokers.definitions.compactMap { definition in
            let isSet = resolver.broker.properties[definition.name] != nil
            guard isShown(definition, keys, isSet: isSet) else { return nil }
            let all = resolver.brokerSettings(definition)
            if onlyDefaults {
                guard let value = resolver.dynamicDefault[definition.name] else { return nil }
                return entry(definition, value, all.filter { $0.source == .dynamicDefaultBroker })
            }
            // As Kafka: a value that only a synonym sets is described with the synonym.
            let own = Array(all.drop { $0.name != definition.name })
            return entry(definition, own.first?.value, own)
        }
    }

    /// What has no effect is not shown as if it had, unless somebody set it or asks for it.
    private func isShown(_ definition: ConfigDefinition, _ keys: Set<String>?, isSet: Bool) -> Bool {
        keys?.contains(definition.name) ?? (definition.support == .honoured || isSet)
    }

    private func entry(
        _ definition: ConfigDefinition, _ value: String?, _ settings: [ConfigResolver.Setting]
    ) -> Entry {
        var entry = Entry()
        entry.name = definition.name
        entry.value = definition.isSensitive ? nil : value
        entry.readOnly = !definition.isDynamic
        entry.configSource = settings.first?.source ?? .default
        entry.isDefault = entry.configSource == .default
        entry.isSensitive = definition.isSensitive
        entry.configType = definition.type
        if includeDocumentation { entry.documentation = definition.documentation }
        guard includeSynonyms else { return entry }
        entry.synonyms = settings.map { setting in
            var synonym = DescribeConfigsResponse.DescribeConfigsSynonym()
            synonym.name = setting.name
            synonym.value = definition.isSensitive ? nil : setting.value
            synonym.source = setting.source
            return synonym
        }
        return entry
    }
}
