extension Controller {
    /// One change of a value, as IncrementalAlterConfigs says it.
    struct ConfigChange {
        var name: String
        var operation: ConfigOperation
        var value: String?
    }

    /// The records that carry out `changes` of one resource.
    func alter(
        _ resource: ConfigResource, _ changes: [ConfigChange], _ image: ClusterImage
    ) throws(ApiError) -> [MetadataLogRecord] {
        try checkResource(resource, image)
        var values = image.configs(of: resource)
        var named: Set<String> = []
        for change in changes {
            guard named.insert(change.name).inserted else {
                throw ApiError(.invalidRequest, "Error due to duplicate config keys: \(change.name)")
            }
            values[change.name] = try newValue(change, of: resource, present: values[change.name], image)
        }
        return try replace(resource, with: values, changing: named, image)
    }

    /// The records that leave `resource` with `values` and nothing else.
    /// - Parameter names: what the client named.
    func replace(
        _ resource: ConfigResource, with values: [String: String], changing names: Set<String>, _ image: ClusterImage
    ) throws(ApiError) -> [MetadataLogRecord] {
        try checkResource(resource, image)
        let present = image.configs(of: resource)
        switch resource.type {
        case .topic: try checkTopicConfigs(values, of: resource.name, image)
        case .group: try checkGroupConfigs(values)
        default: try checkBrokerConfigs(values, of: resource, changing: names, image)
        }
        return Set(values.keys).union(present.keys).sorted().compactMap { name in
            guard values[name] != present[name] else { return nil }
            var record = ConfigRecord()
            record.resourceType = resource.type
            record.resourceName = resource.name
            record.name = name
            record.value = values[name]
            return .config(record)
        }
    }

    private func newValue(
        _ change: ConfigChange, of resource: ConfigResource, present: String?, _ image: ClusterImage
    ) throws(ApiError) -> String? {
        switch change.operation {
        case .delete:
            return nil
        case .set:
            guard let value = change.value else {
                throw ApiError(.invalidRequest, "Null value not supported for : \(change.name)")
            }
            return value
        case .append, .subtract:
            let verb = change.operation == .append ? "APPEND" : "SUBTRACT"
            guard let value = change.value else {
                throw ApiError(.invalidRequest, "Null value not supported for : \(change.name)")
            }
            guard ConfigTable.of(resource.type)[change.name]?.type == .list else {
                throw ApiError(
                    .invalidConfig, "Can't \(verb) to key \(change.name) because its type is not LIST.")
            }
            let inherited = resolver(image).inheritedValue(change.name, of: resource.type)
            var elements = (present ?? inherited ?? "").listElements
            for element in value.listElements {
                if change.operation == .subtract {
                    elements.removeAll { $0 == element }
                } else if !elements.contains(element) {
                    elements.append(element)
                }
            }
            return elements.joined(separator: ",")
        default:
            throw ApiError(.invalidRequest, "Unknown operation type \(change.operation.rawValue)")
        }
    }
}

/// What both APIs that alter configurations have in common: a list of resources, each with its own outcome.
protocol AlterConfigsChange: ControllerRequest {
    associatedtype Item
    var resources: [Item] { get }
    var validateOnly: Bool { get }
    static func resource(of item: Item) -> ConfigResource
    static func records(
        _ item: Item, _ controller: Controller, _ image: ClusterImage
    ) throws(ApiError) -> [MetadataLogRecord]
    static func response(_ outcomes: [(ConfigResource, ApiError?)]) -> Response
}

extension AlterConfigsChange {
    func decide(_ controller: inout Controller, _ image: ClusterImage) -> ControllerResult<Response> {
        var records: [MetadataLogRecord] = []
        var outcomes: [(ConfigResource, ApiError?)] = []
        let occurrences = Dictionary(resources.map { (Self.resource(of: $0), 1) }, uniquingKeysWith: +)
        var answered: Set<ConfigResource> = []
        for item in resources {
            let resource = Self.resource(of: item)
            guard answered.insert(resource).inserted else { continue }
            do throws(ApiError) {
                if occurrences[resource] ?? 1 > 1 {
                    throw ApiError(.invalidRequest, "Each resource must appear at most once.")
                }
                let changed = try Self.records(item, controller, image)
                if !validateOnly { records += changed }
                outcomes.append((resource, nil))
            } catch {
                outcomes.append((resource, error))
            }
        }
        var result = ControllerResult(response: Self.response(outcomes))
        result.records = records
        return result
    }

    func refused(_ error: ApiError) -> Response { Self.response(resources.map { (Self.resource(of: $0), error) }) }
}

extension IncrementalAlterConfigsRequest: AlterConfigsChange {
    static func resource(of item: AlterConfigsResource) -> ConfigResource {
        ConfigResource(type: item.resourceType, name: item.resourceName)
    }

    static func records(
        _ item: AlterConfigsResource, _ controller: Controller, _ image: ClusterImage
    ) throws(ApiError) -> [MetadataLogRecord] {
        let changes = item.configs.map {
            Controller.ConfigChange(name: $0.name, operation: $0.configOperation, value: $0.value)
        }
        return try controller.alter(resource(of: item), changes, image)
    }

    static func response(_ outcomes: [(ConfigResource, ApiError?)]) -> IncrementalAlterConfigsResponse {
        var response = IncrementalAlterConfigsResponse()
        response.responses = outcomes.map { resource, error in
            var answer = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse()
            (answer.resourceType, answer.resourceName) = (resource.type, resource.name)
            (answer.errorCode, answer.errorMessage) = (error?.code ?? .none, error?.message)
            return answer
        }
        return response
    }
}

extension AlterConfigsRequest: AlterConfigsChange {
    static func resource(of item: AlterConfigsResource) -> ConfigResource {
        ConfigResource(type: item.resourceType, name: item.resourceName)
    }

    static func records(
        _ item: AlterConfigsResource, _ controller: Controller, _ image: ClusterImage
    ) throws(ApiError) -> [MetadataLogRecord] {
        var values: [String: String] = [:]
        for config in item.configs {
            guard let value = config.value else {
                throw ApiError(.invalidRequest, "Null value not supported for : \(config.name)")
            }
            values[config.name] = value
        }
        return try controller.replace(resource(of: item), with: values, changing: Set(values.keys), image)
    }

    static func response(_ outcomes: [(ConfigResource, ApiError?)]) -> AlterConfigsResponse {
        var response = AlterConfigsResponse()
        response.responses = outcomes.map { resource, error in
            var answer = AlterConfigsResponse.AlterConfigsResourceResponse()
            (answer.resourceType, answer.resourceName) = (resource.type, resource.name)
            (answer.errorCode, answer.errorMessage) = (error?.code ?? .none, error?.message)
            return answer
        }
        return response
    }
}
