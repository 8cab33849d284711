/// DescribeCluster (KIP-700): who is in the cluster.
enum DescribeClusterHandler {
    static func handle(_ request: DescribeClusterRequest, _ call: Call) {
        let image = call.image
        var response = DescribeClusterResponse()
        response.clusterId = image.clusterId
        guard request.endpointType == .broker else {
            // Controllers are asked on listeners of their own (KIP-919), and this one is for clients.
            let isController = request.endpointType == .controller
            response.errorCode = isController ? .mismatchedEndpointType : .unsupportedEndpointType
            response.errorMessage = "this listener is a broker's; ask it for endpoint type 1"
            return call.reply(response)
        }
        response.controllerId = image.controllerId
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.ofCluster
        }
        response.brokers = image.usableBrokers.compactMap { broker in
            guard let endpoint = broker.endpoint(listener: call.listenerName) else { return nil }
            var entry = DescribeClusterResponse.DescribeClusterBroker()
            entry.brokerId = broker.id
            entry.host = endpoint.host
            entry.port = Int32(endpoint.port)
            entry.rack = broker.rack
            return entry
        }
        call.reply(response)
    }
}
