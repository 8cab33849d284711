import Synchronization

@testable import KCore

/// A machine that adds up numbers by key, and lets requests wait for a key.
struct SumMachine: CoordinatorMachine {
    struct Record: Equatable, Sendable {
        var key: String
        /// Nil forgets the key.
        var number: Int?
    }

    var sums: [String: Int] = [:]
    var pending: [Int64: [Record]] = [:]
    var offsets: [Int64] = []
    var waiting: [String: CoordinatorReply<String>] = [:]
    var nextTickMs: Int64?

    static func decode(key: Bytes, value: Bytes?) throws(WireError) -> Record? {
        if key.utf8String == "other" { return nil }
        guard let value else { return Record(key: key.utf8String, number: nil) }
        guard let number = Int(value.utf8String) else { throw .badVarint }
        return Record(key: key.utf8String, number: number)
    }

    static func encode(_ record: Record) throws(WireError) -> (key: Bytes, value: Bytes?) {
        if record.key == "unwritable" { throw .badVarint }
        return (Bytes(record.key), record.number.map { Bytes("\($0)") })
    }

    mutating func replay(_ record: Record, _ origin: CoordinatorRecordOrigin) {
        offsets.append(origin.offset)
        if let producerId = origin.producerId {
            pending[producerId, default: []].append(record)
        } else {
            apply(record)
        }
    }

    mutating func replay(_ end: CoordinatorTransactionEnd) {
        let records = pending.removeValue(forKey: end.producerId) ?? []
        if end.isCommit { for record in records { apply(record) } }
    }

    private mutating func apply(_ record: Record) {
        sums[record.key] = record.number.map { (sums[record.key] ?? 0) + $0 }
        if sums[record.key] == nil { sums.removeValue(forKey: record.key) }
    }

    mutating func tick(_ turn: inout CoordinatorTurn<Record>) { nextTickMs = nil }

    mutating func abandon(_ code: ErrorCode, _ turn: inout CoordinatorTurn<Record>) {
        for reply in waiting.values { turn.refuse(reply, code) }
        waiting = [:]
    }

    mutating func add(_ key: String, _ number: Int, _ turn: inout CoordinatorTurn<Record>) -> String {
        write(Record(key: key, number: number), &turn)
        return "\(key)=\(sums[key] ?? 0)"
    }
}

/// A log in memory, whose high watermark and failures a test sets.
final class MemoryCoordinatorLog: CoordinatorLog {
    struct State {
        var batches: [Bytes] = []
        var endOffset: Int64 = 0
        /// Nil follows the end.
        var highWatermark: Int64?
        var failure: ErrorCode?
        var isOffline = false
        var fenced: Set<CoordinatorProducer> = []
        var reads = 0
        var wakes: [@Sendable () -> Void] = []
        /// As a log of small segments has it.
        var maxBatchBytes = 1 << 30
        /// Called after each read, on the thread that reads.
        var onRead: @Sendable () -> Void = {}
        /// Holds reads back until it is open.
        var isHeld = false
        /// Appends are to be told only when they are flushed.
        var awaitsFlush = false
        var flushedOffset: Int64 = 0
        var flushWaiters: [@Sendable (LogError?) -> Void] = []
        /// Appends and checks would have to wait.
        var isBusy = false
        /// What a thread that may wait is to do.
        var lateWork: [@Sendable () -> Void] = []
        var isSilent = false
        /// What the high watermark becomes when it has been read once at this end: another replica is that fast.
        var nextHighWatermark: Int64?
    }

    let topicPartition: TopicPartition
    let state = Mutex(State())

    init(_ partition: Int32 = 0) { topicPartition = TopicPartition(topic: "__sums", partition: partition) }

    var startOffset: Int64 { 0 }
    var endOffset: Int64 { state.withLock { $0.endOffset } }
    var maxBatchBytes: Int { state.withLock { $0.maxBatchBytes } }
    var highWatermark: Int64 {
        state.withLock { state in
            let mark = state.highWatermark ?? state.endOffset
            if let next = state.nextHighWatermark, next == state.endOffset { state.highWatermark = next }
            return mark
        }
    }
    var isOffline: Bool { state.withLock { $0.isOffline } }
    var isSilent: Bool { state.withLock { $0.isSilent } }
    var isBusy: Bool { state.withLock { $0.isBusy } }
    var flushedOffset: Int64 { state.withLock { $0.flushedOffset } }
    var batchCount: Int { state.withLock { $0.batches.count } }

