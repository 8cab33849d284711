import Testing

@testable import KCore

/// A request in an old version must not quietly mean something else than it says.
@Suite struct DroppedFieldTests {
    @Test func `what an old version cannot say is refused where it would change the request`() {
        expectRefused(CreateTopicsRequest(validateOnly: true), in: 0)
        expectRefused(DeleteTopicsRequest(topics: [.init(topicId: Uuid(high: 1, low: 1))]), in: 5)
        expectRefused(ProduceRequest(transactionalId: "t"), in: 2)
        expectRefused(FetchRequest(forgottenTopicsData: [.init()]), in: 6)
        expectRefused(FetchRequest(replicaId: 3), in: 15)
        expectRefused(ListOffsetsRequest(isolationLevel: .readCommitted), in: 1)
        expectRefused(MetadataRequest(allowAutoTopicCreation: false), in: 3)
        expectRefused(DescribeConfigsRequest(includeSynonyms: true), in: 0)
        expectRefused(DescribeClusterRequest(endpointType: .controller), in: 0)
        expectRefused(InitProducerIdRequest(producerId: 1), in: 2)
        expectRefused(FindCoordinatorRequest(coordinatorKeys: ["a"]), in: 3)
        expectRefused(FindCoordinatorRequest(key: "a"), in: 4)
        expectRefused(JoinGroupRequest(groupInstanceId: "i"), in: 4)
        expectRefused(LeaveGroupRequest(members: [.init()]), in: 2)
        expectRefused(LeaveGroupRequest(memberId: "m"), in: 3)
        expectRefused(OffsetFetchRequest(requireStable: true), in: 6)
        expectRefused(OffsetFetchRequest(topics: nil), in: 8)
        expectRefused(OffsetCommitRequest(groupInstanceId: "i"), in: 6)
        expectRefused(TxnOffsetCommitRequest(generationId: 1), in: 2)
        expectRefused(ListGroupsRequest(typesFilter: ["consumer"]), in: 4)
        expectRefused(ConsumerGroupHeartbeatRequest(subscribedTopicRegex: "a"), in: 0)
    }

    @Test func `what only helps is dropped`() throws {
        let fetch = FetchRequest(maxBytes: 10, isolationLevel: .readCommitted, rackId: "r")
        let read = try FetchRequest.decoded(fetch.encoded(0, flexible: false), 0, flexible: false)
        #expect(read == FetchRequest())
    }

    @Test func `all topics cannot be asked for by null in the first version of Metadata`() throws {
        let all = MetadataRequest(topics: nil)
        #expect(throws: WireError.unexpectedNull) { try all.encoded(0, flexible: false) }
        #expect(try MetadataRequest.decoded(all.encoded(1, flexible: false), 1, flexible: false) == all)
    }

    @Test func `all offsets cannot be asked for by null in the first versions of OffsetFetch`() throws {
        let all = OffsetFetchRequest(topics: nil)
        #expect(throws: WireError.unexpectedNull) { try all.encoded(1, flexible: false) }
        #expect(try OffsetFetchRequest.decoded(all.encoded(2, flexible: false), 2, flexible: false) == all)
    }

    private func expectRefused<R: ApiRequest>(_ request: R, in version: Int16) {
        #expect(throws: WireError.noFieldInVersion(version), "\(R.self)") {
            try request.encoded(version, flexible: R.api.isFlexible(version))
        }
    }
}
