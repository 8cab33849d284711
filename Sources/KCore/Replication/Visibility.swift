/// How far a reader may read (the protocol's isolation level, KIP-98).
public enum ReadLimit: Sendable {
    /// Everything that all in-sync replicas have and that is old enough.
    case highWatermark
    /// Of that, only what belongs to no open transaction.
    case lastStableOffset
}

/// What consumers of a partition may see, and what holds it back: the one place where the reasons meet.
///
/// - Replication: nothing that an in-sync replica lacks (``replicatedEnd``).
/// - `delivery.delay.ms`: nothing that is too young (``DeliveryDelay``).
/// - Open transactions hold readers of `read_committed` back further, see ``Partition/lastStableOffset``.
///
/// A state machine: the time is handed in, and nothing is read from disk.
struct Visibility: Sendable {
    /// Everything below is in the log of every in-sync replica. What acks=all waits for and what retention respects.
    private(set) var replicatedEnd: Int64
    /// The high watermark that consumers are told. Never goes back, whatever becomes of the delay.
    private(set) var highWatermark: Int64
    private var delay: DeliveryDelay?

    /// - Parameters:
    ///   - delay: nil without `delivery.delay.ms`.
    init(replicatedEnd: Int64, delay: DeliveryDelay? = nil) {
        self.replicatedEnd = replicatedEnd
        self.delay = delay
        highWatermark = min(replicatedEnd, delay?.dueEnd ?? .max)
    }

    var isDelaying: Bool { delay != nil }
    /// When the delay lets the high watermark move next, milliseconds since 1970; nil when it does not hold it back.
    var nextDueMs: Int64? { delay?.nextDueMs }

    /// Moves what is replicated forward.
    /// - Returns: whether the high watermark has moved.
    mutating func replicated(to offset: Int64, nowMs: @autoclosure () -> Int64) -> Bool {
        replicatedEnd = max(replicatedEnd, offset)
        return advance(nowMs: delay == nil ? 0 : nowMs())
    }

    /// Takes note of an append, before it is said to be replicated.
    mutating func appended(from offset: Int64, to end: Int64, maxTimestamp: Int64, nowMs: @autoclosure () -> Int64) {
        if delay == nil { return }
        delay?.appended(from: offset, to: end, maxTimestamp: maxTimestamp, nowMs: nowMs())
    }

    /// Lets go what has become due.
    /// - Returns: whether the high watermark has moved.
    mutating func advance(nowMs: Int64) -> Bool {
        delay?.advance(nowMs: nowMs)
        let end = min(replicatedEnd, delay?.dueEnd ?? .max)
        guard end > highWatermark else { return false }
        highWatermark = end
        return true
    }

    /// Puts another `delivery.delay.ms` into force, for what is not yet visible and what comes.
    mutating func change(delayMs: Int64, logEndOffset: Int64) {
        if delayMs <= 0 {
            delay = nil
        } else if delay == nil {
            // What was there before it was delayed is as good as delivered.
            delay = DeliveryDelay(delayMs: delayMs, dueEnd: logEndOffset, logEndOffset: logEndOffset)
        } else {
            delay?.change(delayMs: delayMs)
        }
    }

    /// See ``DeliveryDelay/wantsMore(nowMs:)``.
    mutating func wantsMore(nowMs: Int64) -> (from: Int64, count: Int)? { delay?.wantsMore(nowMs: nowMs) }

    /// See ``DeliveryDelay/answer(_:nowMs:)``.
    mutating func answer(_ times: BatchTimes?, nowMs: Int64) { delay?.answer(times, nowMs: nowMs) }

    /// The log was cut off at `offset`, which only a replica that does not lead does.
    mutating func truncate(to offset: Int64) {
        replicatedEnd = min(replicatedEnd, offset)
        highWatermark = min(highWatermark, offset)
        delay?.truncate(to: offset)
    }
}
