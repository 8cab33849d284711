extension TransactionMachine {
    /// Makes partitions part of a transaction, and begins it if none is open (AddPartitionsToTxn, AddOffsetsToTxn).
    /// - Parameter clientVersion: which rules the client's transactions follow (KIP-890).
    mutating func addPartitions(
        _ id: String, _ producer: Producer, _ partitions: Set<TopicPartition>, clientVersion: Int16 = 0,
        _ turn: inout Turn
    ) -> ErrorCode {
        let state: TransactionState
        switch find(id, producer) {
        case .success(let found): state = found
        case .failure(let error): return error.code
        }
        if state.isPrepared { return .concurrentTransactions }
        if state.status == .ongoing && partitions.isSubset(of: state.partitions) { return .none }
        var next = state
        if state.status != .ongoing {
            next.status = .ongoing
            next.startMs = turn.wallMs
            next.partitions = []
        }
        next.partitions.formUnion(partitions)
        next.updateMs = turn.wallMs
        next.clientVersion = clientVersion
        keep(next, of: id, &turn)
        return .none
    }

    /// Whether partitions are part of the producer's open transaction (KIP-890).
    func verify(
        _ id: String, _ producer: Producer, _ partitions: Set<TopicPartition>
    ) -> [TopicPartition: ErrorCode] {
        let state: TransactionState
        switch find(id, producer) {
        case .success(let found): state = found
        case .failure(let error): return Dictionary(uniqueKeysWithValues: partitions.map { ($0, error.code) })
        }
        return Dictionary(
            uniqueKeysWithValues: partitions.map { partition in
                if state.isPrepared { return (partition, .concurrentTransactions) }
                let isPart = state.status == .ongoing && state.partitions.contains(partition)
                return (partition, isPart ? .none : .transactionAbortable)
            })
    }

    struct Refusal: Error {
        var code: ErrorCode
    }

    private func find(_ id: String, _ producer: Producer) -> Result<TransactionState, Refusal> {
        if id.isEmpty { return .failure(Refusal(code: .invalidRequest)) }
        guard let state = states[id] else { return .failure(Refusal(code: .invalidProducerIdMapping)) }
        if state.willBe(producer) { return .success(state) }
        guard state.producerId == producer.id else { return .failure(Refusal(code: .invalidProducerIdMapping)) }
        guard state.producerEpoch == producer.epoch else { return .failure(Refusal(code: .producerFenced)) }
        return .success(state)
    }
}
