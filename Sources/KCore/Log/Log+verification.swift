internal import Synchronization

/// Which producers' transactions the coordinator has confirmed before their first record here (KIP-890). Without that, a
/// batch that comes after its transaction has ended would open one that nobody ever ends.
struct TransactionVerifications: Sendable {
    private struct Entry: Sendable {
        var epoch: Int16
        var number: Int
        var begunMs: Int64
        var firstSequence: Int32
        var hasOwnEpoch: Bool
        var isConfirmed = false
    }

    private var entries: [Int64: Entry] = [:]
    private var next = 0
    /// What no confirmation counts for.
    static let never = 0

    /// - Parameters:
    ///   - sequence: of the batch that may begin the transaction here.
    ///   - hasOwnEpoch: whether whatever ends the transaction has a larger epoch than its batches.
    /// - Returns: the number that the confirmation has to come with; ``never`` for an epoch that a newer one has fenced.
    mutating func begin(
        _ producerId: Int64, epoch: Int16, sequence: Int32, hasOwnEpoch: Bool, nowMs: Int64
    ) -> Int {
        // A confirmation that is there, or on its way, is good for all batches of the epoch. A zombie's batches, which keep
        // coming, must not put the epoch out that has fenced it.
        if var known = entries[producerId], known.epoch >= epoch {
            guard known.epoch == epoch else { return Self.never }
            known.firstSequence = min(known.firstSequence, sequence)
            known.hasOwnEpoch = known.hasOwnEpoch && hasOwnEpoch
            entries[producerId] = known
            return known.number
        }
        next += 1
        entries[producerId] = Entry(
            epoch: epoch, number: next, begunMs: nowMs, firstSequence: sequence, hasOwnEpoch: hasOwnEpoch)
        return next
    }

    mutating func confirm(_ producerId: Int64, _ number: Int) {
        if entries[producerId]?.number == number { entries[producerId]?.isConfirmed = true }
    }

    /// - Parameter number: as ``begin(_:epoch:sequence:hasOwnEpoch:nowMs:)`` gave it out.
    mutating func refuse(_ producerId: Int64, _ number: Int) {
        if entries[producerId]?.number == number { entries[producerId] = nil }
    }

    func isConfirmed(_ producerId: Int64, epoch: Int16) -> Bool {
        entries[producerId].map { $0.isConfirmed && $0.epoch == epoch } ?? false
    }

    /// The lowest sequence number that was asked for in this epoch; nil when nobody has asked.
    func firstSequence(of producerId: Int64, epoch: Int16) -> Int32? {
        entries[producerId].flatMap { $0.epoch == epoch ? $0.firstSequence : nil }
    }

    /// Takes note of a batch that was appended: the transaction has begun here, or ended, and what was asked for before counts
    /// no more. Where each transaction has its own epoch, the next one may be asked for before the marker of the last one is
    /// here, which has the epoch of the next.
    mutating func appended(_ header: RecordBatchHeader) {
        guard let known = entries[header.producerId] else { return }
        let isOver =
            header.isControl
            ? !known.hasOwnEpoch || known.epoch < header.producerEpoch : known.epoch <= header.producerEpoch
        if isOver { entries[header.producerId] = nil }
    }

    mutating func expire(before timeMs: Int64) {
        if !entries.isEmpty { entries = entries.filter { $0.value.begunMs >= timeMs } }
    }
}

extension Log {
    /// To be called before the coordinator is asked whether a transaction of this producer writes here, or to add it. Waits for
    /// no disk: where somebody does who has the log, the coordinator is asked, whether or not the transaction has begun.
    /// - Parameters:
    ///   - sequence: of the batch. Of a producer that is not known here, the lowest one that was asked for comes first: those
    ///     behind it may be confirmed when it is not.
    ///   - hasOwnEpoch: whether each transaction of the producer has its own epoch, so that whatever ends this one has a larger
    ///     one (KIP-890).
    /// - Returns: nil when its transaction has begun here already in this epoch, so that nobody has to be asked; else what
    ///   ``confirmTransaction(of:_:)`` takes.
    public func beginVerification(
        of producerId: Int64, epoch: Int16, sequence: Int32 = 0, hasOwnEpoch: Bool = false
    ) -> Int? {
        func begin() -> Int {
            verifications.withLock {
                $0.begin(
                    producerId, epoch: epoch, sequence: sequence, hasOwnEpoch: hasOwnEpoch,
                    nowMs: environment.clock.wallMs)
            }
        }
        let begun = try? withWriterSoon { writer -> Int? in
            writer.producers.hasOpenTransaction(producerId, epoch: epoch) ? nil : begin()
        }
        if let begun { return begun }
        return begin()
    }

    /// The coordinator has said yes. Counts only if the transaction was not ended here since it was asked.
    public func confirmTransaction(of producerId: Int64, _ number: Int) {
        verifications.withLock { $0.confirm(producerId, number) }
    }

    /// The coordinator has said that this is no epoch of the producer: it must not put out those that are.
    func refuseTransaction(of producerId: Int64, _ number: Int) {
        verifications.withLock { $0.refuse(producerId, number) }
    }

    /// - Throws: INVALID_TXN_STATE for a batch that would begin a transaction of which the coordinator knows nothing,
    ///   OUT_OF_ORDER_SEQUENCE_NUMBER for one that would begin it in front of a batch that was asked for before.
    func checkVerified(_ prepared: PreparedAppend, _ origin: AppendOrigin, _ writer: Writer) throws(LogError) {
        guard environment.verifiesTransactions, origin == .client else { return }
        for batch in prepared.batches where batch.header.isTransactional {
            let id = batch.header.producerId
            let epoch = batch.header.producerEpoch
            if writer.producers.hasOpenTransaction(id, epoch: epoch) { continue }
            let (isConfirmed, first) = verifications.withLock {
                ($0.isConfirmed(id, epoch: epoch), $0.firstSequence(of: id, epoch: epoch))
            }
            guard isConfirmed else {
                throw LogError(
                    .invalidTxnState, "the coordinator knows of no transaction of producer \(id) in \(topicPartition)")
            }
            guard writer.producers.states[id] == nil, let first, batch.header.baseSequence > first else { continue }
            throw LogError(
                .outOfOrderSequenceNumber,
                "producer \(id), epoch \(epoch): expected sequence number \(first), got \(batch.header.baseSequence)")
        }
    }
}
