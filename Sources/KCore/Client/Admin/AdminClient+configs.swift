/// What has a configuration.
public enum ConfigTarget: Sendable, Hashable, CustomStringConvertible {
    case topic(String)
    case group(String)
    case broker(Int32)

    var type: ConfigResourceType {
        switch self {
        case .topic: .topic
        case .group: .group
        case .broker: .broker
        }
    }

    var name: String {
        switch self {
        case .topic(let name), .group(let name): name
        case .broker(let id): String(id)
        }
    }

    public var description: String {
        switch self {
        case .topic(let name): "topic \(name)"
        case .group(let name): "group \(name)"
        case .broker(let id): "broker \(id)"
        }
    }
}

/// One value of a configuration.
public struct ConfigEntry: Sendable {
    public var name: String
    /// Nil when sensitive, or when there is none.
    public var value: String?
    var source: ConfigSource
    public var isReadOnly: Bool
    public var isSensitive: Bool
    var type: ConfigType
    /// Nil unless asked for.
    public var documentation: String?
    /// Every place that sets the value, the one that wins first.
    var synonyms: [(name: String, value: String?, source: ConfigSource)]
}

/// A change of one value.
public enum ConfigChange: Sendable {
    case set(String, String)
    /// Back to the default.
    case delete(String)
    /// To a list.
    case append(String, String)
    /// From a list.
    case subtract(String, String)
}

extension AdminClient {
    /// - Parameter documentation: ask also what each value means.
    public func describeConfigs(
        _ resources: [ConfigTarget], documentation: Bool = false
    ) throws(ClientError) -> [ItemResult<[ConfigEntry]>] {
        var results: [ItemResult<[ConfigEntry]>] = []
        // A broker's configuration is known to itself; everybody knows those of topics and groups.
        let others = resources.filter { $0.type != .broker }
        if !others.isEmpty { results += try describe(others, documentation, to: .any) }
        for case .broker(let id) in resources {
            results += try describe([.broker(id)], documentation, to: .broker(id))
        }
        return results
    }

    private func describe(
        _ resources: [ConfigTarget], _ documentation: Bool, to target: KafkaClient.Target
    ) throws(ClientError) -> [ItemResult<[ConfigEntry]>] {
        var request = DescribeConfigsRequest()
        request.includeSynonyms = true
        request.includeDocumentation = documentation
        request.resources = resources.map { resource in
            var asked = DescribeConfigsRequest.DescribeConfigsResource()
            asked.resourceType = resource.type
            asked.resourceName = resource.name
            asked.configurationKeys = nil
            return asked
        }
        let response = try client.call(request, to: target)
        return resources.map { resource in
            let answer = response.results.first {
                $0.resourceType == resource.type && $0.resourceName == resource.name
            }
            guard let answer else {
                return ItemResult(name: resource.name, result: .failure(.leftOut(resource.description)))
            }
            guard answer.errorCode == .none else {
                let error = ClientError.refused(
                    "describe the configuration of \(resource)", answer.errorCode, detail: answer.errorMessage)
                return ItemResult(name: resource.name, result: .failure(error))
            }
            return ItemResult(name: resource.name, result: .success(answer.configs.map { entry($0, resource) }))
        }
    }

    private func entry(
        _ config: DescribeConfigsResponse.DescribeConfigsResourceResult, _ resource: ConfigTarget
    ) -> ConfigEntry {
        var source = config.configSource
        // Version 0 says only whether it is the default.
        if source == .notSent {
            source = config.isDefault ? .default : resource.type == .topic ? .dynamicTopic : .staticBroker
        }
        return ConfigEntry(
            name: config.name, value: config.value, source: source, isReadOnly: config.readOnly,
            isSensitive: config.isSensitive, type: config.configType, documentation: config.documentation,
            synonyms: config.synonyms.map { ($0.name, $0.value, $0.source) })
    }

    /// Changes single values; all of them or none.
    /// - Parameter validateOnly: only tell whether it would be done.
    public func alterConfigs(
        _ resource: ConfigTarget, _ changes: [ConfigChange], validateOnly: Bool = false
    ) throws(ClientError) {
        var altered = IncrementalAlterConfigsRequest.AlterConfigsResource()
        altered.resourceType = resource.type
        altered.resourceName = resource.name
        altered.configs = changes.map { change in
            var config = IncrementalAlterConfigsRequest.AlterableConfig()
            switch change {
            case .set(let name, let value): (config.name, config.value, config.configOperation) = (name, value, .set)
            case .delete(let name): (config.name, config.configOperation) = (name, .delete)
            case .append(let name, let value):
                (config.name, config.value, config.configOperation) = (name, value, .append)
            case .subtract(let name, let value):
                (config.name, config.value, config.configOperation) = (name, value, .subtract)
            }
            return config
        }
        var request = IncrementalAlterConfigsRequest()
        request.resources = [altered]
        request.validateOnly = validateOnly
        let response: IncrementalAlterConfigsResponse
        if case .broker(let id) = resource {
            response = try client.call(request, to: .broker(id))
        } else {
            response = try callController(request) { $0.responses.map(\.errorCode) }
        }
        guard let answer = response.responses.first else { throw .leftOut(resource.description) }
        guard answer.errorCode == .none else {
            throw .refused(
                "change the configuration of \(resource)", answer.errorCode, detail: answer.errorMessage)
        }
    }
}
