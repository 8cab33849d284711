import Synchronization

@testable import KCore

/// A coordinator's partition in memory. What its high watermark has not passed is on this broker only, and lost with it as
/// far as chance has it. It judges producers as every log does, and is compacted.
final class SimulatedCoordinatorLog: CoordinatorLog {
    private struct State {
        var batches: [(header: RecordBatchHeader, bytes: Bytes)] = []
        var endOffset: Int64 = 0
        var highWatermark: Int64 = 0
        var producers = ProducerStates()
        var verifications = TransactionVerifications()
        var failure: ErrorCode?
        /// Up to where it has been cleaned; -1 for never.
        var cleanedTo: Int64 = -1
        var isBusy = false
    }

    let topicPartition: TopicPartition
    let bug: CoordinatorBug?
    let clock: any Clock
    /// What a batch must fit into.
    private let segmentBytes: Int
    private let state = Mutex(State())

    init(_ topic: String, clock: any Clock, segmentBytes: Int = 1 << 30, bug: CoordinatorBug?) {
        topicPartition = TopicPartition(topic: topic, partition: 0)
        self.clock = clock
        self.segmentBytes = segmentBytes
        self.bug = bug
    }

    var startOffset: Int64 { 0 }
    var endOffset: Int64 { state.withLock { $0.endOffset } }
    var maxBatchBytes: Int { bug == .dividesNothing ? 1 << 30 : segmentBytes }
    /// What can no longer be lost.
    var keptOffset: Int64 { state.withLock { $0.highWatermark } }
    var highWatermark: Int64 { bug == .answersTooEarly ? endOffset : keptOffset }
    var batchCount: Int { state.withLock { $0.batches.count } }

