extension TransactionMachine {
    /// Who a transactional producer is from now on.
    struct Producer: Hashable, Sendable {
        var id: Int64
        var epoch: Int16
    }

    enum Initialized: Equatable, Sendable {
        case producer(Producer)
        /// A producer id that nobody has had is needed: ask again with one.
        case needsProducerId
        case failed(ErrorCode)
    }

    /// Gives a producer its id and epoch, and fences the one before it (InitProducerId).
    ///
    /// With a transaction open, that is aborted first, which the producer waits for: CONCURRENT_TRANSACTIONS.
    /// - Parameters:
    ///   - expected: what the producer believes to be, when it says so (KIP-360).
    ///   - freshId: a producer id that was never given to anybody, when there is one at hand.
    mutating func initProducer(
        _ id: String, timeoutMs: Int32, expected: Producer?, freshId: Int64?, _ turn: inout Turn
    ) -> Initialized {
        if id.isEmpty { return .failed(.invalidRequest) }
        guard timeoutMs > 0, timeoutMs <= settings.maxTimeoutMs else { return .failed(.invalidTransactionTimeout) }
        guard let state = states[id] else {
            guard let freshId else { return .needsProducerId }
            let new = TransactionState(
                producerId: freshId, producerEpoch: 0, timeoutMs: timeoutMs, updateMs: turn.wallMs)
            keep(new, of: id, &turn)
            return .producer(Producer(id: freshId, epoch: 0))
        }
        if let expected, state.willBe(expected) { return .failed(.concurrentTransactions) }
        if let expected, !isKnown(expected, state) { return .failed(.producerFenced) }
        if state.isPrepared { return .failed(.concurrentTransactions) }
        if state.status == .ongoing {
            fenceAndAbort(id, state, &turn)
            return .failed(.concurrentTransactions)
        }
        var next = state
        next.status = .empty
        next.partitions = []
        next.startMs = -1
        next.timeoutMs = timeoutMs
        next.updateMs = turn.wallMs
        if state.isEpochExhausted && expected?.epoch ?? state.producerEpoch == state.producerEpoch {
            guard let freshId else { return .needsProducerId }
            next.previousProducerId = state.producerId
            next.producerId = freshId
            next.producerEpoch = 0
            next.lastProducerEpoch = expected == nil ? -1 : state.producerEpoch
        } else if let expected, expected.epoch != state.producerEpoch {
            // It asks again for what it has been given already, and did not hear of.
            guard expected.epoch == state.lastProducerEpoch else { return .failed(.producerFenced) }
        } else {
            next.producerEpoch = state.producerEpoch + 1
            next.lastProducerEpoch = expected == nil ? -1 : state.producerEpoch
        }
        keep(next, of: id, &turn)
        return .producer(Producer(id: next.producerId, epoch: next.producerEpoch))
    }

    private func isKnown(_ expected: Producer, _ state: TransactionState) -> Bool {
        expected.id == state.producerId
            || expected.id == state.previousProducerId && expected.epoch >= TransactionState.lastUsableEpoch
    }

    /// Ends a transaction that its producer may not end any more: with an epoch that it does not have. Where transactions have
    /// an epoch each, the next one is what the producer would be given for ending it itself, and so must be passed over.
    mutating func fenceAndAbort(_ id: String, _ state: TransactionState, _ turn: inout Turn) {
        var next = state
        next.producerEpoch = Int16(clamping: Int(state.producerEpoch) + (state.bumpsEpochs ? 2 : 1))
        next.lastProducerEpoch = -1
        next.nextProducerId = -1
        prepare(id, next, isCommit: false, &turn)
    }
}
