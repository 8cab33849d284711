/// The order of one partition's batches on their way out: what waits, what is in flight, which sequence number is next.
/// A value without I/O and clock.
///
/// What must stay true (KIP-98, as Java's producer keeps it):
/// - With idempotence, batches reach the log in the order of their sequence numbers, without a gap. A batch that is
///   sent again keeps its number, and nothing new is sent until what is sent again has been answered.
/// - A batch whose fate is not known and that is given up leaves a possible gap. Then nothing is sent until all that is
///   in flight has been answered; if there is a gap, the epoch is raised and what waits is numbered from 0 on.
struct PartitionSender {
    let topicPartition: TopicPartition
    /// In order. Those that were sent before come first.
    private(set) var waiting: [ProducerBatch] = []
    /// In order.
    private(set) var inFlight: [ProducerBatch] = []

    private(set) var producerId: Int64 = -1
    private(set) var epoch: Int16 = -1
    private(set) var nextSequence: Int32 = 0
    // The sequence number behind the last one that was acknowledged.
    private var acknowledgedSequence: Int32 = 0
    private var nextOrder = 0
    /// A batch was given up, or the broker lost track: see above.
    private(set) var isUnresolved = false
    // Whatever the numbers say, the broker does not accept the next one.
    private var mustRaiseEpoch = false
    /// Nothing is sent before this time, after a failure.
    var notBeforeMs: Int64 = 0

    init(_ topicPartition: TopicPartition) { self.topicPartition = topicPartition }

    var isIdle: Bool { waiting.isEmpty && inFlight.isEmpty }

    mutating func enqueue(_ batch: ProducerBatch) {
        batch.order = nextOrder
        nextOrder += 1
        waiting.append(batch)
    }

    /// What may be sent now; nil when there is nothing or it must wait.
    /// - Parameter maxInFlight: batches of this partition on their way at a time.
    func sendable(nowMs: Int64, isIdempotent: Bool, maxInFlight: Int) -> ProducerBatch? {
        guard let head = waiting.first, head.isReady, nowMs >= notBeforeMs, inFlight.count < maxInFlight else {
            return nil
        }
        guard isIdempotent else { return head }
        if isUnresolved { return nil }
        guard let first = inFlight.first else { return head }
        // What is sent again goes alone, or in front of all that is in flight.
        if head.attempts > 0 { return head.order < first.order ? head : nil }
        return first.attempts > 1 ? nil : head
    }

    /// Takes the head, numbers it and counts it as in flight.
    mutating func send(idempotent identity: ProducerIdentity?) -> ProducerBatch? {
        guard let batch = waiting.first else { return nil }
        waiting.removeFirst()
        if let identity, batch.baseSequence < 0 || batch.producerId != producerId || batch.producerEpoch != epoch {
            adopt(identity)
            batch.stamp(producerId: producerId, epoch: epoch, baseSequence: nextSequence)
            nextSequence = PartitionSender.sequence(nextSequence, plus: batch.recordCount)
        }
        batch.attempts += 1
        inFlight.append(batch)
        inFlight.sort { $0.order < $1.order }
        return batch
    }

    // A new producer id begins anew; within one, the partition counts its epochs itself.
    private mutating func adopt(_ identity: ProducerIdentity) {
        guard identity.id != producerId else { return }
        (producerId, epoch, nextSequence, acknowledgedSequence) = (identity.id, identity.epoch, 0, 0)
    }

    mutating func removeInFlight(_ batch: ProducerBatch) { inFlight.removeAll { $0 === batch } }

    mutating func acknowledged(_ batch: ProducerBatch) {
        removeInFlight(batch)
        if batch.producerId == producerId, batch.producerEpoch == epoch, batch.baseSequence >= 0 {
            acknowledgedSequence = PartitionSender.sequence(batch.baseSequence, plus: batch.recordCount)
        }
    }

