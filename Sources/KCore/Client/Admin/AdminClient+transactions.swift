/// A transactional id as its coordinator lists it.
public struct TransactionListing: Sendable, Equatable {
    public var transactionalId: String
    public var producerId: Int64
    /// `Empty`, `Ongoing`, `PrepareCommit` and so on.
    public var state: String
    /// The broker that coordinates it.
    public var coordinator: Int32
}

/// A transactional id as its coordinator describes it.
public struct TransactionDescription: Sendable, Equatable {
    public var transactionalId: String
    public var error: ErrorCode
    public var producerId: Int64 = -1
    public var producerEpoch: Int16 = -1
    public var state = ""
    public var timeoutMs: Int32 = 0
    /// Milliseconds since 1970; -1 when none has begun.
    public var startMs: Int64 = -1
    public var partitions: [TopicPartition] = []
}

/// A producer as the leader of a partition knows it.
public struct ProducerDescription: Sendable, Equatable {
    public var producerId: Int64
    public var epoch: Int32
    public var lastSequence: Int32
    /// Milliseconds since 1970.
    public var lastTimestampMs: Int64
    /// -1 when no coordinator has written for it.
    public var coordinatorEpoch: Int32
    /// Where its open transaction begins; -1 when there is none.
    public var transactionStartOffset: Int64
}

extension AdminClient {
    /// Transactional ids of all brokers, as far as those know them.
    /// - Parameters:
    ///   - states: names of states; empty for all.
    ///   - producerIds: empty for all.
    ///   - minDurationMs: how long a transaction must have been open; -1 for any time.
    /// - Returns: also why some are missing, of each broker where they are.
    public func listTransactions(
        states: [String] = [], producerIds: [Int64] = [], minDurationMs: Int64 = -1
    ) throws(ClientError) -> (listings: [TransactionListing], missing: [ClientError]) {
        var request = ListTransactionsRequest()
        request.stateFilters = states
        request.producerIdFilters = producerIds
        request.durationFilter = minDurationMs
        var listings: [TransactionListing] = []
        var missing: [ClientError] = []
        for id in try brokerIds() {
            let response = try client.retrying { leftMs throws(ClientError) in
                let response = try client.call(request, to: .broker(id), timeoutMs: Int(leftMs))
                guard response.errorCode == .none || response.errorCode == .coordinatorNotAvailable else {
                    throw .refused("list transactions", response.errorCode)
                }
                return response
            }
            if response.errorCode != .none {
                missing.append(.refused("list all transactions of broker \(id)", response.errorCode))
            }
            if let unknown = response.unknownStateFilters.first {
                throw ClientError(.configuration, "there is no transaction state \(unknown)")
            }
            listings += response.transactionStates.map {
                TransactionListing(
                    transactionalId: $0.transactionalId, producerId: $0.producerId, state: $0.transactionState,
                    coordinator: id)
            }
        }
        return (listings.sorted { $0.transactionalId < $1.transactionalId }, missing)
    }

    /// One that does not exist comes with its error.
    public func describeTransactions(_ ids: [String]) throws(ClientError) -> [TransactionDescription] {
        var descriptions: [TransactionDescription] = []
        for id in ids {
            var request = DescribeTransactionsRequest()
            request.transactionalIds = [id]
            let response = try client.retrying { leftMs throws(ClientError) in
                let response = try ask(request, coordinatorOf: id, timeoutMs: leftMs)
                let code = response.transactionStates.first?.errorCode ?? .none
                if code.isAboutCoordinators { throw .refused("describe \(id)", code) }
                return response
            }
            descriptions += response.transactionStates.map { state in
                TransactionDescription(
                    transactionalId: state.transactionalId, error: state.errorCode, producerId: state.producerId,
                    producerEpoch: state.producerEpoch, state: state.transactionState,
                    timeoutMs: state.transactionTimeoutMs, startMs: state.transactionStartTimeMs,
                    partitions: state.topics.flatMap { topic in
                        topic.partitions.map { TopicPartition(topic: topic.topic, partition: $0) }
                    })
            }
        }
        return descriptions
    }

