/// The idempotent producers of a log (KIP-98): each batch must follow on its producer's last one.
///
/// - A producer that is not known may begin with any sequence number: its earlier records may be gone by retention.
/// - A new epoch begins at 0; an old epoch is refused.
/// - A batch that is one of the producer's last five is a duplicate, and answered with the offset it has.
struct ProducerStates: Equatable, Sendable {
    private(set) var states: [Int64: ProducerState] = [:]
    /// Everything below is accounted for.
    var mapEndOffset: Int64 = 0

    var count: Int { states.count }

    /// Where the oldest open transaction began; nil when none is open.
    var firstOpenTransactionOffset: Int64? {
        states.values.lazy.compactMap(\.transactionFirstOffset).min()
    }

    /// Checks a batch before it is appended.
    /// - Returns: the batch that it repeats, if it does.
    /// - Throws: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE.
    func check(_ header: RecordBatchHeader, origin: AppendOrigin) throws(LogError) -> ProducerState.Batch? {
        guard header.hasProducerId, let state = states[header.producerId] else { return nil }
        if origin == .client, header.producerEpoch == state.epoch {
            let first = header.baseSequence
            let last = header.lastSequence
            if let same = state.batches.last(where: { $0.firstSequence == first && $0.lastSequence == last }) {
                return same
            }
        }
        if origin == .replication { return nil }
        guard header.producerEpoch >= state.epoch else {
            throw LogError(
                .invalidProducerEpoch,
                "producer \(header.producerId) has epoch \(state.epoch), the batch has \(header.producerEpoch)")
        }
        if header.isControl { return nil }
        if origin == .client { try checkSequence(header, state) }
        if state.transactionFirstOffset != nil && !header.isTransactional && header.producerEpoch == state.epoch {
            throw LogError(.invalidTxnState, "producer \(header.producerId) has a transaction open")
        }
        return nil
    }

    private func checkSequence(_ header: RecordBatchHeader, _ state: ProducerState) throws(LogError) {
        if state.epoch < 0 { return }
        let last = header.producerEpoch == state.epoch ? state.lastSequence : -1
        guard header.baseSequence == SequenceNumber.next(last) else {
            throw LogError(
                .outOfOrderSequenceNumber,
                "producer \(header.producerId), epoch \(header.producerEpoch): expected sequence number "
                    + "\(SequenceNumber.next(last)), got \(header.baseSequence)")
        }
    }

    /// Takes note of an appended batch.
    /// - Parameter timeMs: when it was appended; when a log is read again, the batch's timestamp.
    mutating func apply(_ header: RecordBatchHeader, timeMs: Int64) {
        mapEndOffset = header.lastOffset + 1
        guard header.hasProducerId else { return }
        let id = header.producerId
        var state = states.removeValue(forKey: id) ?? ProducerState(epoch: header.producerEpoch, lastTimestamp: timeMs)
        if header.producerEpoch != state.epoch {
            state.epoch = header.producerEpoch
            state.batches = []
        }
        state.lastTimestamp = timeMs
        if header.isControl {
            state.transactionFirstOffset = nil
        } else {
            let batch = ProducerState.Batch(
                lastSequence: header.lastSequence, lastOffset: header.lastOffset, offsetDelta: header.lastOffsetDelta,
                timestamp: header.maxTimestamp)
            state.add(batch)
            if header.isTransactional && state.transactionFirstOffset == nil {
                state.transactionFirstOffset = header.baseOffset
            }
        }
        states[id] = state
    }

    /// Forgets producers that have not written since `timeMs` and have no transaction open.
    mutating func expire(before timeMs: Int64) {
        for (id, state) in states where state.transactionFirstOffset == nil && state.lastTimestamp < timeMs {
            states[id] = nil
        }
    }

    mutating func set(_ state: ProducerState, for producerId: Int64) { states[producerId] = state }
}