    func append(_ batch: Bytes) throws(LogError) -> CoordinatorAppended {
        try state.withLock { state throws(LogError) in
            if let failure = state.failure { throw LogError(failure, "told to fail") }
            guard batch.count <= segmentBytes else {
                throw LogError(.recordListTooLarge, "\(batch.count) bytes do not fit into a segment of \(segmentBytes)")
            }
            let offset = state.endOffset
            batch.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                RecordBatchHeader.stamp(baseOffset: offset, partitionLeaderEpoch: 0, at: base)
            }
            let header: RecordBatchHeader
            do throws(RecordsError) {
                header = try batch.withUnsafeBytes { bytes throws(RecordsError) in
                    try RecordBatchHeader(reading: bytes)
                }
            } catch {
                throw LogError(.corruptMessage, "\(error)")
            }
            let marker = SimulatedCoordinatorLog.marker(header, batch)
            _ = try state.producers.check(header, marker: marker, origin: .coordinator)
            SimulatedCoordinatorLog.note(header, marker, clock.wallMs, &state)
            if bug == .dividesCommits, header.recordCount > 1, !header.isTransactional {
                state.batches += SimulatedCoordinatorLog.halves(header, batch)
            } else if bug == .forgetsAssignments {
                let shorter = SimulatedCoordinatorLog.filter(header, batch) { !$0.isAssignment }
                if let shorter { state.batches.append(shorter) }
            } else {
                state.batches.append((header, batch))
            }
            state.endOffset = header.lastOffset + 1
            return CoordinatorAppended(endOffset: state.endOffset)
        }
    }

    func appendAtOnce(_ batch: Bytes) throws(LogError) -> CoordinatorAppended? { isBusy ? nil : try append(batch) }

    private static func marker(_ header: RecordBatchHeader, _ bytes: Bytes) -> EndTransactionMarker? {
        guard header.isControl, let reader = try? RecordBatchReader(bytes) else { return nil }
        var marker: EndTransactionMarker?
        try? reader.forEachRecord { view throws(RecordsError) in marker = try EndTransactionMarker(view) }
        return marker
    }

    private static func note(
        _ header: RecordBatchHeader, _ marker: EndTransactionMarker?, _ timeMs: Int64, _ state: inout State
    ) {
        if header.isTransactional { state.verifications.appended(header) }
        state.producers.apply(header, marker: marker, timeMs: timeMs)
    }

    func check(_ producer: CoordinatorProducer) -> ErrorCode {
        state.withLock { state in
            let known = state.producers.states[producer.id]
            if let known, producer.epoch < known.epoch { return .invalidProducerEpoch }
            if state.producers.hasOpenTransaction(producer.id, epoch: producer.epoch) { return .none }
            return state.verifications.isConfirmed(producer.id, epoch: producer.epoch) ? .none : .invalidTxnState
        }
    }

    func checkAtOnce(_ producer: CoordinatorProducer) -> ErrorCode? { isBusy ? nil : check(producer) }

    /// One batch at a time.
    func read(from offset: Int64, maxBytes: Int) throws(LogError) -> Bytes {
        state.withLock { state in
            var (low, high) = (0, state.batches.count)
            while low < high {
                let middle = (low + high) / 2
                if state.batches[middle].header.lastOffset < offset { low = middle + 1 } else { high = middle }
            }
            return low < state.batches.count ? state.batches[low].bytes : Bytes()
        }
    }

    /// Nobody needs to be woken: the simulation says when the high watermark moves.
    func whenHighWatermarkMoves(from highWatermark: Int64, _ wake: @escaping @Sendable () -> Void) {}

    // MARK: What the simulation does

    func fail(_ code: ErrorCode?) { state.withLock { $0.failure = code } }

    /// Whether a write would have to wait for the disk.
    var isBusy: Bool {
        get { state.withLock { $0.isBusy } }
        set { state.withLock { $0.isBusy = newValue } }
    }

    func keep(to offset: Int64) {
        state.withLock { $0.highWatermark = max($0.highWatermark, min(offset, $0.endOffset)) }
    }

    /// See ``Log/beginVerification(of:epoch:sequence:hasOwnEpoch:)``.
    func beginVerification(of producer: CoordinatorProducer, hasOwnEpoch: Bool) -> Int? {
        state.withLock { state in
            if state.producers.hasOpenTransaction(producer.id, epoch: producer.epoch) { return nil }
            return state.verifications.begin(
                producer.id, epoch: producer.epoch, sequence: 0, hasOwnEpoch: hasOwnEpoch, nowMs: clock.wallMs)
        }
    }

    /// See ``Log/confirmTransaction(of:_:)``.
    func confirm(_ producer: CoordinatorProducer, _ number: Int) {
        state.withLock { $0.verifications.confirm(producer.id, number) }
    }

    /// By producer, where they began.
    var openTransactions: [Int64: Int64] {
        state.withLock { state in
            Dictionary(state.producers.openTransactions.map { ($0.producerId, $0.firstOffset) }) { first, _ in first }
        }
    }

    /// What there is, what of it can no longer be lost, and up to where it has been cleaned.
    func look() -> (batches: [SimulatedCleaning.Batch], kept: Int64, cleanedTo: Int64) {
        state.withLock { ($0.batches, $0.highWatermark, $0.cleanedTo) }
    }

    /// Takes what the cleaner has left.
    /// - Throws: ``SimulationFailure`` when other transactions are open in it.
    func replace(_ batches: [SimulatedCleaning.Batch], cleanedTo: Int64) throws {
        var producers = ProducerStates()
        for (header, bytes) in batches {
            producers.apply(header, marker: SimulatedCoordinatorLog.marker(header, bytes), timeMs: clock.wallMs)
        }
        let isSame = state.withLock { state in
            (state.batches, state.cleanedTo) = (batches, cleanedTo)
            return producers.openTransactions == state.producers.openTransactions
        }
        if !isSame { throw SimulationFailure("who has cleaned \(topicPartition) has left other transactions open") }
    }

    var openProducers: [Int64] { state.withLock { $0.producers.openTransactions.map(\.producerId) } }

    /// The broker is gone: of the batches behind the high watermark those are left that another one had.
    func crash(_ random: inout SeededGenerator) {
        state.withLock { state in
            let kept = state.batches.count { $0.header.lastOffset < state.highWatermark }
            var count = Int.random(in: kept...state.batches.count, using: &random)
            if bug == .losesWhatIsKept, count > 0 { count -= 1 }
            let offset = count > 0 ? state.batches[count - 1].header.lastOffset + 1 : 0
            state.batches.removeSubrange(count...)
            state.endOffset = offset
            state.highWatermark = min(state.highWatermark, offset)
            state.producers = ProducerStates()
            state.verifications = TransactionVerifications()
            for (header, bytes) in state.batches {
                SimulatedCoordinatorLog.note(
                    header, SimulatedCoordinatorLog.marker(header, bytes), clock.wallMs, &state)
            }
        }
    }
}

