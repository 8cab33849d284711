@testable import KCore

/// As much of transactions as a producer needs: everything succeeds, but for the positions of a member "gone".
extension FakeBroker {
    typealias Start = (key: ApiKey, version: Int16, correlationId: Int32)

    /// With `transaction.version` below 2, of APIs whose versions mean something else there the older ones.
    var versions: ApiVersionsResponse {
        var response = ApiVersionsResponse()
        let keys: [ApiKey] = [
            .produce, .fetch, .listOffsets, .metadata, .initProducerId, .apiVersions, .findCoordinator,
            .addPartitionsToTxn, .addOffsetsToTxn, .txnOffsetCommit, .endTxn,
        ]
        let old: [ApiKey: Int16] = [.produce: 11, .txnOffsetCommit: 4, .endTxn: 4]
        response.apiKeys = keys.compactMap {
            guard let api = ApiTable.api($0) else { return nil }
            var version = ApiVersionsResponse.ApiVersion()
            let newest = transactionVersion < 2 ? old[$0] : nil
            (version.apiKey, version.minVersion, version.maxVersion) =
                (api.key, api.versions.lowerBound, newest ?? api.versions.upperBound)
            return version
        }
        guard transactionVersion > 0 else { return response }
        var feature = ApiVersionsResponse.FinalizedFeatureKey()
        (feature.name, feature.maxVersionLevel) = (ApiVersionsResponse.transactionVersion, transactionVersion)
        (response.finalizedFeatures, response.finalizedFeaturesEpoch) = ([feature], 0)
        return response
    }

    /// What a coordinator answers; nil for what it is not asked.
    func coordinate(_ frame: Bytes, _ start: Start) -> Frame? {
        switch start.key {
        case .findCoordinator: answer(frame, start, found)
        case .addPartitionsToTxn: answer(frame, start, added)
        case .addOffsetsToTxn: answer(frame, start) { (_: AddOffsetsToTxnRequest) in AddOffsetsToTxnResponse() }
        case .txnOffsetCommit:
            answer(frame, start) { (request: TxnOffsetCommitRequest) in
                request.refused(request.memberId == "gone" ? .illegalGeneration : .none)
            }
        case .endTxn:
            answer(frame, start) { (request: EndTxnRequest) in
                var response = EndTxnResponse()
                (response.producerId, response.producerEpoch) = (request.producerId, request.producerEpoch + 1)
                return response
            }
        default: nil
        }
    }

    private func found(_ request: FindCoordinatorRequest) -> FindCoordinatorResponse {
        var response = FindCoordinatorResponse()
        (response.nodeId, response.host, response.port) = (1, "127.0.0.1", Int32(port))
        response.coordinators = request.coordinatorKeys.map { key in
            var coordinator = FindCoordinatorResponse.Coordinator()
            (coordinator.key, coordinator.nodeId) = (key, 1)
            (coordinator.host, coordinator.port) = ("127.0.0.1", Int32(port))
            return coordinator
        }
        return response
    }

    private func added(_ request: AddPartitionsToTxnRequest) -> AddPartitionsToTxnResponse {
        var response = AddPartitionsToTxnResponse()
        response.resultsByTopicV3AndBelow = request.v3AndBelowTopics.map { topic in
            var result = AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult()
            result.name = topic.name
            result.resultsByPartition = topic.partitions.map { index in
                var partition = AddPartitionsToTxnResponse.AddPartitionsToTxnPartitionResult()
                partition.partitionIndex = index
                return partition
            }
            return result
        }
        return response
    }

    private func answer<R: ApiRequest>(_ frame: Bytes, _ start: Start, _ body: (R) -> R.Response) -> Frame? {
        let headerVersion = R.api.requestHeaderVersion(start.version)
        guard let (_, position) = try? RequestHeader.read(frame, headerVersion: headerVersion) else { return nil }
        var decoder = WireDecoder(
            frame, at: position, version: start.version, flexible: R.api.isFlexible(start.version))
        guard let request = try? R.read(&decoder) else { return nil }
        return try? Framing.response(
            body(request), api: R.api, version: start.version, correlationId: start.correlationId)
    }
}
