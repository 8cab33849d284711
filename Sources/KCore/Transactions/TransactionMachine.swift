/// The transaction coordinator of one partition of `__transaction_state` (KIP-98, KIP-890): which transactions its ids
/// have, who may write into them, and how they end.
///
/// A decision is a record; who is told of it is told when the record is kept. So there is no state between deciding and
/// having decided, and what Kafka answers while a write is under way cannot happen here.
struct TransactionMachine: CoordinatorMachine {
    typealias Record = TransactionLogRecord
    typealias Turn = CoordinatorTurn<TransactionLogRecord>

    struct Settings: Equatable, Sendable {
        /// `transaction.max.timeout.ms`
        var maxTimeoutMs: Int32 = 900_000
        /// `transactional.id.expiration.ms`
        var idExpirationMs: Int64 = 604_800_000
        /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`
        var abortIntervalMs: Int64 = 10_000
        /// `transaction.remove.expired.transaction.cleanup.interval.ms`
        var expiryIntervalMs: Int64 = 3_600_000
    }

    let partition: Int32
    let settings: Settings
    /// Has the markers of a transaction written, and then ``markersWritten(_:_:)`` called. Called when the decision is kept.
    let writeMarkers: @Sendable (TransactionEnd) -> Void
    private(set) var states = NameMap<TransactionState>()
    // Those with a transaction open, which are few of many ids.
    private var ongoing: Set<ExactName> = []
    private var nextExpiryMs: Int64?
    private var nextAbortMs: Int64?

    init(partition: Int32, settings: Settings, writeMarkers: @escaping @Sendable (TransactionEnd) -> Void) {
        self.partition = partition
        self.settings = settings
        self.writeMarkers = writeMarkers
    }

    // MARK: Records

    static func decode(key: Bytes, value: Bytes?) throws(WireError) -> TransactionLogRecord? {
        let record = try TransactionLogRecord(key: key, value: value)
        if case .unknown = record { return nil }
        return record
    }

    static func encode(_ record: TransactionLogRecord) throws(WireError) -> (key: Bytes, value: Bytes?) {
        try record.encoded()
    }

    mutating func replay(_ record: TransactionLogRecord, _ origin: CoordinatorRecordOrigin) {
        guard case .transaction(let key, let value) = record else { return }
        let state = value.map { TransactionState($0) }
        states[key.transactionalId] = state
        if state?.status == .ongoing {
            ongoing.insert(ExactName(key.transactionalId))
        } else {
            ongoing.remove(ExactName(key.transactionalId))
        }
    }

    /// Keeps `state` as what the id has from now on.
    mutating func keep(_ state: TransactionState, of id: String, _ turn: inout Turn) {
        var key = TransactionLogKey()
        key.transactionalId = id
        write(.transaction(key, state.value), &turn)
        // The epoch before is no part of the record.
        states[id]?.lastProducerEpoch = state.lastProducerEpoch
        if let deadlineMs = state.deadlineMs {
            let dueMs = turn.nowMs &+ max(deadlineMs &- turn.wallMs, 0)
            nextAbortMs = min(nextAbortMs ?? .max, dueMs)
        }
    }

    // MARK: Life

    mutating func didLoad(_ turn: inout Turn) {
        nextExpiryMs = turn.nowMs + settings.expiryIntervalMs
        nextAbortMs = turn.nowMs
        for id in states.sortedNames {
            if let state = states[id], state.isPrepared { sendMarkers(id, state, &turn) }
        }
    }

    var nextTickMs: Int64? {
        guard let nextAbortMs else { return nextExpiryMs }
        return min(nextAbortMs, nextExpiryMs ?? .max)
    }

    mutating func tick(_ turn: inout Turn) {
        if let due = nextAbortMs, turn.nowMs >= due { abortTimedOut(&turn) }
        if let due = nextExpiryMs, turn.nowMs >= due { forgetExpired(&turn) }
    }

    private mutating func abortTimedOut(_ turn: inout Turn) {
        // Of each id one record, and after a start of all of them at once.
        turn.allowDivision()
        nextAbortMs = nil
        var nextMs = Int64.max
        for id in ongoing.sorted().map(\.text) {
            guard let state = states[id], let deadlineMs = state.deadlineMs else { continue }
            if deadlineMs < turn.wallMs {
                fenceAndAbort(id, state, &turn)
            } else {
                nextMs = min(nextMs, deadlineMs)
            }
        }
        if nextMs == .max { return }
        // Deadlines are by the clock on the wall, which can be set: so it is looked at again after the interval at last.
        nextAbortMs = turn.nowMs + max(min(nextMs &- turn.wallMs &+ 1, settings.abortIntervalMs), 1)
    }

    private mutating func forgetExpired(_ turn: inout Turn) {
        turn.allowDivision()
        nextExpiryMs = turn.nowMs + settings.expiryIntervalMs
        let expired = states.filter { _, state in
            state.status != .ongoing && !state.isPrepared && turn.wallMs &- state.updateMs >= settings.idExpirationMs
        }
        for id in expired.map({ ExactName($0.name) }).sorted() {
            var key = TransactionLogKey()
            key.transactionalId = id.text
            write(.transaction(key, nil), &turn)
        }
    }

    /// Nobody waits in here: every request is answered in its step.
    mutating func abandon(_ code: ErrorCode, _ turn: inout Turn) {}
}
