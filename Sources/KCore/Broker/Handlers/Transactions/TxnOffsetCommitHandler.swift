/// TxnOffsetCommit: how far a group has come, as part of a transaction.
enum TxnOffsetCommitHandler {
    static func handle(_ request: TxnOffsetCommitRequest, _ call: Call) {
        let reply = CoordinatorReply<TxnOffsetCommitResponse>({ call.reply($0) }, refusal: { request.refused($0) })
        guard !request.groupId.isEmpty else { return reply.refuse(.invalidGroupId) }
        guard let partition = Coordinators.partition(ofGroup: request.groupId, call.image) else {
            return reply.refuse(.notCoordinator)
        }
        let producer = CoordinatorProducer(id: request.producerId, epoch: request.producerEpoch)
        call.broker.coordinators.groups.submit(to: partition, in: producer, reply) { coordinator, turn, reply in
            coordinator.commit(request, &turn, reply)
        }
    }
}
