/// The APIs that `Messages` describes: what a broker can advertise and what `docs/protocol.md` lists.
enum ApiTable {
    /// In the order of their numbers.
    static let all: [any ApiRequest.Type] = [
        ProduceRequest.self, FetchRequest.self, ListOffsetsRequest.self, MetadataRequest.self, OffsetCommitRequest.self,
        OffsetFetchRequest.self, FindCoordinatorRequest.self, JoinGroupRequest.self, HeartbeatRequest.self,
        LeaveGroupRequest.self, SyncGroupRequest.self, DescribeGroupsRequest.self, ListGroupsRequest.self,
        ApiVersionsRequest.self, CreateTopicsRequest.self, DeleteTopicsRequest.self, DeleteRecordsRequest.self,
        InitProducerIdRequest.self, OffsetForLeaderEpochRequest.self, AddPartitionsToTxnRequest.self,
        AddOffsetsToTxnRequest.self, EndTxnRequest.self, WriteTxnMarkersRequest.self, TxnOffsetCommitRequest.self,
        DescribeConfigsRequest.self, AlterConfigsRequest.self, DescribeLogDirsRequest.self,
        CreatePartitionsRequest.self, DeleteGroupsRequest.self, IncrementalAlterConfigsRequest.self,
        OffsetDeleteRequest.self, DescribeClusterRequest.self, DescribeProducersRequest.self,
        DescribeTransactionsRequest.self, ListTransactionsRequest.self, ConsumerGroupHeartbeatRequest.self,
        ConsumerGroupDescribeRequest.self,
    ]

    /// The API with this number; nil when it is not described.
    static func api(_ key: ApiKey) -> Api? {
        let index = Int(key.rawValue)
        return byKey.indices.contains(index) ? byKey[index] : nil
    }

    private static let byKey: [Api?] = {
        let apis = all.map { $0.api }
        let last = apis.map(\.key.rawValue).max() ?? -1
        var table = [Api?](repeating: nil, count: Int(last) + 1)
        for api in apis { table[Int(api.key.rawValue)] = api }
        return table
    }()
}
