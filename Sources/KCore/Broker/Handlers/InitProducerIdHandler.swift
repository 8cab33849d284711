/// InitProducerId (KIP-98): for idempotent producers an id that nobody else has had, for transactional ones who they are
/// from now on, as their coordinator decides.
enum InitProducerIdHandler {
    static func handle(_ request: InitProducerIdRequest, _ call: Call) {
        if let transactionalId = request.transactionalId { return initialize(transactionalId, request, call) }
        call.broker.producerIds.next { result in
            switch result {
            case .success(let id): reply(call, id: id, epoch: 0)
            case .failure(let code): reply(call, code)
            }
        }
    }

    private static func initialize(_ id: String, _ request: InitProducerIdRequest, _ call: Call) {
        // Either both or none (KIP-360).
        guard (request.producerId < 0) == (request.producerEpoch < 0) else { return reply(call, .invalidRequest) }
        let expected =
            request.producerId < 0
            ? nil : TransactionMachine.Producer(id: request.producerId, epoch: request.producerEpoch)
        call.broker.transactions.initialize(
            id, timeoutMs: request.transactionTimeoutMs, expected: expected, call.image
        ) { answer in
            switch answer {
            case .producer(let producer): reply(call, id: producer.id, epoch: producer.epoch)
            case .failed(let code): reply(call, code.forFenced(knownFrom: 4, call))
            case .needsProducerId: reply(call, .unknownServerError)
            }
        }
    }

    private static func reply(_ call: Call, _ code: ErrorCode = .none, id: Int64 = -1, epoch: Int16 = -1) {
        var response = InitProducerIdResponse()
        response.errorCode = code
        response.producerId = id
        response.producerEpoch = epoch
        call.reply(response)
    }
}

extension ErrorCode {
    /// PRODUCER_FENCED is INVALID_PRODUCER_EPOCH to clients that are older than it (KIP-588).
    func forFenced(knownFrom version: Int16, _ call: Call) -> ErrorCode {
        self == .producerFenced && call.version < version ? .invalidProducerEpoch : self
    }
}
