extension ProducerRunner {
    /// Passes a batch on, or holds it until the coordinator knows that the transaction writes to its partition.
    func admit(_ batch: ProducerBatch) {
        guard transaction != nil else { return core.add(batch) }
        let failure = transaction?.failure ?? (transaction?.isOpen == true ? nil : .noTransaction)
        if let failure { return core.effects.append(.failed(batch, failure)) }
        if transaction?.admit(batch) == true { core.add(batch) }
    }

    /// Asks the coordinator for what is held, if nobody has asked yet.
    func askToAddPartitions() {
        guard let now = transaction, now.isOpen else { return }
        // What was in flight when the transaction failed is not sent again.
        if let failure = now.failure { return core.failWaiting(failure) }
        guard !now.isAsking, let identity = core.identity else { return }
        let wanted = now.wanted
        guard !wanted.isEmpty else { return }
        transaction?.isAsking = true
        transaction?.isKnown = true
        let request = AddPartitionsToTxnRequest(runtime.config.transactionalId, identity, wanted)
        guard let address = coordinator else { return findCoordinator() }
        // From version 4 on it is for brokers.
        runtime.send(request, to: address, versions: 0...3, timeoutMs: Int64(runtime.config.requestTimeoutMs)) {
            [weak self] result in
            guard let self, !isEnded, transaction?.isOpen == true else { return }
            transaction?.isAsking = false
            switch result {
            case .failure(let error): retryToAdd(error, forgetsCoordinator: true)
            case .success(let response): answered(response, wanted)
            }
        }
    }

    private func answered(_ response: AddPartitionsToTxnResponse, _ wanted: [TopicPartition]) {
        let codes = response.resultsByTopicV3AndBelow.flatMap { $0.resultsByPartition.map(\.partitionErrorCode) }
        // Of several, the one that says why: the others were not tried.
        let code = codes.first { $0 != .none && $0 != .operationNotAttempted } ?? codes.first { $0 != .none } ?? .none
        guard code == .none, codes.count == wanted.count else {
            let error = ClientError.refused(
                "add partitions to the transaction", code == .none ? .unknownServerError : code,
                producer: runtime.config)
            guard code.isRetriable || code.isAboutCoordinators else { return giveUp(error) }
            return retryToAdd(error, forgetsCoordinator: code.isAboutCoordinators)
        }
        for batch in transaction?.added(wanted) ?? [] { core.add(batch) }
        pump()
    }

    private func retryToAdd(_ error: ClientError, forgetsCoordinator: Bool) {
        if forgetsCoordinator { coordinator = nil }
        transaction?.attemptFailed()
        let attempts = transaction?.attempts ?? 0
        guard attempts <= 200 else { return giveUp(error) }
        // The transaction before this one ends within milliseconds.
        let isShort = error.errorCode == .concurrentTransactions
        let delay = isShort ? Int64(min(attempts * 5, 50)) : Int64(runtime.config.retryBackoffMs)
        runtime.schedule(afterMs: delay) { [weak self] in self?.pump() }
    }

    private func findCoordinator() {
        var request = FindCoordinatorRequest()
        request.keyType = .transaction
        let id = runtime.config.transactionalId
        runtime.send(
            request, to: runtime.anyServer(), versions: 1...FindCoordinatorRequest.api.versions.upperBound,
            timeoutMs: Int64(runtime.config.requestTimeoutMs),
            adapt: { request, version in
                if version >= 4 { request.coordinatorKeys = [id] } else { request.key = id }
            }
        ) { [weak self] result in
            guard let self, !isEnded else { return }
            transaction?.isAsking = false
            switch result {
            case .failure(let error): retryToAdd(error, forgetsCoordinator: true)
            case .success(let response):
                do throws(ClientError) {
                    coordinator = try response.address(of: id)
                    pump()
                } catch {
                    retryToAdd(error, forgetsCoordinator: true)
                }
            }
        }
    }

    private func giveUp(_ error: ClientError) {
        transactionFailed(error)
        pump()
    }

    /// The transaction can only be aborted: what waits fails with it.
    func transactionFailed(_ error: ClientError) {
        guard transaction?.isOpen == true, transaction?.failure == nil else { return }
        transaction?.failure = error
        for batch in transaction?.takeHeld() ?? [] { core.effects.append(.failed(batch, error)) }
        core.failWaiting(error)
        pump()
    }
}

extension AddPartitionsToTxnRequest {
    fileprivate init(_ id: String, _ identity: ProducerIdentity, _ partitions: [TopicPartition]) {
        self.init()
        v3AndBelowTransactionalId = id
        v3AndBelowProducerId = identity.id
        v3AndBelowProducerEpoch = identity.epoch
        v3AndBelowTopics = Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }.map {
            var topic = AddPartitionsToTxnTopic()
            topic.name = $0.key
            topic.partitions = $0.value.map(\.partition).sorted()
            return topic
        }
    }
}

extension FindCoordinatorResponse {
    /// Where the coordinator of `key` is, in any version.
    func address(of key: String) throws(ClientError) -> HostAndPort {
        let found = coordinators.first { $0.key == key }
        let code = found?.errorCode ?? errorCode
        guard code == .none else {
            throw .refused("find the coordinator of \(key)", code, detail: found?.errorMessage ?? errorMessage)
        }
        guard let port = UInt16(exactly: found?.port ?? port), port > 0 else {
            throw .refused("find the coordinator of \(key)", .coordinatorNotAvailable)
        }
        return HostAndPort(host: found?.host ?? host, port: port)
    }
}

extension ErrorCode {
    /// The cause is that the coordinator is not where the client thinks, or not ready.
    var isAboutCoordinators: Bool {
        self == .notCoordinator || self == .coordinatorNotAvailable || self == .coordinatorLoadInProgress
    }
}

extension ClientError {
    static let noTransaction = ClientError(.configuration, "no transaction is open: begin one before records are sent")
}
