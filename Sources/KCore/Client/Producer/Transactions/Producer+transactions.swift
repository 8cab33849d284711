/// Transactions (KIP-98): records of several partitions, and how far a group has come, that count together or not at all.
///
/// One thread at a time calls these; they wait for the coordinator. `transactional.id` names the producer: whoever begins
/// with the same name later takes over, and this one is refused from then on.
extension Producer {
    /// Takes over the transactional id: an open transaction of an earlier producer of this name is aborted, and that
    /// producer fenced. To be called once, first of all.
    /// - Throws: ``ClientError/Kind/configuration`` without a `transactional.id`.
    public func initTransactions() throws(ClientError) {
        try checkIsTransactional()
        try become(nil)
    }

    /// Begins a transaction, to which all records belong that are sent until it ends.
    public func beginTransaction() throws(ClientError) {
        try checkIsTransactional()
        let state = try transactionState()
        guard state.identity != nil else {
            throw ClientError(.configuration, "initTransactions comes before the first transaction")
        }
        guard !state.isOpen else { throw ClientError(.configuration, "a transaction is open already") }
        try onLoop { runner in
            let level = runner.runtime.finalizedLevel(of: ApiVersionsResponse.transactionVersion)
            runner.transaction?.begin(addsByWriting: level >= 2)
        }
    }

    /// Waits until all records are delivered, and makes them count.
    /// - Throws: what made a record fail, in which case the transaction can only be aborted; PRODUCER_FENCED or
    ///   INVALID_PRODUCER_EPOCH when somebody else has ended it: another producer, or the broker after
    ///   `transaction.timeout.ms`.
    public func commitTransaction() throws(ClientError) {
        try checkIsOpen()
        try flush()
        let state = try transactionState()
        if let failure = state.failure {
            throw ClientError(failure.kind, "the transaction can only be aborted: \(failure.message)")
        }
        _ = try end(state, isCommit: true)
    }

    /// Gives the transaction up: what is not delivered fails, and what is never counts.
    public func abortTransaction() throws(ClientError) {
        try checkIsOpen()
        try onLoop { runner in runner.transactionFailed(.abortedByCaller) }
        try flush()
        let state = try transactionState()
        let hasNewEpoch = try end(state, isCommit: false)
        // What has failed may have left a gap in the numbers, or may still arrive.
        if state.isKnown, !hasNewEpoch { try become(state.identity) }
    }

    /// Makes offsets of a consumer group part of the transaction: they count when it commits.
    /// - Parameters:
    ///   - offsets: of the first records that are not handled yet.
    ///   - generation: with `memberId`, who the consumer is in its group, so that one that was thrown out is refused
    ///     (KIP-447); -1 and empty for a group that nobody is a member of.
    /// - Throws: why they are not part of it; the transaction can only be aborted then.
    public func sendOffsets(
        _ offsets: [TopicPartition: Int64], group: String, generation: Int32 = -1, memberId: String = "",
        instanceId: String? = nil
    ) throws(ClientError) {
        try checkIsOpen()
        let state = try transactionState()
        guard let identity = state.identity else { throw .noTransaction }
        if offsets.isEmpty { return }
        do throws(ClientError) {
            try onLoop { runner in runner.transaction?.isKnown = true }
            try add(offsets, group, identity, (generation, memberId, instanceId), addsByWriting: state.addsByWriting)
        } catch {
            // Output without the positions of what it was made from would be made again.
            try onLoop { [error] runner in
                if runner.transaction?.failure == nil { runner.transaction?.failure = error }
            }
            throw error
        }
    }

    private func add(
        _ offsets: [TopicPartition: Int64], _ group: String, _ identity: ProducerIdentity,
        _ member: (generation: Int32, id: String, instanceId: String?), addsByWriting: Bool
    ) throws(ClientError) {
        if !addsByWriting {
            var add = AddOffsetsToTxnRequest()
            add.transactionalId = client.config.transactionalId
            add.producerId = identity.id
            add.producerEpoch = identity.epoch
            add.groupId = group
            _ = try coordination.ask(add, "add offsets of \(group) to the transaction") { $0.errorCode }
        }
        var commit = TxnOffsetCommitRequest()
        commit.transactionalId = client.config.transactionalId
        commit.groupId = group
        commit.producerId = identity.id
        commit.producerEpoch = identity.epoch
        (commit.generationId, commit.memberId, commit.groupInstanceId) = member
        commit.topics = Dictionary(grouping: offsets.keys, by: \.topic).sorted { $0.key < $1.key }.map { name, places in
            var topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic()
            topic.name = name
            topic.partitions = places.sorted().map { place in
                var partition = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition()
                partition.partitionIndex = place.partition
                partition.committedOffset = offsets[place] ?? 0
                return partition
            }
            return topic
        }
        try commitOffsets(commit, addsByWriting: addsByWriting)
    }

