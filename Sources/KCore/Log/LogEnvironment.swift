internal import Synchronization

/// What a log is handed: everything outside it.
struct LogEnvironment: Sendable {
    var disk: any Disk { files.disk }
    var files: OpenFiles
    var clock: any Clock
    var logger: Logger
    var directory: DirectoryHealth
    /// Runs a job that may take long, such as an fsync, on another thread.
    var background: Run
    /// Runs flushes that answers wait for.
    var flusher: Run
    /// Runs what may wait for the kernel to take something to write. Of one log, one at a time.
    var writeBehind: Run
    /// Does for clients what may wait for the disk, other than reads of records.
    var requests: Run = { $0() }
    /// Appends for clients what takes more than a write to an open file.
    var appends: Run = { $0() }
    /// Reads what is not in memory; nil: whoever does that for all.
    var readers: WorkerPool?
    /// The same for coordinators, which read whole logs.
    var loads: WorkerPool?
    /// Bytes of a segment after which the kernel is told to begin to write them.
    var writeBehindBytes: Int64 = 8 << 20
    /// Removes files at a time, in milliseconds of `clock.monotonicMs`, so that readers in flight finish.
    var removeLater: @Sendable (_ paths: [String], _ atMs: Int64) -> Void
    /// Writes the directory's checkpoints now: after a truncation has lowered a recovery point, and around a cleaning.
    var checkpoint: @Sendable () -> CheckpointOutcome = { CheckpointOutcome() }
    /// `producer.id.expiration.ms`
    var producerIdExpirationMs: Int64 = 86_400_000
    /// `transaction.partition.verification.enable`: whether a client's transaction must be confirmed before it begins here,
    /// see ``Log/beginVerification(of:)``.
    var verifiesTransactions = false

    typealias Run = @Sendable (@escaping @Sendable () -> Void) -> Void

    init(
        files: OpenFiles, clock: any Clock = SystemClock(), logger: Logger = .silent, directory: DirectoryHealth,
        background: @escaping Run = { $0() }, flusher: @escaping Run = { $0() },
        writeBehind: @escaping Run = { $0() },
        removeLater: @escaping @Sendable ([String], Int64) -> Void = { _, _ in }
    ) {
        self.files = files
        self.clock = clock
        self.logger = logger
        self.directory = directory
        self.background = background
        self.flusher = flusher
        self.writeBehind = writeBehind
        self.removeLater = removeLater
    }

    /// Removes files after a delay, however long: a topic's setting may be the largest number.
    func removeLater(_ paths: [String], after delayMs: Int64) {
        let (atMs, isNever) = clock.monotonicMs.addingReportingOverflow(delayMs)
        removeLater(paths, isNever ? .max : atMs)
    }
}

/// Whether a log directory can be trusted. The first error of its disk takes it offline for good: after an fsync has
/// failed nobody knows what is on the disk. Every log in it then answers KAFKA_STORAGE_ERROR.
final class DirectoryHealth: Sendable {
    let path: String
    let watch = DiskWatch()
    private let isBroken = Atomic<Bool>(false)
    private let silence = Atomic<Bool>(false)
    private let failure = Mutex<DiskError?>(nil)
    private let failed: @Sendable (DirectoryHealth, DiskError) -> Void

    /// - Parameter failed: called once, on the thread that met the error.
    init(path: String, failed: @escaping @Sendable (DirectoryHealth, DiskError) -> Void = { _, _ in }) {
        self.path = path
        self.failed = failed
    }

    var isOffline: Bool { isBroken.load(ordering: .acquiring) }
    var error: DiskError? { failure.withLock { $0 } }

    /// Throws when the directory is offline.
    @inline(__always)
    func check() throws(LogError) {
        if isOffline { throw offlineError() }
    }

    /// Whether the disk has not answered for so long that nobody who must not wait is to ask it. Unlike being offline it
    /// passes.
    var isSilent: Bool { silence.load(ordering: .acquiring) }

    /// - Returns: whether this is news.
    func setSilent(_ isSilent: Bool) -> Bool {
        silence.exchange(isSilent, ordering: .acquiringAndReleasing) != isSilent
    }

    /// Throws when nothing can be appended: the directory is offline, or its disk does not answer.
    @inline(__always)
    func checkAnswers() throws(LogError) {
        try check()
        if isSilent { throw silentError() }
    }

    private func silentError() -> LogError {
        var error = LogError(.kafkaStorageError, "the disk of \(path) does not answer")
        error.isTransient = true
        return error
    }

    func offlineError() -> LogError {
        LogError(.kafkaStorageError, "the log directory \(path) is offline: \(error?.description ?? "")")
    }

    /// Takes the directory offline.
    func fail(_ error: DiskError) -> LogError {
        let isFirst = failure.withLock { failure in
            if failure != nil { return false }
            failure = error
            return true
        }
        isBroken.store(true, ordering: .releasing)
        if isFirst { failed(self, error) }
        return LogError(error)
    }
}
