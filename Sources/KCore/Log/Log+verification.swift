internal import Synchronization

/// Which producers' transactions the coordinator has confirmed before their first record here (KIP-890). Without that, a
/// batch that comes after its transaction has ended would open one that nobody ever ends.
struct TransactionVerifications: Sendable {
    private struct Entry: Sendable {
        var epoch: Int16
        var number: Int
        var begunMs: Int64
        var isConfirmed = false
    }

    private var entries: [Int64: Entry] = [:]
    private var next = 0
    /// What no confirmation counts for.
    static let never = 0

    var isEmpty: Bool { entries.isEmpty }

    /// - Returns: the number that the confirmation has to come with; ``never`` for an epoch that a newer one has fenced.
    mutating func begin(_ producerId: Int64, epoch: Int16, nowMs: Int64) -> Int {
        // A confirmation that is there, or on its way, is good for all batches of the epoch. A zombie's batches, which keep
        // coming, must not put the epoch out that has fenced it.
        if let known = entries[producerId], known.epoch >= epoch {
            return known.epoch == epoch ? known.number : Self.never
        }
        next += 1
        entries[producerId] = Entry(epoch: epoch, number: next, begunMs: nowMs)
        return next
    }

    mutating func confirm(_ producerId: Int64, _ number: Int) {
        if entries[producerId]?.number == number { entries[producerId]?.isConfirmed = true }
    }

    func isConfirmed(_ producerId: Int64, epoch: Int16) -> Bool {
        entries[producerId].map { $0.isConfirmed && $0.epoch == epoch } ?? false
    }

    /// The transaction has begun here, or has ended: what was asked for before counts no more.
    mutating func forget(_ producerId: Int64) { entries[producerId] = nil }

    mutating func expire(before timeMs: Int64) {
        if !entries.isEmpty { entries = entries.filter { $0.value.begunMs >= timeMs } }
    }
}

extension Log {
    /// To be called before the coordinator is asked whether a transaction of this producer writes here.
    /// - Returns: nil when its transaction has begun here already in this epoch, so that nobody has to be asked; else what
    ///   ``confirmTransaction(of:_:)`` takes.
    public func beginVerification(of producerId: Int64, epoch: Int16) -> Int? {
        writer.withLock { writer in
            if writer.producers.hasOpenTransaction(producerId, epoch: epoch) { return nil }
            return writer.verifications.begin(producerId, epoch: epoch, nowMs: environment.clock.wallMs)
        }
    }

    /// The coordinator has said yes. Counts only if no marker was written for the producer since it was asked.
    public func confirmTransaction(of producerId: Int64, _ number: Int) {
        writer.withLock { $0.verifications.confirm(producerId, number) }
    }

    /// - Throws: INVALID_TXN_STATE for a batch that would begin a transaction of which the coordinator knows nothing.
    func checkVerified(_ prepared: PreparedAppend, _ origin: AppendOrigin, _ writer: Writer) throws(LogError) {
        guard environment.verifiesTransactions, origin == .client else { return }
        for batch in prepared.batches where batch.header.isTransactional {
            let id = batch.header.producerId
            let epoch = batch.header.producerEpoch
            if writer.producers.hasOpenTransaction(id, epoch: epoch)
                || writer.verifications.isConfirmed(id, epoch: epoch)
            {
                continue
            }
            throw LogError(
                .invalidTxnState, "the coordinator knows of no transaction of producer \(id) in \(topicPartition)")
        }
    }
}
