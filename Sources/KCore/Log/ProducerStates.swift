/// The idempotent producers of a log (KIP-98): each batch must follow on its producer's last one.
///
/// - A producer that is not known may begin with any sequence number: its earlier records may be gone by retention.
/// - A new epoch begins at 0; an old epoch is refused.
/// - A batch that is one of the producer's last five is a duplicate, and answered with the offset it has.
struct ProducerStates: Equatable, Sendable {
    private(set) var states = ProducerTable()
    /// The oldest first.
    private(set) var openTransactions: [OpenTransaction] = []
    /// Everything below is accounted for.
    var mapEndOffset: Int64 = 0

    var count: Int { states.count }

    /// Where the oldest open transaction began; nil when none is open.
    var firstOpenTransactionOffset: Int64? { openTransactions.first?.firstOffset }

    /// Whether the producer has a transaction open that began in this epoch. In a newer one it may have ended, as the
    /// transaction's coordinator knows.
    func hasOpenTransaction(_ producerId: Int64, epoch: Int16) -> Bool {
        states[producerId].map { $0.transactionFirstOffset != nil && $0.epoch == epoch } ?? false
    }

    /// The same in whichever epoch.
    func hasOpenTransaction(_ producerId: Int64) -> Bool { states[producerId]?.transactionFirstOffset != nil }

    /// Checks a batch before it is appended.
    /// - Parameter marker: what a control batch says.
    /// - Returns: the batch that it repeats, if it does.
    /// - Throws: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE, and for a marker
    ///   TRANSACTION_COORDINATOR_FENCED.
    func check(
        _ header: RecordBatchHeader, marker: EndTransactionMarker? = nil, origin: AppendOrigin
    ) throws(LogError) -> ProducerState.Batch? {
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
        if header.isControl {
            guard let marker, marker.coordinatorEpoch < state.coordinatorEpoch else { return nil }
            throw LogError(
                .transactionCoordinatorFenced,
                "a coordinator of epoch \(state.coordinatorEpoch) has written for producer \(header.producerId), the "
                    + "marker is of epoch \(marker.coordinatorEpoch)")
        }
        if origin == .client { try checkSequence(header, state) }
        if state.transactionFirstOffset != nil && !header.isTransactional {
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
    /// - Parameters:
    ///   - marker: what a control batch says; a control batch that says nothing of transactions changes nothing.
    ///   - timeMs: when it was appended; when a log is read again, the batch's timestamp.
    /// - Returns: the transaction that the batch ends. A marker for a producer that wrote nothing here ends none.
    @discardableResult
    mutating func apply(
        _ header: RecordBatchHeader, marker: EndTransactionMarker? = nil, timeMs: Int64
    ) -> EndedTransaction? {
        mapEndOffset = header.lastOffset + 1
        guard header.hasProducerId, marker != nil || !header.isControl else { return nil }
        let id = header.producerId
        var state = states.remove(id) ?? ProducerState(epoch: header.producerEpoch, lastTimestamp: timeMs)
        defer { states[id] = state }
        if header.producerEpoch != state.epoch {
            state.epoch = header.producerEpoch
            state.batches = []
        }
        state.lastTimestamp = timeMs
        if let marker {
            state.coordinatorEpoch = marker.coordinatorEpoch
            return end(&state, header, isCommit: marker.isCommit)
        }
        let batch = ProducerState.Batch(
            lastSequence: header.lastSequence, lastOffset: header.lastOffset, offsetDelta: header.lastOffsetDelta,
            timestamp: header.maxTimestamp)
        state.add(batch)
        if header.isTransactional && state.transactionFirstOffset == nil {
            state.transactionFirstOffset = header.baseOffset
            openTransactions.append(OpenTransaction(producerId: id, firstOffset: header.baseOffset))
        }
        return nil
    }

    private mutating func end(
        _ state: inout ProducerState, _ header: RecordBatchHeader, isCommit: Bool
    ) -> EndedTransaction? {
        guard let firstOffset = state.transactionFirstOffset else { return nil }
        state.transactionFirstOffset = nil
        openTransactions.removeAll { $0.producerId == header.producerId }
        return EndedTransaction(
            producerId: header.producerId, firstOffset: firstOffset, lastOffset: header.lastOffset, isCommit: isCommit)
    }

    /// The entry of the index for a transaction that was ended last; nil for one whose records count.
    func indexEntry(of ended: EndedTransaction) -> AbortedTransaction? {
        if ended.isCommit { return nil }
        return AbortedTransaction(
            producerId: ended.producerId, firstOffset: ended.firstOffset, lastOffset: ended.lastOffset,
            lastStableOffset: firstOpenTransactionOffset ?? ended.lastOffset + 1)
    }

    /// The same, of some producers only.
    func only(_ ids: some Sequence<Int64>) -> ProducerStates {
        var part = ProducerStates()
        for id in ids { states[id].map { part.set($0, for: id) } }
        part.mapEndOffset = mapEndOffset
        return part
    }

    /// Producers that have not written since `timeMs` and have no transaction open.
    func expired(before timeMs: Int64) -> [Int64] {
        states.filter { $0.value.isExpired(before: timeMs) }.map(\.key)
    }

    /// Forgets those of `ids` of which that is true.
    mutating func expire(_ ids: [Int64], before timeMs: Int64) {
        for id in ids where states[id]?.isExpired(before: timeMs) == true { states[id] = nil }
    }

    /// Forgets all of which it is.
    mutating func expire(before timeMs: Int64) { expire(expired(before: timeMs), before: timeMs) }

    mutating func set(_ state: ProducerState, for producerId: Int64) {
        openTransactions.removeAll { $0.producerId == producerId }
        states[producerId] = state
        guard let firstOffset = state.transactionFirstOffset else { return }
        let place = openTransactions.firstIndex { $0.firstOffset > firstOffset } ?? openTransactions.endIndex
        openTransactions.insert(OpenTransaction(producerId: producerId, firstOffset: firstOffset), at: place)
    }
}
