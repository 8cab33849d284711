@testable import KCore

/// A partition that producers write to: who may, by the product's own rules, and what became of the records of each
/// transaction.
struct SimulatedPlace {
    struct Entry {
        /// Which attempt at a transaction wrote it.
        var transaction: Int
        var epoch: Int16
    }

    private(set) var producers = ProducerStates()
    private var verifications = TransactionVerifications()
    private var nextOffset: Int64 = 0
    private(set) var open: [Int64: [Entry]] = [:]
    /// How many records of a transaction count.
    private(set) var committed: [Int: Int] = [:]
    private(set) var aborted: [Int: Int] = [:]

    // MARK: Records

    /// As a leader does it: the coordinator is asked before a transaction begins here.
    /// - Returns: what the answer has to come with; nil when nobody needs to be asked.
    mutating func beginVerification(
        of producer: TransactionMachine.Producer, sequence: Int32, hasOwnEpoch: Bool, _ nowMs: Int64
    ) -> Int? {
        if producers.hasOpenTransaction(producer.id, epoch: producer.epoch) { return nil }
        return verifications.begin(
            producer.id, epoch: producer.epoch, sequence: sequence, hasOwnEpoch: hasOwnEpoch, nowMs: nowMs)
    }

    mutating func confirm(_ producer: TransactionMachine.Producer, _ number: Int) {
        verifications.confirm(producer.id, number)
    }

    /// - Returns: whether the record is there, from now on or since before; nil when it is refused.
    mutating func write(
        _ producer: TransactionMachine.Producer, sequence: Int32, transaction: Int, _ nowMs: Int64
    ) -> Bool? {
        var header = RecordBatchHeader()
        header.producerId = producer.id
        header.producerEpoch = producer.epoch
        header.baseSequence = sequence
        header.lastOffsetDelta = 0
        header.attributes = BatchAttributes(isTransactional: true)
        header.baseOffset = nextOffset
        do {
            if try producers.check(header, origin: .client) != nil { return false }
        } catch {
            return nil
        }
        guard
            producers.hasOpenTransaction(producer.id, epoch: producer.epoch)
                || verifications.isConfirmed(producer.id, epoch: producer.epoch)
        else { return nil }
        verifications.appended(header)
        producers.apply(header, timeMs: nowMs)
        nextOffset += 1
        open[producer.id, default: []].append(Entry(transaction: transaction, epoch: producer.epoch))
        return true
    }

    // MARK: Markers

    /// - Returns: what whoever writes it is answered, and the records whose transaction it ends.
    mutating func mark(_ end: CoordinatorTransactionEnd, _ nowMs: Int64) -> (code: ErrorCode, ended: [Entry]) {
        var header = RecordBatchHeader()
        header.producerId = end.producerId
        header.producerEpoch = end.producerEpoch
        header.lastOffsetDelta = 0
        header.attributes = BatchAttributes(isTransactional: true, isControl: true)
        header.baseOffset = nextOffset
        let marker = EndTransactionMarker(isCommit: end.isCommit, coordinatorEpoch: end.coordinatorEpoch)
        do throws(LogError) {
            _ = try producers.check(header, marker: marker, origin: .coordinator)
        } catch {
            return (error.code, [])
        }
        nextOffset += 1
        verifications.appended(header)
        producers.apply(header, marker: marker, timeMs: nowMs)
        let entries = open.removeValue(forKey: end.producerId) ?? []
        for entry in entries {
            if end.isCommit {
                committed[entry.transaction, default: 0] += 1
            } else {
                aborted[entry.transaction, default: 0] += 1
            }
        }
        return (.none, entries)
    }
}
