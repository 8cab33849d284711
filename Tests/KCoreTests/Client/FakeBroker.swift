import Synchronization

@testable import KCore

/// A broker of one topic "t" in memory, over real sockets, that a test can make misbehave. It checks sequence numbers
/// as Kafka's leaders do, so that a client that sends twice or out of order is found out.
final class FakeBroker: Sendable {
    /// What to do with a produce request instead of serving it.
    enum Fault: Sendable {
        case none
        /// Close the connection before anything is appended.
        case closeBefore
        /// Append, then close the connection: the client cannot know.
        case closeAfter
        case refuse(ErrorCode)
    }

    struct Partition: Sendable {
        var batches: [Bytes] = []
        var end: Int64 = 0
        var producerId: Int64 = -1
        var epoch: Int16 = -1
        // First sequence numbers of appended batches and their offsets, to recognize duplicates.
        var appended: [Int32: Int64] = [:]
        var nextSequence: Int32 = 0
    }

    struct State: Sendable {
        var partitions: [Partition]
        var faults: [Fault] = []
        var produceRequests = 0
        var connections = 0
        var duplicates = 0
        var gaps = 0
        /// Partitions without a leader.
        var leaderless: Set<Int> = []
        /// Name and version of each request.
        var requests: [String] = []
    }

    let state: Mutex<State>
    /// The finalized level of `transaction.version`. Below 2 it has the versions of Kafka 3.9 only.
    let transactionVersion: Int16
    private let group: EventLoopGroup
    private let listener = Mutex<Listener?>(nil)
    let port: Int

    init(partitions: Int = 1, faults: [Fault] = [], transactionVersion: Int16 = 0) throws {
        self.transactionVersion = transactionVersion
        let initial = State(partitions: Array(repeating: Partition(), count: partitions), faults: faults)
        state = Mutex(initial)
        group = try EventLoopGroup(name: "fake", count: 1)
        let box = Box()
        let listener = try Listener(host: "127.0.0.1", port: 0, group: group) { _ in FakeConnection(box) }
        port = listener.port
        self.listener.withLock { $0 = listener }
        box.broker.withLock { $0 = self }
    }

    func stop() {
        listener.withLock { $0?.close() }
        group.stop()
    }

    func config(_ properties: [(name: String, value: String)] = []) throws -> ClientConfig {
        try ClientConfig(
            [
                ("bootstrap.servers", "127.0.0.1:\(port)"), ("retry.backoff.ms", "1"), ("retry.backoff.max.ms", "2"),
                ("reconnect.backoff.ms", "1"), ("reconnect.backoff.max.ms", "2"), ("linger.ms", "0"),
            ] + properties)
    }

    /// The values of a partition in order.
    func values(_ partition: Int = 0) throws -> [String] {
        try state.withLock { $0.partitions[partition].batches }.flatMap { batch in
            try RecordBatchReader(batch).allRecords().map { $0.value?.utf8String ?? "null" }
        }
    }

    final class Box: Sendable {
        let broker = Mutex<FakeBroker?>(nil)
    }

    // MARK: APIs

    fileprivate func metadata() -> MetadataResponse {
        var response = MetadataResponse()
        response.clusterId = "fake"
        response.controllerId = 1
        var broker = MetadataResponse.MetadataResponseBroker()
        (broker.nodeId, broker.host, broker.port) = (1, "127.0.0.1", Int32(port))
        response.brokers = [broker]
        var topic = MetadataResponse.MetadataResponseTopic()
        topic.name = "t"
        topic.topicId = Uuid(high: 1, low: 2)
        topic.partitions = state.withLock { state in
            state.partitions.indices.map { index in
                var partition = MetadataResponse.MetadataResponsePartition()
                (partition.partitionIndex, partition.leaderEpoch) = (Int32(index), 0)
                partition.leaderId = state.leaderless.contains(index) ? -1 : 1
                (partition.replicaNodes, partition.isrNodes) = ([1], [1])
                return partition
            }
        }
        response.topics = [topic]
        return response
    }

    /// - Returns: nil to close the connection.
    fileprivate func produce(_ request: ProduceRequest) -> ProduceResponse? {
        state.withLock { state -> ProduceResponse? in
            state.produceRequests += 1
            let fault = state.faults.isEmpty ? .none : state.faults.removeFirst()
            if case .closeBefore = fault { return nil }
            var response = ProduceResponse()
            for topic in request.topicData {
                var answer = ProduceResponse.TopicProduceResponse()
                answer.name = topic.name
                for data in topic.partitionData {
                    var partition = ProduceResponse.PartitionProduceResponse()
                    partition.index = data.index
                    if case .refuse(let code) = fault {
                        partition.errorCode = code
                    } else if case .bytes(let bytes)? = data.records {
                        (partition.errorCode, partition.baseOffset) = FakeBroker.append(bytes, Int(data.index), &state)
                    }
                    answer.partitionResponses.append(partition)
                }
                response.responses.append(answer)
            }
            if case .closeAfter = fault { return nil }
            return response
        }
    }

