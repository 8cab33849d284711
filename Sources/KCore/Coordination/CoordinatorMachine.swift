/// What a coordinator decides for one partition of its topic: a value that steps change.
///
/// A machine reads no clock and starts nothing. A step gets a ``CoordinatorTurn``, which has the time, and puts into it
/// the records to keep and the answers to give; see the folder's README for what holds about both.
protocol CoordinatorMachine: Sendable {
    associatedtype Record: Sendable

    /// A record of the log; nil for a kind that this machine does not keep.
    static func decode(key: Bytes, value: Bytes?) throws(WireError) -> Record?
    static func encode(_ record: Record) throws(WireError) -> (key: Bytes, value: Bytes?)

    /// Applies a record that was just written, or read from the log.
    mutating func replay(_ record: Record, _ origin: CoordinatorRecordOrigin)
    /// Applies the end of a producer's transaction in this partition.
    mutating func replay(_ end: CoordinatorTransactionEnd)

    /// The whole log has been replayed; from now on there are steps.
    mutating func didLoad(_ turn: inout CoordinatorTurn<Record>)
    /// Does what is due, or the first of it: it is called again as long as something is.
    mutating func tick(_ turn: inout CoordinatorTurn<Record>)
    /// When there is something to do without a request, in the milliseconds of ``CoordinatorTurn/nowMs``; nil for never.
    var nextTickMs: Int64? { get }
    /// Refuses everybody who waits: this machine is given up.
    mutating func abandon(_ code: ErrorCode, _ turn: inout CoordinatorTurn<Record>)
}

extension CoordinatorMachine {
    mutating func replay(_ end: CoordinatorTransactionEnd) {}
    mutating func didLoad(_ turn: inout CoordinatorTurn<Record>) {}

    /// Keeps `record` and applies it: the one way in which a step changes what must outlive a crash.
    mutating func write(_ record: Record, _ turn: inout CoordinatorTurn<Record>) {
        replay(record, turn.add(record))
    }
}

/// Where a record stands.
struct CoordinatorRecordOrigin: Equatable, Sendable {
    /// Rises with every record. Of a record of the log, its offset there.
    var offset: Int64
    /// Whose transaction it belongs to; nil for none.
    var producerId: Int64?
    /// When it was written, in milliseconds since 1970; -1 when it does not say. From a log it may be anything.
    var timestampMs: Int64 = -1
}

/// The end of a transaction in a coordinator's partition, which a marker says there.
struct CoordinatorTransactionEnd: Equatable, Sendable {
    var producerId: Int64
    var producerEpoch: Int16
    /// Of the transaction coordinator that decided it.
    var coordinatorEpoch: Int32
    var isCommit: Bool
    /// Of the marker.
    var offset: Int64 = -1
}