    /// Fences the producer of a transactional id, and has its open transaction aborted.
    public func fenceProducer(_ id: String) throws(ClientError) {
        var request = InitProducerIdRequest()
        request.transactionalId = id
        request.transactionTimeoutMs = 60_000
        try client.retrying { leftMs throws(ClientError) in
            let response = try ask(request, coordinatorOf: id, timeoutMs: leftMs)
            guard response.errorCode == .none else { throw .refused("fence \(id)", response.errorCode) }
        }
    }

    /// The producers that the leader of a partition knows.
    public func describeProducers(_ place: TopicPartition) throws(ClientError) -> [ProducerDescription] {
        var request = DescribeProducersRequest()
        var topic = DescribeProducersRequest.TopicRequest()
        topic.name = place.topic
        topic.partitionIndexes = [place.partition]
        request.topics = [topic]
        let response = try client.call(request, to: .broker(try leader(of: place)))
        guard let answer = response.topics.first?.partitions.first else {
            throw ClientError(.badData, "the broker left \(place) out of its answer")
        }
        guard answer.errorCode == .none else {
            throw .refused("describe the producers of \(place)", answer.errorCode, detail: answer.errorMessage)
        }
        return answer.activeProducers.map {
            ProducerDescription(
                producerId: $0.producerId, epoch: $0.producerEpoch, lastSequence: $0.lastSequence,
                lastTimestampMs: $0.lastTimestamp, coordinatorEpoch: $0.coordinatorEpoch,
                transactionStartOffset: $0.currentTxnStartOffset)
        }
    }

    /// Ends a transaction of one partition that no coordinator knows of any more.
    /// - Parameter producer: as ``describeProducers(_:)`` tells it.
    public func abortTransaction(of producer: ProducerDescription, in place: TopicPartition) throws(ClientError) {
        var marker = WriteTxnMarkersRequest.WritableTxnMarker()
        marker.producerId = producer.producerId
        marker.producerEpoch = Int16(clamping: producer.epoch)
        marker.coordinatorEpoch = max(producer.coordinatorEpoch, 0)
        var topic = WriteTxnMarkersRequest.WritableTxnMarkerTopic()
        topic.name = place.topic
        topic.partitionIndexes = [place.partition]
        marker.topics = [topic]
        var request = WriteTxnMarkersRequest()
        request.markers = [marker]
        let response = try client.call(request, to: .broker(try leader(of: place)))
        let code = response.markers.first?.topics.first?.partitions.first?.errorCode ?? .unknownServerError
        guard code == .none else { throw .refused("abort the transaction in \(place)", code) }
    }

    private func leader(of place: TopicPartition) throws(ClientError) -> Int32 {
        let metadata = try client.metadata(topics: [place.topic])
        let topic = metadata.topics.first { $0.name == place.topic }
        guard let topic, topic.error == .none,
            let partition = topic.partitions.first(where: { $0.index == place.partition })
        else { throw .refused("find \(place)", .unknownTopicOrPartition) }
        guard partition.leader >= 0 else { throw .refused("find the leader of \(place)", .leaderNotAvailable) }
        return partition.leader
    }

    private func ask<R: ApiRequest>(
        _ request: R, coordinatorOf id: String, timeoutMs: Int64
    ) throws(ClientError) -> R.Response {
        var find = FindCoordinatorRequest()
        find.keyType = .transaction
        let found = try client.call(find, timeoutMs: Int(timeoutMs)) { request, version in
            if version >= 4 { request.coordinatorKeys = [id] } else { request.key = id }
        }
        let address = try found.address(of: id)
        let timeout = min(timeoutMs, Int64(client.config.requestTimeoutMs))
        return try client.blocking("ask for \(R.api.key)", timeoutMs: timeout + 1000) { runtime, complete in
            runtime.send(request, to: address, timeoutMs: timeout) { complete($0) }
        }
    }
}
