/// InitProducerId for idempotent producers (KIP-98): an id that nobody else has had.
enum InitProducerIdHandler {
    static func handle(_ request: InitProducerIdRequest, _ call: Call) {
        if let transactionalId = request.transactionalId {
            // A transactional id belongs to a coordinator, which this broker does not have: it does not answer
            // FindCoordinator either, so only a client that skips that comes here.
            call.broker.logger.warning("transactions are not supported", ["transactionalId": transactionalId])
            var response = InitProducerIdResponse()
            response.producerEpoch = -1
            response.errorCode = transactionalId.isEmpty ? .invalidRequest : .notCoordinator
            return call.reply(response)
        }
        call.broker.producerIds.next { result in
            var response = InitProducerIdResponse()
            switch result {
            case .success(let id):
                response.producerId = id
                response.producerEpoch = 0
            case .failure(let code):
                response.producerEpoch = -1
                response.errorCode = code
            }
            call.reply(response)
        }
    }
}
