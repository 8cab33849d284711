/// How a broker cleans its logs. Names in comments are the broker settings.
public struct CleanerOptions: Sendable, Equatable {
    /// `log.cleaner.enable`
    public var isEnabled = true
    /// `log.cleaner.threads`: of each log directory with compacted logs.
    public var threads = 1
    /// Log directories.
    public var directories = 1
    /// `log.cleaner.dedupe.buffer.size`: memory for the maps of all threads, in bytes.
    public var dedupeBufferBytes = 128 << 20
    /// `log.cleaner.io.buffer.load.factor`: how full a map may get.
    public var loadFactor = 0.9
    /// `log.cleaner.io.buffer.size`: memory for the reads and writes of all threads, in bytes.
    public var ioBufferBytes = 512 << 10
    /// `log.cleaner.io.max.bytes.per.second`: of all threads together, read and written.
    public var maxBytesPerSecond = Double.greatestFiniteMagnitude
    /// `log.cleaner.backoff.ms`: how long to wait when nothing is to be cleaned.
    public var backoffMs: Int64 = 15_000

    public init() {}

    private var allThreads: Int { max(threads, 1) * max(directories, 1) }
    /// Of each thread.
    var mapBytes: Int { dedupeBufferBytes / allThreads }
    /// Of each thread, for reading; the same again for writing.
    var bufferBytes: Int { max(ioBufferBytes / allThreads / 2, 4096) }
}
