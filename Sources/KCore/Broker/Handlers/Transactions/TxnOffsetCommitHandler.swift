/// TxnOffsetCommit: how far a group has come, as part of a transaction.
///
/// The first of a transaction in a partition of `__consumer_offsets` is taken only when the transaction's coordinator has
/// confirmed that the transaction writes there, or has made the partition part of it (KIP-890): one that is late would open a
/// transaction that nobody ends, and hold the group's positions back for ever.
enum TxnOffsetCommitHandler {
    static func handle(_ request: TxnOffsetCommitRequest, _ call: Call) {
        let reply = CoordinatorReply<TxnOffsetCommitResponse> {
            call.reply($0)
        } refusal: {
            request.refused(answer(to: $0, version: call.version))
        }
        guard !request.groupId.isEmpty else { return reply.refuse(.invalidGroupId) }
        // Of nobody's transaction nobody would write the end.
        guard request.producerId >= 0 else { return reply.refuse(.invalidProducerIdMapping) }
        guard request.producerEpoch >= 0 else { return reply.refuse(.invalidProducerEpoch) }
        guard let partition = Coordinators.partition(ofGroup: request.groupId, call.image) else {
            return reply.refuse(.notCoordinator)
        }
        let adds = call.version >= TxnOffsetCommitRequest.addsGroupFrom
        let producer = TransactionMachine.Producer(id: request.producerId, epoch: request.producerEpoch)
        guard adds || call.broker.settings.verifiesTransactions,
            let log = call.partitions.find(CoordinatorTopic.groupsName)?.partition(partition)?.log,
            let number = log.beginVerification(of: producer.id, epoch: producer.epoch, hasOwnEpoch: adds)
        else { return commit(request, to: partition, call, reply) }
        let place = TopicPartition(topic: CoordinatorTopic.groupsName, partition: partition)
        call.broker.transactions.admit(request.transactionalId, producer, [place], adds: adds, call.image) { answers in
            let code = answers[place] ?? .unknownServerError
            guard code == .none else {
                if code.isAboutProducers { log.refuseTransaction(of: producer.id, number) }
                return reply.refuse(refusal(code, adds: adds))
            }
            log.confirmTransaction(of: producer.id, number)
            commit(request, to: partition, call, reply)
        }
    }

    private static func commit(
        _ request: TxnOffsetCommitRequest, to partition: Int32, _ call: Call,
        _ reply: CoordinatorReply<TxnOffsetCommitResponse>
    ) {
        let producer = CoordinatorProducer(id: request.producerId, epoch: request.producerEpoch)
        let images = call.broker.images
        call.broker.coordinators.groups.submit(to: partition, in: producer, reply) { coordinator, turn, reply in
            coordinator.commit(request, &turn, reply, exists: images.image.hasPartition(of:_:))
        }
    }

    // That the transaction's coordinator could not say is none of the group's coordinator's doing.
    private static func refusal(_ code: ErrorCode, adds: Bool) -> ErrorCode {
        switch code {
        case .concurrentTransactions where adds: code
        case .concurrentTransactions, .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator:
            .coordinatorNotAvailable
        default: code
        }
    }

    // As Kafka's group coordinator answers, in the words that a version knows.
    private static func answer(to code: ErrorCode, version: Int16) -> ErrorCode {
        switch code {
        case .producerFenced: .invalidProducerEpoch
        case .transactionAbortable where version < 4: .invalidTxnState
        case .invalidTxnState where version >= 4: .transactionAbortable
        default: code
        }
    }
}