    /// Puts a batch that was in flight back in its place.
    mutating func requeue(_ batch: ProducerBatch) {
        removeInFlight(batch)
        insert(batch)
    }

    private mutating func insert(_ batch: ProducerBatch) {
        let place = waiting.firstIndex { $0.order > batch.order } ?? waiting.endIndex
        waiting.insert(batch, at: place)
    }

    /// Puts the parts of a batch in its place. They share its numbers when they have as many records.
    mutating func replace(_ batch: ProducerBatch, with parts: [ProducerBatch], isIdempotent: Bool) {
        removeInFlight(batch)
        waiting.removeAll { $0 === batch }
        let place = waiting.firstIndex { $0.order > batch.order } ?? waiting.endIndex
        waiting.insert(contentsOf: parts, at: place)
        guard isIdempotent, batch.baseSequence >= 0 else { return }
        if parts.reduce(0, { $0 + $1.recordCount }) == batch.recordCount {
            var sequence = batch.baseSequence
            for part in parts {
                part.stamp(producerId: batch.producerId, epoch: batch.producerEpoch, baseSequence: sequence)
                sequence = PartitionSender.sequence(sequence, plus: part.recordCount)
                part.attempts = batch.attempts
            }
        } else {
            isUnresolved = true
        }
    }

    /// Gives a batch up. With idempotence its number may now be missing in the log.
    mutating func giveUp(_ batch: ProducerBatch) {
        removeInFlight(batch)
        waiting.removeAll { $0 === batch }
        if batch.baseSequence >= 0 { isUnresolved = true }
    }

    /// The broker does not have the state that would make the next number right.
    mutating func broken() {
        isUnresolved = true
        mustRaiseEpoch = true
    }

    /// Whether another batch, older than `batch`, has not been answered yet.
    func hasOlder(than batch: ProducerBatch) -> Bool {
        inFlight.contains { $0.order < batch.order }
            || waiting.contains { $0.order < batch.order && $0.baseSequence >= 0 }
    }

    /// When everything has been answered: numbers what waits anew, if numbers are missing.
    /// - Returns: false when the epochs are used up, so that a new producer id is needed.
    mutating func resolve() -> Bool {
        guard isUnresolved, inFlight.isEmpty else { return true }
        let next = waiting.first { $0.baseSequence >= 0 && $0.producerEpoch == epoch }?.baseSequence ?? nextSequence
        if mustRaiseEpoch || next != acknowledgedSequence {
            guard epoch < Int16.max else { return false }
            epoch += 1
            forgetNumbers()
        }
        isUnresolved = false
        mustRaiseEpoch = false
        return true
    }

    /// After a new producer id was given.
    mutating func restart(_ identity: ProducerIdentity) {
        producerId = -1
        adopt(identity)
        forgetNumbers()
        isUnresolved = false
        mustRaiseEpoch = false
    }

    private mutating func forgetNumbers() {
        nextSequence = 0
        acknowledgedSequence = 0
        for batch in waiting { batch.baseSequence = -1 }
    }

    /// Takes out what has waited for too long.
    mutating func expired(createdBeforeMs limit: Int64) -> [ProducerBatch] {
        guard let first = waiting.first, first.createdMs <= limit else { return [] }
        let old = waiting.filter { $0.createdMs <= limit }
        for batch in old { giveUp(batch) }
        return old
    }

    mutating func takeAll() -> [ProducerBatch] {
        let all = inFlight + waiting
        inFlight = []
        waiting = []
        return all
    }

    /// Sequence numbers are followed by 0 after the largest 32-bit number.
    static func sequence(_ sequence: Int32, plus count: Int) -> Int32 {
        Int32(truncatingIfNeeded: (Int64(sequence) + Int64(count)) & Int64(Int32.max))
    }
}

/// Who an idempotent producer is to the brokers.
struct ProducerIdentity: Sendable, Equatable {
    var id: Int64
    var epoch: Int16
}