    private func commitOffsets(_ commit: TxnOffsetCommitRequest, addsByWriting: Bool) throws(ClientError) {
        let group = commit.groupId
        let (addsFrom, newest) = (TxnOffsetCommitRequest.addsGroupFrom, TxnOffsetCommitRequest.api.versions.upperBound)
        let versions = addsByWriting ? addsFrom...newest : 0...(addsFrom - 1)
        try client.retrying { leftMs throws(ClientError) in
            var find = FindCoordinatorRequest()
            find.keyType = .group
            let found = try client.call(find, timeoutMs: Int(leftMs)) { request, version in
                if version >= 4 { request.coordinatorKeys = [group] } else { request.key = group }
            }
            let address = try found.address(of: group)
            let timeout = min(leftMs, Int64(client.config.requestTimeoutMs))
            let response: TxnOffsetCommitResponse = try client.blocking(
                "commit offsets of \(group)", timeoutMs: timeout + 1000
            ) { runtime, complete in
                runtime.send(
                    commit, to: address, versions: versions, timeoutMs: timeout,
                    adapt: { request, version in
                        guard version < 3 else { return }
                        (request.generationId, request.memberId, request.groupInstanceId) = (-1, "", nil)
                    }
                ) { complete($0) }
            }
            let codes = response.topics.flatMap { $0.partitions.map(\.errorCode) }
            if let code = codes.first(where: { $0 != .none }) {
                throw .refused("commit offsets of \(group)", code, producer: client.config)
            }
        }
    }

    // MARK: Parts

    private func checkIsTransactional() throws(ClientError) {
        guard client.config.isTransactional else {
            throw ClientError(.configuration, "transactions need a transactional.id")
        }
    }

    private func checkIsOpen() throws(ClientError) {
        try checkIsTransactional()
        guard try transactionState().isOpen else { throw ClientError(.configuration, "no transaction is open") }
    }

    /// The producer's transaction as it was when the loop was asked.
    private struct TransactionSnapshot: Sendable {
        var isOpen: Bool
        var isKnown: Bool
        var addsByWriting: Bool
        var failure: ClientError?
        var identity: ProducerIdentity?
    }

    private func transactionState() throws(ClientError) -> TransactionSnapshot {
        try client.blocking("look at the transaction", timeoutMs: 10_000) { [runner] _, complete in
            let transaction = runner.transaction
            complete(
                .success(
                    TransactionSnapshot(
                        isOpen: transaction?.isOpen ?? false, isKnown: transaction?.isKnown ?? false,
                        addsByWriting: transaction?.addsByWriting ?? false,
                        failure: transaction?.failure, identity: runner.core.identity)))
        }
    }

    private func onLoop(_ body: @escaping @Sendable (ProducerRunner) -> Void) throws(ClientError) {
        let _: Bool = try client.blocking("change the transaction", timeoutMs: 10_000) { [runner] _, complete in
            body(runner)
            complete(.success(true))
        }
    }

    private func become(_ expected: ProducerIdentity?) throws(ClientError) {
        var request = InitProducerIdRequest()
        request.transactionalId = client.config.transactionalId
        request.transactionTimeoutMs = Int32(client.config.transactionTimeoutMs)
        request.producerId = expected?.id ?? -1
        request.producerEpoch = expected?.epoch ?? -1
        let response = try coordination.ask(
            request, "become the producer \(client.config.transactionalId)",
            adapt: { request, version in
                if version < 3 { (request.producerId, request.producerEpoch) = (-1, -1) }
            }
        ) { $0.errorCode }
        let identity = ProducerIdentity(id: response.producerId, epoch: response.producerEpoch)
        try onLoop { runner in runner.core.restartAll(identity) }
    }

    /// - Returns: whether the producer has another epoch now.
    private func end(_ state: TransactionSnapshot, isCommit: Bool) throws(ClientError) -> Bool {
        var next: ProducerIdentity?
        if state.isKnown, let identity = state.identity {
            var request = EndTxnRequest()
            request.transactionalId = client.config.transactionalId
            request.producerId = identity.id
            request.producerEpoch = identity.epoch
            request.committed = isCommit
            let action = isCommit ? "commit the transaction" : "abort the transaction"
            // From version 5 on each transaction has its own epoch: without that, what is late would be added to the next one.
            let versions = state.addsByWriting ? 5...EndTxnRequest.api.versions.upperBound : nil
            let response = try coordination.ask(request, action, versions: versions) { $0.errorCode }
            if response.producerId >= 0 {
                next = ProducerIdentity(id: response.producerId, epoch: response.producerEpoch)
            }
        }
        try onLoop { [next] runner in
            runner.transaction = ProducerTransaction()
            if let next { runner.core.restartAll(next) }
        }
        return next != nil
    }
}

extension ClientError {
    fileprivate static let abortedByCaller = ClientError(.interrupted, "the transaction was aborted")
}
