import Testing

@testable import KCore

@Suite struct ClusterFeaturesTests {
    private let image = ClusterImage(clusterId: "c")

    private func answer(_ version: Int16) throws -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.add(image, version: version)
        var encoder = WireEncoder(version: version, flexible: version >= 3)
        try response.write(&encoder)
        var decoder = WireDecoder(encoder.bytes(), version: version, flexible: version >= 3)
        return try ApiVersionsResponse.read(&decoder)
    }

    @Test func `a client is told that transactions have an epoch each and add what they write to`() throws {
        for version in Int16(3)...4 {
            let answer = try answer(version)
            #expect(answer.finalizedFeaturesEpoch >= 0)
            let transactions = answer.finalizedFeatures.filter { $0.name == "transaction.version" }
            #expect(transactions.map(\.maxVersionLevel) == [2])
            #expect(transactions.map(\.minVersionLevel) == [2])
        }
        #expect(try answer(4).supportedFeatures.contains { $0.name == "transaction.version" && $0.maxVersion == 2 })
        #expect(ProduceRequest.api.versions.contains(ProduceRequest.addsPartitionsFrom))
        #expect(TxnOffsetCommitRequest.api.versions.contains(TxnOffsetCommitRequest.addsGroupFrom))
    }

    @Test func `what begins at level 0 is not told to readers that refuse that, nor any feature to older ones`() throws
    {
        #expect(try answer(3).supportedFeatures.map(\.name) == ["metadata.version"])
        #expect(
            try answer(4).supportedFeatures.map(\.name) == ["group.version", "metadata.version", "transaction.version"])
        let old = try answer(2)
        #expect(old.supportedFeatures.isEmpty && old.finalizedFeatures.isEmpty && old.finalizedFeaturesEpoch == -1)
    }

    @Test func `what no metadata log says has no level in force`() throws {
        #expect(try answer(4).finalizedFeatures.map(\.name) == ["group.version", "transaction.version"])
    }
}
