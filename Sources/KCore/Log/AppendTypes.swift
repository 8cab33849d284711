/// Who appends.
public enum AppendOrigin: Sendable {
    /// A producer: everything is checked.
    case client
    /// A coordinator of this broker: may write control records, and batches larger than clients may.
    case coordinator
    /// A leader's records, which carry their offsets and epochs.
    case replication
}

/// What became of an append.
public struct AppendResult: Equatable, Sendable {
    /// Of the first record; of a duplicate, where it was the first time.
    public var baseOffset: Int64
    public var lastOffset: Int64
    /// Milliseconds; -1 unless the topic's timestamps are the times of append.
    public var logAppendTimeMs: Int64
    public var logStartOffset: Int64
    /// Of the records, milliseconds since 1970; -1 when they have none.
    public var maxTimestamp: Int64 = -1
    /// The batch was in the log already; nothing was appended.
    public var isDuplicate = false
    /// `flush.messages` asks for a flush before this is acknowledged: see ``Log/whenFlushed(to:_:)``.
    public var awaitsFlush = false
}

/// What became of an append by a thread that must not wait for a disk.
enum AppendAttempt: Sendable {
    case done(AppendResult)
    /// Nothing has changed. Another thread is to append them.
    case wouldWait(PreparedAppend)
}

/// What a read found.
public struct LogRead: Sendable {
    /// Whole batches, the first of which has or precedes the offset asked for.
    public var records: WireRecords
    /// The base offset of the first batch; the offset asked for when there is none.
    public var firstOffset: Int64
    public var logStartOffset: Int64
    public var logEndOffset: Int64
}

/// A record found by time.
public struct TimestampOffset: Equatable, Sendable {
    /// Milliseconds since 1970.
    public var timestamp: Int64
    public var offset: Int64
    /// The epoch of the leader that appended it; -1 when unknown.
    public var leaderEpoch: Int32

    public init(timestamp: Int64, offset: Int64, leaderEpoch: Int32) {
        self.timestamp = timestamp
        self.offset = offset
        self.leaderEpoch = leaderEpoch
    }
}
