/// What one cleaning of a log did.
public struct CleaningResult: Equatable, Sendable {
    public var topicPartition: TopicPartition
    /// What was new to the cleaner: from this offset on, up to ``endOffset``. Segments below are written anew, too.
    public var firstDirtyOffset: Int64
    /// Exclusive: the next cleaning begins here.
    public var endOffset: Int64
    /// From segments: once for the map, once to be written anew.
    public var bytesRead: Int64 = 0
    public var bytesWritten: Int64 = 0
    public var bytesBefore: Int64 = 0
    public var bytesAfter: Int64 = 0
    public var recordsRead: Int64 = 0
    public var recordsKept: Int64 = 0
    /// Which were dropped.
    public var recordsWithoutKey: Int64 = 0
    /// Different keys in what was new.
    public var keys: Int = 0
    /// The share of keys that there was memory for.
    public var mapUtilization: Double = 0
    /// Whether the map was full, so that some of what could be cleaned waits for the next time.
    public var isPartial = false
    public var durationMs: Int64 = 0

    /// Read and written, in megabytes (2^20 bytes) each second.
    public var megabytesPerSecond: Double {
        Double(bytesRead + bytesWritten) / 1_048_576 / max(Double(durationMs) / 1000, 0.001)
    }
}

/// What the cleaner is doing and has done.
public struct CleanerStatus: Sendable {
    /// A cleaning that is under way.
    public struct Progress: Sendable {
        public var topicPartition: TopicPartition
        /// Bytes to read in all, as far as that is known, and bytes read so far.
        public var bytesToRead: Int64
        public var bytesRead: Int64
        /// On the clock's `monotonicMs`.
        public var startedMs: Int64
    }

    public var inProgress: [Progress] = []
    /// The last cleaning of each log.
    public var last: [TopicPartition: CleaningResult] = [:]
    /// Logs that are left alone because something in them cannot be read, and what.
    public var uncleanable: [TopicPartition: String] = [:]
    /// Since the start.
    public var cleanings = 0
    public var bytesRead: Int64 = 0
    public var bytesWritten: Int64 = 0

    public init() {}
}