    func append(_ batch: Bytes) throws(LogError) -> CoordinatorAppended {
        try state.withLock { state throws(LogError) in
            if let failure = state.failure { throw LogError(failure, "told to fail") }
            guard batch.count <= state.maxBatchBytes else {
                throw LogError(.recordListTooLarge, "\(batch.count) bytes are too many")
            }
            let header: RecordBatchHeader
            do throws(RecordsError) {
                header = try batch.withUnsafeBytes { bytes throws(RecordsError) in try RecordBatchHeader(reading: bytes)
                }
            } catch {
                throw LogError(.corruptMessage, "\(error)")
            }
            let offset = state.endOffset
            batch.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                RecordBatchHeader.stamp(baseOffset: offset, partitionLeaderEpoch: 0, at: base)
            }
            state.batches.append(batch)
            state.endOffset += Int64(header.lastOffsetDelta) + 1
            return CoordinatorAppended(endOffset: state.endOffset, awaitsFlush: state.awaitsFlush)
        }
    }

    func appendAtOnce(_ batch: Bytes) throws(LogError) -> CoordinatorAppended? { isBusy ? nil : try append(batch) }

    func checkAtOnce(_ producer: CoordinatorProducer) -> ErrorCode? { isBusy ? nil : check(producer) }

    func runLate(_ work: @escaping @Sendable () -> Void) { state.withLock { $0.lateWork.append(work) } }

    /// The disk has answered.
    func doLateWork() {
        let work = state.withLock { state in
            defer { state.lateWork = [] }
            return state.lateWork
        }
        for job in work { job() }
    }

    func check(_ producer: CoordinatorProducer) -> ErrorCode {
        state.withLock { $0.fenced.contains(producer) } ? .invalidProducerEpoch : .none
    }

    /// One batch at a time.
    func read(from offset: Int64, maxBytes: Int) throws(LogError) -> Bytes {
        expectEventually("reads go on") { state.withLock { !$0.isHeld } }
        defer { state.withLock { $0.onRead }() }
        return state.withLock { state in
            state.reads += 1
            for batch in state.batches {
                let header = try? batch.withUnsafeBytes { bytes throws(RecordsError) in
                    try RecordBatchHeader(reading: bytes)
                }
                if let header, header.lastOffset >= offset { return batch }
            }
            return Bytes()
        }
    }

    func whenHighWatermarkMoves(from highWatermark: Int64, _ wake: @escaping @Sendable () -> Void) {
        let isMoved = state.withLock { state in
            let isMoved = state.highWatermark ?? state.endOffset != highWatermark
            if !isMoved { state.wakes.append(wake) }
            return isMoved
        }
        if isMoved { wake() }
    }

    func whenFlushed(to offset: Int64, _ completion: @escaping @Sendable (LogError?) -> Void) {
        let isFlushed = state.withLock { state in
            if state.flushedOffset < offset { state.flushWaiters.append(completion) }
            return state.flushedOffset >= offset
        }
        if isFlushed { completion(nil) }
    }

    /// All that there is comes to stable storage, or nothing with an error.
    func flush(_ error: LogError? = nil) {
        let waiters = state.withLock { state in
            if error == nil { state.flushedOffset = state.endOffset }
            defer { state.flushWaiters = [] }
            return state.flushWaiters
        }
        for waiter in waiters { waiter(error) }
    }

    func moveHighWatermark(to offset: Int64) {
        let wakes = state.withLock { state in
            state.highWatermark = offset
            defer { state.wakes = [] }
            return state.wakes
        }
        for wake in wakes { wake() }
    }

    func appendTransaction(_ records: [Record], producerId: Int64, commits: Bool?) throws {
        var options = BatchOptions()
        options.producerId = producerId
        options.producerEpoch = 0
        options.isTransactional = true
        _ = try append(RecordBatchBuilder.batch(records, options))
        guard let commits else { return }
        let marker = EndTransactionMarker(isCommit: commits, coordinatorEpoch: 1)
        _ = try append(marker.batch(producerId: producerId, producerEpoch: 0, timestampMs: 0))
    }
}

extension CoordinatorPartition {
    /// Does what the partition leaves to another thread until there is nothing more.
    func settle() {
        flush()
        while let work = takeLateWork() {
            finishLateWork(work.run())
            flush()
        }
    }
}

/// Collects answers in the order in which they come, from any thread.
final class Answers: Sendable {
    let all = Monitor<[String]>([])

    var list: [String] { all.withLock { $0 } }

    var reply: CoordinatorReply<String> {
        CoordinatorReply { answer in
            self.all.update { $0.append(answer) }
        } refusal: {
            $0.name
        }
    }

    /// Waits for so many; gives what there is when they do not come.
    func wait(_ count: Int) -> [String] { all.wait(timeoutMs: 30_000) { $0.count >= count ? $0 : nil } ?? list }
}
