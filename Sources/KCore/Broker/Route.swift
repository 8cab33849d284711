/// An API that this broker answers. What is advertised and what is dispatched are the same table, so nothing can be
/// advertised that has no handler.
struct Route: Sendable {
    let api: Api
    /// A connection makes requests of versions below this one wait for each other: their answers can be larger than they are
    /// by any factor, and are made elsewhere than on the connection's loop.
    let aloneBelow: Int16
    /// Reads the request that begins at `position` of a frame and handles it; throws what cannot be read.
    let run: @Sendable (_ frame: Bytes, _ position: Int, _ call: Call) throws(WireError) -> Void

    init<R: ApiRequest>(_ type: R.Type, aloneBelow: Int16 = 0, _ handle: @escaping @Sendable (R, Call) -> Void) {
        let api = R.api
        self.api = api
        self.aloneBelow = aloneBelow
        run = { frame, position, call throws(WireError) in
            let version = call.header.apiVersion
            var decoder = WireDecoder(frame, at: position, version: version, flexible: api.isFlexible(version))
            let request = try R.read(&decoder)
            // What is left over is left alone, as Apache Kafka does: librdkafka sends three bytes too many when it asks for
            // the metadata of all topics.
            handle(request, call)
        }
    }

    static let all: [Route] = [
        Route(ProduceRequest.self, ProduceHandler.handle),
        // Older ones get their records converted, in memory.
        Route(FetchRequest.self, aloneBelow: 4, FetchHandler.handle),
        Route(ListOffsetsRequest.self, ListOffsetsHandler.handle),
        Route(MetadataRequest.self, MetadataHandler.handle),
        Route(OffsetCommitRequest.self, OffsetHandlers.commit),
        Route(OffsetFetchRequest.self, aloneBelow: .max, OffsetFetchHandler.handle),
        Route(FindCoordinatorRequest.self, FindCoordinatorHandler.handle),
        Route(JoinGroupRequest.self, MembershipHandlers.join),
        Route(HeartbeatRequest.self, MembershipHandlers.heartbeat),
        Route(LeaveGroupRequest.self, MembershipHandlers.leave),
        Route(SyncGroupRequest.self, MembershipHandlers.sync),
        Route(DescribeGroupsRequest.self, aloneBelow: .max, GroupAdminHandlers.describe),
        Route(ListGroupsRequest.self, aloneBelow: .max, GroupAdminHandlers.list),
        Route(DeleteGroupsRequest.self, GroupAdminHandlers.delete),
        Route(OffsetDeleteRequest.self, OffsetHandlers.delete),
        Route(ApiVersionsRequest.self, ApiVersionsHandler.handle),
        Route(CreateTopicsRequest.self, aloneBelow: .max, TopicHandlers.create),
        Route(DeleteTopicsRequest.self, TopicHandlers.delete),
        Route(CreatePartitionsRequest.self, aloneBelow: .max, TopicHandlers.createPartitions),
        Route(DeleteRecordsRequest.self, DeleteRecordsHandler.handle),
        Route(InitProducerIdRequest.self, InitProducerIdHandler.handle),
        Route(OffsetForLeaderEpochRequest.self, OffsetForLeaderEpochHandler.handle),
        Route(AddPartitionsToTxnRequest.self, TransactionHandlers.addPartitions),
        Route(AddOffsetsToTxnRequest.self, TransactionHandlers.addOffsets),
        Route(EndTxnRequest.self, TransactionHandlers.end),
        Route(WriteTxnMarkersRequest.self, WriteTxnMarkersHandler.handle),
        Route(TxnOffsetCommitRequest.self, TxnOffsetCommitHandler.handle),
        Route(DescribeConfigsRequest.self, ConfigHandlers.describe),
        Route(AlterConfigsRequest.self, ConfigHandlers.alter),
        Route(IncrementalAlterConfigsRequest.self, ConfigHandlers.incrementalAlter),
        Route(DescribeLogDirsRequest.self, aloneBelow: .max, DescribeLogDirsHandler.handle),
        Route(DescribeClusterRequest.self, DescribeClusterHandler.handle),
        Route(DescribeProducersRequest.self, aloneBelow: .max, TransactionAdminHandlers.producers),
        Route(DescribeTransactionsRequest.self, aloneBelow: .max, TransactionAdminHandlers.describe),
        Route(ListTransactionsRequest.self, aloneBelow: .max, TransactionAdminHandlers.list),
        Route(ConsumerGroupHeartbeatRequest.self, ConsumerGroupHandlers.heartbeat),
        Route(ConsumerGroupDescribeRequest.self, aloneBelow: .max, ConsumerGroupHandlers.describe),
    ]

    private static let byKey: [Route?] = {
        var table = [Route?](repeating: nil, count: 128)
        for route in all { table[Int(route.api.key.rawValue)] = route }
        return table
    }()

    static func find(_ key: ApiKey) -> Route? {
        byKey.indices.contains(Int(key.rawValue)) ? byKey[Int(key.rawValue)] : nil
    }
}
