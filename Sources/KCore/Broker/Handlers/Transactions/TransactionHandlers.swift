/// AddPartitionsToTxn, AddOffsetsToTxn and EndTxn: what a producer tells the coordinator of its transaction.
enum TransactionHandlers {
    typealias Producer = TransactionMachine.Producer

    static func addOffsets(_ request: AddOffsetsToTxnRequest, _ call: Call) {
        let reply = CoordinatorReply<ErrorCode> { code in
            var response = AddOffsetsToTxnResponse()
            response.errorCode = code.forFenced(knownFrom: 2, call)
            call.reply(response)
        } refusal: {
            $0
        }
        guard !request.groupId.isEmpty else { return reply.send(.invalidGroupId) }
        let image = call.image
        guard image.topic(CoordinatorTopic.groupsName) == nil,
            let topic = call.broker.coordinators.topic(.group, image)
        else { return addOffsets(request, call, reply) }
        // Nobody has asked for a group yet: its topic is made now, as the one for who looks for its coordinator.
        call.broker.controller.submit(topic.creation) { _ in
            call.loop.execute { addOffsets(request, call, reply) }
        }
    }

    private static func addOffsets(
        _ request: AddOffsetsToTxnRequest, _ call: Call, _ reply: CoordinatorReply<ErrorCode>
    ) {
        guard let topic = call.image.topic(CoordinatorTopic.groupsName) else {
            return reply.send(.coordinatorNotAvailable)
        }
        let index = CoordinatorTopic.partition(of: request.groupId, count: Int32(topic.partitions.count))
        let partition = TopicPartition(topic: topic.name, partition: index)
        let producer = Producer(id: request.producerId, epoch: request.producerEpoch)
        call.broker.transactions.submit(request.transactionalId, call.image, reply) { machine, turn in
            machine.addPartitions(request.transactionalId, producer, [partition], &turn)
        }
    }

    /// From version 5 on the transaction gets an epoch of its own (KIP-890).
    static func end(_ request: EndTxnRequest, _ call: Call) {
        let producer = Producer(id: request.producerId, epoch: request.producerEpoch)
        call.broker.transactions.end(
            request.transactionalId, producer, isCommit: request.committed, bumpsEpoch: call.version >= 5, call.image
        ) { answer in
            var response = EndTxnResponse()
            switch answer {
            case .decided(let producer):
                response.producerId = producer.id
                response.producerEpoch = producer.epoch
            case .failed(let code): response.errorCode = code.forFenced(knownFrom: 2, call)
            case .needsProducerId: response.errorCode = .unknownServerError
            }
            call.reply(response)
        }
    }

    static func addPartitions(_ request: AddPartitionsToTxnRequest, _ call: Call) {
        guard call.version < 4 else { return addMany(request.transactions, call) }
        var transaction = AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction()
        transaction.transactionalId = request.v3AndBelowTransactionalId
        transaction.producerId = request.v3AndBelowProducerId
        transaction.producerEpoch = request.v3AndBelowProducerEpoch
        transaction.topics = request.v3AndBelowTopics
        add(transaction, call) { result in
            var response = AddPartitionsToTxnResponse()
            response.resultsByTopicV3AndBelow = result.topicResults
            call.reply(response)
        }
    }

    private static func addMany(
        _ transactions: [AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction], _ call: Call
    ) {
        typealias Result = AddPartitionsToTxnResponse.AddPartitionsToTxnResult
        let answers = OrderedAnswers<Result>(count: transactions.count, on: call.loop) { results in
            var response = AddPartitionsToTxnResponse()
            response.resultsByTransaction = results
            call.reply(response)
        }
        for (index, transaction) in transactions.enumerated() {
            add(transaction, call) { answers.set(index, $0) }
        }
    }

    private static func add(
        _ transaction: AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction, _ call: Call,
        _ completion: @escaping @Sendable (AddPartitionsToTxnResponse.AddPartitionsToTxnResult) -> Void
    ) {
        var errors: [TopicPartition: ErrorCode] = [:]
        for topic in transaction.topics {
            for index in topic.partitions {
                let partition = TopicPartition(topic: topic.name, partition: index)
                errors[partition] = error(of: partition, call)
            }
        }
        let places = Set(errors.keys)
        let finish = { @Sendable (errors: [TopicPartition: ErrorCode]) in
            completion(result(transaction, errors, call))
        }
        if errors.values.contains(where: { $0 != .none }) {
            // All or nothing.
            return finish(errors.mapValues { $0 == .none ? .operationNotAttempted : $0 })
        }
        let id = transaction.transactionalId
        let producer = Producer(id: transaction.producerId, epoch: transaction.producerEpoch)
        let reply = CoordinatorReply<[TopicPartition: ErrorCode]>(finish) { code in
            Dictionary(uniqueKeysWithValues: places.map { ($0, code) })
        }
        let isForClients = call.version < 4
        call.broker.transactions.submit(id, call.image, reply) { machine, turn in
            if transaction.verifyOnly { return machine.verify(id, producer, places) }
            let code = machine.addPartitions(id, producer, places, clientVersion: isForClients ? 0 : 2, &turn)
            return Dictionary(uniqueKeysWithValues: places.map { ($0, code) })
        }
    }

    private static func error(of partition: TopicPartition, _ call: Call) -> ErrorCode {
        // Clients write to internal topics through coordinators only; versions from 4 on are of brokers.
        if call.version < 4 && TopicName.isInternal(partition.topic) { return .topicAuthorizationFailed }
        guard let topic = call.image.topic(partition.topic), topic.partition(partition.partition) != nil else {
            return .unknownTopicOrPartition
        }
        return .none
    }

    private static func result(
        _ transaction: AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction, _ errors: [TopicPartition: ErrorCode],
        _ call: Call
    ) -> AddPartitionsToTxnResponse.AddPartitionsToTxnResult {
        var result = AddPartitionsToTxnResponse.AddPartitionsToTxnResult()
        result.transactionalId = transaction.transactionalId
        result.topicResults = transaction.topics.map { topic in
            var answer = AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult()
            answer.name = topic.name
            answer.resultsByPartition = topic.partitions.map { index in
                var partition = AddPartitionsToTxnResponse.AddPartitionsToTxnPartitionResult()
                partition.partitionIndex = index
                let code = errors[TopicPartition(topic: topic.name, partition: index)] ?? .unknownServerError
                partition.partitionErrorCode = code.forFenced(knownFrom: 2, call).forAbortable(call)
                return partition
            }
            return answer
        }
        return result
    }
}

extension ErrorCode {
    /// TRANSACTION_ABORTABLE is INVALID_TXN_STATE to brokers that are older than it (KIP-890).
    fileprivate func forAbortable(_ call: Call) -> ErrorCode {
        self == .transactionAbortable && call.version < 5 ? .invalidTxnState : self
    }
}