    private static func append(_ bytes: Bytes, _ index: Int, _ state: inout State) -> (ErrorCode, Int64) {
        let copy = bytes.withUnsafeBytes { Bytes(copying: $0) }
        let isValid = copy.withUnsafeBytes { RecordBatchHeader.isCRCValid($0) }
        guard isValid, let header = copy.withUnsafeBytes({ try? RecordBatchHeader(reading: $0) }) else {
            return (.corruptMessage, -1)
        }
        var partition = state.partitions[index]
        defer { state.partitions[index] = partition }
        if header.hasProducerId {
            if header.producerEpoch != partition.epoch || header.producerId != partition.producerId {
                guard header.baseSequence == 0 else { return (.outOfOrderSequenceNumber, -1) }
                (partition.producerId, partition.epoch) = (header.producerId, header.producerEpoch)
                partition.appended = [:]
                partition.nextSequence = 0
            }
            if let offset = partition.appended[header.baseSequence] {
                state.duplicates += 1
                return (.none, offset)
            }
            guard header.baseSequence == partition.nextSequence else {
                state.gaps += 1
                return (.outOfOrderSequenceNumber, -1)
            }
            partition.appended[header.baseSequence] = partition.end
            partition.nextSequence = header.lastSequence + 1
        }
        let offset = partition.end
        copy.withUnsafeMutableBytes { batch in
            if let base = batch.baseAddress {
                RecordBatchHeader.stamp(baseOffset: offset, partitionLeaderEpoch: 0, at: base)
            }
        }
        partition.batches.append(copy)
        partition.end += Int64(header.lastOffsetDelta) + 1
        return (.none, offset)
    }

    fileprivate func fetch(_ request: FetchRequest) -> FetchResponse {
        state.withLock { state in
            var response = FetchResponse()
            for topic in request.topics {
                var answer = FetchResponse.FetchableTopicResponse()
                (answer.topic, answer.topicId) = (topic.topic, topic.topicId)
                for asked in topic.partitions {
                    let partition = state.partitions[Int(asked.partition)]
                    var data = FetchResponse.PartitionData()
                    data.partitionIndex = asked.partition
                    (data.highWatermark, data.lastStableOffset) = (partition.end, partition.end)
                    let next = partition.batches.first { batch in
                        let header = batch.withUnsafeBytes { try? RecordBatchHeader(reading: $0) }
                        return (header?.lastOffset ?? -1) >= asked.fetchOffset
                    }
                    if asked.fetchOffset > partition.end || asked.fetchOffset < 0 { data.errorCode = .offsetOutOfRange }
                    data.records = .bytes(next ?? Bytes())
                    answer.partitions.append(data)
                }
                response.responses.append(answer)
            }
            return response
        }
    }

    fileprivate func listOffsets(_ request: ListOffsetsRequest) -> ListOffsetsResponse {
        state.withLock { state in
            var response = ListOffsetsResponse()
            for topic in request.topics {
                var answer = ListOffsetsResponse.ListOffsetsTopicResponse()
                answer.name = topic.name
                answer.partitions = topic.partitions.map { asked in
                    var partition = ListOffsetsResponse.ListOffsetsPartitionResponse()
                    partition.partitionIndex = asked.partitionIndex
                    let isEnd = asked.timestamp == ListOffsetsTimestamp.latest
                    partition.offset = isEnd ? state.partitions[Int(asked.partitionIndex)].end : 0
                    return partition
                }
                response.topics.append(answer)
            }
            return response
        }
    }
}

private final class FakeConnection: ConnectionHandler {
    private let box: FakeBroker.Box

    init(_ box: FakeBroker.Box) { self.box = box }

    func connectionOpened(_: Connection) { box.broker.withLock { $0 }?.state.withLock { $0.connections += 1 } }

    func received(_ frame: Bytes, on connection: Connection) {
        guard let broker = box.broker.withLock({ $0 }), let start = try? RequestHeader.peek(frame) else {
            return connection.close()
        }
        broker.state.withLock { $0.requests.append("\(start.key.name) \(start.version)") }
        switch start.key {
        case .apiVersions: answer(ApiVersionsRequest.self, broker.versions, start, connection)
        case .metadata: answer(MetadataRequest.self, broker.metadata(), start, connection)
        case .initProducerId:
            var response = InitProducerIdResponse()
            response.producerId = 7
            answer(InitProducerIdRequest.self, response, start, connection)
        case .produce:
            guard let request = read(ProduceRequest.self, frame, start.version) else { return connection.close() }
            guard let response = broker.produce(request) else { return connection.close() }
            if request.acks != 0 { answer(ProduceRequest.self, response, start, connection) }
        case .fetch:
            guard let request = read(FetchRequest.self, frame, start.version) else { return connection.close() }
            answer(FetchRequest.self, broker.fetch(request), start, connection)
        case .listOffsets:
            guard let request = read(ListOffsetsRequest.self, frame, start.version) else { return connection.close() }
            answer(ListOffsetsRequest.self, broker.listOffsets(request), start, connection)
        default:
            guard let answer = broker.coordinate(frame, start) else { return connection.close() }
            connection.send(answer)
        }
    }

    private func read<R: ApiRequest>(_: R.Type, _ frame: Bytes, _ version: Int16) -> R? {
        let headerVersion = R.api.requestHeaderVersion(version)
        guard let (_, position) = try? RequestHeader.read(frame, headerVersion: headerVersion) else { return nil }
        var decoder = WireDecoder(frame, at: position, version: version, flexible: R.api.isFlexible(version))
        return try? R.read(&decoder)
    }

    private func answer<R: ApiRequest>(
        _: R.Type, _ response: R.Response, _ start: (key: ApiKey, version: Int16, correlationId: Int32),
        _ connection: Connection
    ) {
        let frame = try? Framing.response(
            response, api: R.api, version: start.version, correlationId: start.correlationId)
        if let frame { connection.send(frame) }
    }
}
