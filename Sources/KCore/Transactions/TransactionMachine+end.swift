extension TransactionMachine {
    enum Ended: Equatable, Sendable {
        /// It is decided; the producer goes on as what this says.
        case decided(Producer)
        /// A producer id that nobody has had is needed: ask again with one.
        case needsProducerId
        case failed(ErrorCode)
    }

    /// Commits or aborts a transaction (EndTxn).
    /// - Parameters:
    ///   - bumpsEpoch: whether the client's transactions have an epoch each: what is late from an earlier one then never
    ///     touches the next (KIP-890, KAFKA-17754).
    ///   - freshId: a producer id that was never given to anybody, when there is one at hand.
    mutating func end(
        _ id: String, _ producer: Producer, isCommit: Bool, bumpsEpoch: Bool, freshId: Int64? = nil,
        _ turn: inout Turn
    ) -> Ended {
        if id.isEmpty { return .failed(.invalidRequest) }
        guard let state = states[id] else { return .failed(.invalidProducerIdMapping) }
        if bumpsEpoch && state.willBe(producer) { return .failed(.concurrentTransactions) }
        let isRepeated = bumpsEpoch && isRepetition(producer, state)
        guard state.producerId == producer.id || isRepeated else { return .failed(.invalidProducerIdMapping) }
        guard isRepeated || state.producerEpoch == producer.epoch else { return .failed(.producerFenced) }
        switch state.status {
        case .ongoing:
            return decide(id, state, isCommit: isCommit, bumpsEpoch: bumpsEpoch, freshId: freshId, &turn)
        case .prepareCommit, .prepareAbort:
            // The end of the next transaction already: one that was given up before it could add anything.
            if bumpsEpoch && !isRepeated { return .failed(.concurrentTransactions) }
            let isSame = isCommit == (state.status == .prepareCommit)
            return .failed(isSame ? .concurrentTransactions : .invalidTxnState)
        case .completeCommit, .completeAbort:
            let isSame = isCommit == (state.status == .completeCommit)
            if bumpsEpoch ? isRepeated : true {
                return isSame
                    ? .decided(Producer(id: state.producerId, epoch: state.producerEpoch)) : .failed(.invalidTxnState)
            }
            return endEmpty(id, state, isCommit: isCommit, freshId: freshId, &turn)
        case .empty where bumpsEpoch && !isRepeated:
            return endEmpty(id, state, isCommit: isCommit, freshId: freshId, &turn)
        default:
            return .failed(.invalidTxnState)
        }
    }

    // The client did not hear that its transaction had ended, and what it has since been given.
    private func isRepetition(_ producer: Producer, _ state: TransactionState) -> Bool {
        guard state.bumpsEpochs else { return false }
        // Whose last epoch is used up gets another id when it ends its transaction, and none when it is fenced.
        if state.producerEpoch == Int16.max && state.nextProducerId < 0 { return false }
        if state.producerId == producer.id {
            guard producer.epoch < Int16.max, state.producerEpoch == producer.epoch + 1 else { return false }
            // The epoch above the last one is given to nobody: whose transaction is over with it has another id, or was fenced.
            return state.isPrepared
                || state.producerEpoch < Int16.max && state.status != .ongoing
                    && state.status != .empty
        }
        return state.previousProducerId == producer.id && producer.epoch == TransactionState.lastUsableEpoch
            && state.producerEpoch == 0 && (state.status == .completeCommit || state.status == .completeAbort)
    }

    // A producer that has added nothing, or does not know whether it has, may abort; its epoch is raised all the same.
    private mutating func endEmpty(
        _ id: String, _ state: TransactionState, isCommit: Bool, freshId: Int64?, _ turn: inout Turn
    ) -> Ended {
        if isCommit { return .failed(.invalidTxnState) }
        var begun = state
        begun.startMs = turn.wallMs
        begun.partitions = []
        return decide(id, begun, isCommit: false, bumpsEpoch: true, freshId: freshId, &turn)
    }

    private mutating func decide(
        _ id: String, _ state: TransactionState, isCommit: Bool, bumpsEpoch: Bool, freshId: Int64?, _ turn: inout Turn
    ) -> Ended {
        var next = state
        next.clientVersion = bumpsEpoch ? max(state.clientVersion, 2) : state.clientVersion
        guard bumpsEpoch else {
            prepare(id, next, isCommit: isCommit, &turn)
            return .decided(Producer(id: state.producerId, epoch: state.producerEpoch))
        }
        if state.isEpochExhausted {
            guard let freshId else { return .needsProducerId }
            next.nextProducerId = freshId
        }
        next.lastProducerEpoch = state.producerEpoch
        // The markers carry an epoch that no batch of the transaction has.
        if next.producerEpoch < Int16.max { next.producerEpoch += 1 }
        prepare(id, next, isCommit: isCommit, &turn)
        return .decided(
            next.nextProducerId >= 0
                ? Producer(id: next.nextProducerId, epoch: 0) : Producer(id: next.producerId, epoch: next.producerEpoch)
        )
    }

    /// Writes down how a transaction ends, from where on it ends like that whatever crashes, and has the markers written.
    mutating func prepare(_ id: String, _ state: TransactionState, isCommit: Bool, _ turn: inout Turn) {
        var next = state
        next.status = isCommit ? .prepareCommit : .prepareAbort
        next.updateMs = turn.wallMs
        keep(next, of: id, &turn)
        sendMarkers(id, next, &turn)
    }

    func sendMarkers(_ id: String, _ state: TransactionState, _ turn: inout Turn) {
        let end = TransactionEnd(
            transactionalId: id, producerId: state.producerId, producerEpoch: state.producerEpoch,
            isCommit: state.status == .prepareCommit, partitions: state.partitions, coordinatorPartition: partition)
        turn.whenKept { [writeMarkers] in writeMarkers(end) }
    }

    /// All partitions of a transaction have its marker: it is over.
    mutating func markersWritten(_ end: TransactionEnd, _ turn: inout Turn) {
        guard let state = states[end.transactionalId], state.isPrepared, state.producerId == end.producerId,
            state.producerEpoch == end.producerEpoch, end.isCommit == (state.status == .prepareCommit)
        else { return }
        var next = state
        next.status = end.isCommit ? .completeCommit : .completeAbort
        next.partitions = []
        next.updateMs = turn.wallMs
        if state.nextProducerId >= 0 {
            next.previousProducerId = state.producerId
            next.producerId = state.nextProducerId
            next.nextProducerId = -1
            next.producerEpoch = 0
        }
        keep(next, of: end.transactionalId, &turn)
    }
}
