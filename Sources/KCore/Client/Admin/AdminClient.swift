/// Administers a cluster. Calls block; each throws only when nobody could be asked, and gives every item its own
/// result.
public final class AdminClient: Sendable {
    let client: KafkaClient

    public init(_ client: KafkaClient) { self.client = client }

    /// What became of one item of a call.
    public struct ItemResult<Value: Sendable>: Sendable {
        public var name: String
        public var result: Result<Value, ClientError>
    }

    /// How long brokers may take for what changes the cluster.
    var timeoutMs: Int32 { Int32(min(client.config.defaultApiTimeoutMs, client.config.requestTimeoutMs)) }

    /// Asks the controller; asks the next one when it has just moved.
    func callController<R: ApiRequest>(
        _ request: R, adapt: (@Sendable (inout R, Int16) -> Void)? = nil, codes: (R.Response) -> [ErrorCode]
    ) throws(ClientError) -> R.Response {
        try client.retrying { leftMs throws(ClientError) in
            let response = try client.call(request, to: .controller, timeoutMs: Int(leftMs), adapt: adapt)
            if codes(response).contains(.notController) {
                _ = try client.metadata(topics: [])
                throw .refused("ask for \(R.api.key)", .notController)
            }
            return response
        }
    }

    /// The cluster's id, controller and brokers.
    public func describeCluster() throws(ClientError) -> ClusterDescription {
        let metadata = try client.metadata(topics: [])
        return ClusterDescription(
            clusterId: metadata.clusterId, controllerId: metadata.controllerId, brokers: metadata.brokers)
    }

    /// Which APIs and versions brokers have.
    /// - Parameter broker: nil for all.
    public func apiVersions(broker: Int32? = nil) throws(ClientError) -> [BrokerApiVersions] {
        let ids = if let broker { [broker] } else { try brokerIds() }
        var result: [BrokerApiVersions] = []
        for id in ids {
            var request = ApiVersionsRequest()
            request.clientSoftwareName = BrokerConnection.softwareName
            request.clientSoftwareVersion = BrokerConnection.softwareVersion
            let response = try client.call(request, to: .broker(id))
            guard response.errorCode == .none else {
                throw .refused("ask broker \(id) for its versions", response.errorCode)
            }
            let apis = response.apiKeys.filter { $0.minVersion <= $0.maxVersion }
            result.append(
                BrokerApiVersions(broker: id, apis: apis.map { ($0.apiKey, $0.minVersion...$0.maxVersion) }))
        }
        return result
    }

    func brokerIds() throws(ClientError) -> [Int32] {
        try client.metadata(topics: []).brokers.map(\.id).sorted()
    }
}

/// A cluster as its brokers describe it.
public struct ClusterDescription: Sendable {
    public var clusterId: String?
    /// -1 for none.
    public var controllerId: Int32
    public var brokers: [ClusterMetadata.Broker]
}

/// The APIs of one broker.
public struct BrokerApiVersions: Sendable {
    public var broker: Int32
    public var apis: [(ApiKey, ClosedRange<Int16>)]
}
