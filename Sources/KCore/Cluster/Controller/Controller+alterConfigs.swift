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
        if resource.type == .topic {
            try checkTopicConfigs(values, image)
        } else {
            try checkBrokerConfigs(values, changing: names)
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
            let table = resource.type == .topic ? ConfigTable.topics : ConfigTable.brokers
            guard table[change.name]?.type == .list else {
                throw ApiError(
                    .invalidConfig, "Can't \(verb) to key \(change.name) because its type is not LIST.")
            }
            let resolver = resolver(image)
            let inherited =
                resource.type == .topic
                ? resolver.topicValue(change.name, topic: [:]) : resolver.brokerValue(change.name)
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

extension IncrementalAlterConfigsRequest: ControllerRequest {
    func decide(
        _ controller: inout Controller, _ image: ClusterImage
    ) -> ControllerResult<IncrementalAlterConfigsResponse> {
        var result = ControllerResult(response: IncrementalAlterConfigsResponse())
        let occurrences = Dictionary(resources.map { ($0.resource, 1) }, uniquingKeysWith: +)
        var answered: Set<ConfigResource> = []
        for item in resources where answered.insert(item.resource).inserted {
            do throws(ApiError) {
                try ConfigResource.checkOnce(occurrences[item.resource])
                let changes = item.configs.map {
                    Controller.ConfigChange(name: $0.name, operation: $0.configOperation, value: $0.value)
                }
                let records = try controller.alter(item.resource, changes, image)
                if !validateOnly { result.records += records }
                result.response.responses.append(.of(item.resource, nil))
            } catch {
                result.response.responses.append(.of(item.resource, error))
            }
        }
        return result
    }

    func refused(_ error: ApiError) -> IncrementalAlterConfigsResponse {
        var response = IncrementalAlterConfigsResponse()
        response.responses = resources.map { .of($0.resource, error) }
        return response
    }
}

extension AlterConfigsRequest: ControllerRequest {
    func decide(_ controller: inout Controller, _ image: ClusterImage) -> ControllerResult<AlterConfigsResponse> {
        var result = ControllerResult(response: AlterConfigsResponse())
        let occurrences = Dictionary(resources.map { ($0.resource, 1) }, uniquingKeysWith: +)
        var answered: Set<ConfigResource> = []
        for item in resources where answered.insert(item.resource).inserted {
            do throws(ApiError) {
                try ConfigResource.checkOnce(occurrences[item.resource])
                var values: [String: String] = [:]
                for config in item.configs {
                    guard let value = config.value else {
                        throw ApiError(.invalidRequest, "Null value not supported for : \(config.name)")
                    }
                    values[config.name] = value
                }
                let records = try controller.replace(
                    item.resource, with: values, changing: Set(values.keys), image)
                if !validateOnly { result.records += records }
                result.response.responses.append(.of(item.resource, nil))
            } catch {
                result.response.responses.append(.of(item.resource, error))
            }
        }
        return result
    }

    func refused(_ error: ApiError) -> AlterConfigsResponse {
        var response = AlterConfigsResponse()
        response.responses = resources.map { .of($0.resource, error) }
        return response
    }
}

extension ConfigResource {
    fileprivate static func checkOnce(_ occurrences: Int?) throws(ApiError) {
        if occurrences ?? 1 > 1 { throw ApiError(.invalidRequest, "Each resource must appear at most once.") }
    }
}

extension IncrementalAlterConfigsRequest.AlterConfigsResource {
    fileprivate var resource: ConfigResource { ConfigResource(type: resourceType, name: resourceName) }
}

extension AlterConfigsRequest.AlterConfigsResource {
    fileprivate var resource: ConfigResource { ConfigResource(type: resourceType, name: resourceName) }
}

extension IncrementalAlterConfigsResponse.AlterConfigsResourceResponse {
    fileprivate static func of(_ resource: ConfigResource, _ error: ApiError?) -> Self {
        var response = Self()
        response.errorCode = error?.code ?? .none
        response.errorMessage = error?.message
        response.resourceType = resource.type
        response.resourceName = resource.name
        return response
    }
}

extension AlterConfigsResponse.AlterConfigsResourceResponse {
    fileprivate static func of(_ resource: ConfigResource, _ error: ApiError?) -> Self {
        var response = Self()
        response.errorCode = error?.code ?? .none
        response.errorMessage = error?.message
        response.resourceType = resource.type
        response.resourceName = resource.name
        return response
    }
}