// MARK: Compaction

extension SimulatedCoordinatorLog {
    /// Leaves out what a later record of its key makes superfluous, and tombstones behind which nothing is hidden. What
    /// transactions wrote stays, and so does what is not kept yet.
    func compact() {
        state.withLock { state in
            let end = state.highWatermark
            var last: [Bytes: Int64] = [:]
            var inTransactions: Set<Bytes> = []
            for (header, bytes) in state.batches where !header.isControl && header.lastOffset < end {
                for record in (try? RecordBatchReader(bytes).allRecords()) ?? [] {
                    let key = record.key ?? Bytes()
                    if header.isTransactional { inTransactions.insert(key) } else { last[key] = record.offset }
                }
            }
            state.batches = state.batches.compactMap { header, bytes in
                guard !header.isTransactional, header.lastOffset < end else { return (header, bytes) }
                return SimulatedCoordinatorLog.filter(header, bytes) { record in
                    let key = record.key ?? Bytes()
                    return last[key] == record.offset && (record.value != nil || inTransactions.contains(key))
                }
            }
        }
    }

    /// A batch without some of its records; nil when none is left.
    static func filter(
        _ header: RecordBatchHeader, _ bytes: Bytes, _ isKept: (Record) -> Bool
    ) -> (header: RecordBatchHeader, bytes: Bytes)? {
        guard !header.isTransactional, let records = try? RecordBatchReader(bytes).allRecords() else {
            return (header, bytes)
        }
        let left = records.filter(isKept)
        if left.count == records.count { return (header, bytes) }
        return batch(left, from: header.baseOffset, to: header.lastOffset)
    }

    private static func halves(_ header: RecordBatchHeader, _ bytes: Bytes) -> [(
        header: RecordBatchHeader, bytes: Bytes
    )] {
        let records = (try? RecordBatchReader(bytes).allRecords()) ?? []
        let middle = records[records.count / 2].offset
        let first = batch(records.filter { $0.offset < middle }, from: header.baseOffset, to: middle - 1)
        return [first, batch(records.filter { $0.offset >= middle }, from: middle, to: header.lastOffset)].compactMap {
            $0
        }
    }

    private static func batch(
        _ records: [Record], from first: Int64, to last: Int64
    ) -> (header: RecordBatchHeader, bytes: Bytes)? {
        var options = BatchOptions()
        (options.baseOffset, options.lastOffsetDelta) = (first, Int32(last - first))
        guard !records.isEmpty, let batch = try? RecordBatchBuilder.batch(records, options),
            let shorter = try? batch.withUnsafeBytes({ bytes throws(RecordsError) in
                try RecordBatchHeader(reading: bytes)
            })
        else { return nil }
        return (shorter, batch)
    }
}

extension Record {
    /// Whether it says what a member has been assigned (KIP-848).
    fileprivate var isAssignment: Bool {
        guard let key, let record = try? GroupRecord(key: key, value: value) else { return false }
        switch record {
        case .consumerGroupCurrentMemberAssignment, .consumerGroupTargetAssignmentMember, .groupMetadata: return true
        default: return false
        }
    }
}
