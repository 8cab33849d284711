internal import Synchronization

/// All logs of a broker, in one or more log directories, each of which can fail by itself.
///
/// The caller calls ``tick()`` every now and then: flushing, retention, checkpoints and removal of files are done there,
/// by jobs in the background.
public final class LogManager: Sendable {
    public typealias Background = DirectoryWorkers.Run

    let options: LogManagerOptions
    let disk: any Disk
    let clock: any Clock
    let logger: Logger
    let background: Background
    let isFinishingEnds = Atomic(false)
    let cleaner: LogCleaner
    let directories: [LogDirectory]
    let state: Mutex<State>
    let uncleanStop = Atomic(false)
    let failureHandler: FailureHandler

    struct State: Sendable {
        var logs: [TopicPartition: Log] = [:]
        /// Partitions that have a directory which could not be opened, and why. Nothing may be created in their place.
        var refused: [TopicPartition: RefusedLog] = [:]
        /// What else there is of partitions that are in several directories.
        var surplus: [TopicPartition: SurplusLogs] = [:]
        /// Directories that were to get another name and could not: that of the partition is not free yet.
        var unfinished: [TopicPartition: [UnfinishedEnd]] = [:]
        /// Who makes a log just now, by its name.
        var makers: [TopicPartition: LogMaker] = [:]
        var lastMaker = 0
        var lastCheckpointMs: Int64
        var lastHighWatermarksMs: Int64
        var lastRetentionMs: Int64
        var lastExpiryMs: Int64
        var lastFlushCheckMs: Int64
        var isCleaning = false
        var isStopped = false
    }

    /// Opens the directories and locks them, so that no other broker touches what is in them: the first thing that a
    /// broker does. ``load(configFor:)`` comes next.
    /// A directory that cannot be used is offline, and reported in ``describeDirectories()``.
    ///
    /// - Parameters:
    ///   - background: runs jobs that may block, on other threads.
    ///   - workers: does what waits for the disk of a log directory, by its path; `background` without it. Its threads are
    ///     stopped with the manager.
    /// - Throws: KAFKA_STORAGE_ERROR when no directory can be used, or one is in use by another broker.
    public init(
        _ options: LogManagerOptions, disk: any Disk = SystemDisk(), clock: any Clock = SystemClock(),
        logger: Logger = .silent, background: @escaping Background,
        workers: ((_ directory: String) -> DirectoryWorkers)? = nil
    ) throws(LogError) {
        self.options = options
        self.disk = disk
        self.clock = clock
        self.logger = logger
        self.background = background
        var cleanerOptions = options.cleaner
        cleanerOptions.directories = options.directories.count
        cleaner = LogCleaner(cleanerOptions, clock: clock, logger: logger.named("cleaner"))
        let nowMs = clock.monotonicMs
        state = Mutex(
            State(
                lastCheckpointMs: nowMs, lastHighWatermarksMs: nowMs, lastRetentionMs: nowMs, lastExpiryMs: nowMs,
                lastFlushCheckMs: nowMs))
        let failureHandler = FailureHandler()
        self.failureHandler = failureHandler
        var directories: [LogDirectory] = []
        for (number, path) in options.directories.enumerated() {
            directories.append(
                try LogDirectory.open(
                    path, number: number, disk: disk, maxOpenFiles: options.maxOpenFiles / options.directories.count,
                    workers: workers?(path) ?? DirectoryWorkers(background), logger: logger, failureHandler))
        }
        self.directories = directories
        guard directories.contains(where: { !$0.health.isOffline }) else {
            throw LogError(
                .kafkaStorageError, "no log directory can be used: \(options.directories.joined(separator: ", "))")
        }
    }

    /// The same with a pool for the work that concerns no directory, and threads for each directory.
    public convenience init(
        _ options: LogManagerOptions, disk: any Disk = SystemDisk(), clock: any Clock = SystemClock(),
        logger: Logger = .silent, pool: WorkerPool
    ) throws(LogError) {
        var number = 0
        try self.init(
            options, disk: disk, clock: clock, logger: logger, background: { job in pool.submit(job) },
            workers: { _ in
                defer { number += 1 }
                return DirectoryWorkers.start("\(number)", readers: options.readerThreads)
            })
    }

    /// Whether a directory with logs was not stopped cleanly: what had not been flushed may be lost.
    public var wasUncleanStop: Bool { uncleanStop.load(ordering: .acquiring) }

    // MARK: Logs

    /// The log of a partition; nil when there is none here.
    public func log(for topicPartition: TopicPartition) -> Log? {
        state.withLock { $0.logs[topicPartition] }
    }

    /// All logs, in no particular order.
    public var logs: [Log] { state.withLock { Array($0.logs.values) } }

    /// All logs by their names, for work that takes its time: the same in every run.
    var sortedLogs: [Log] { logs.sorted { $0.topicPartition < $1.topicPartition } }

    /// Whether a directory cannot be used: logs that seem to be missing may be in it.
    public var hasOfflineDirectory: Bool { directories.contains { $0.health.isOffline } }

    /// The directories that cannot be used, by the paths they were given, and why.
    public var offlineDirectories: [(path: String, reason: String)] {
        directories.compactMap { directory in directory.health.error.map { (directory.path, $0.description) } }
    }

    /// Takes a directory offline, before anything in it is opened.
    /// - Parameter path: as it was given.
    public func giveUp(_ path: String, _ error: DiskError) {
        for directory in directories where directory.path == path { _ = directory.health.fail(error) }
    }

    /// Has `handler` called when a directory goes offline: by a job in the background, after its logs refuse.
    public func onDirectoryFailure(_ handler: @escaping @Sendable (_ path: String) -> Void) {
        failureHandler.set { [background] path in background { handler(path) } }
    }

    /// Puts the settings of a topic into force in all its logs.
    public func updateConfig(topic: String, _ config: LogConfig) {
        for log in logs where log.topicPartition.topic == topic {
            log.updateConfig(config)
            startCleaning(log)
        }
    }

    // MARK: Opening

    func loader(
        _ topicPartition: TopicPartition, _ directory: LogDirectory, config: LogConfig, isClean: Bool
    ) -> LogLoader {
        let folder = PartitionFolder(
            path: directory.path + "/" + topicPartition.description, files: directory.files)
        var environment = LogEnvironment(
            files: directory.files, clock: clock, logger: logger.named("log"), directory: directory.health,
            background: directory.workers.background, flusher: directory.workers.flusher,
            writeBehind: directory.workers.writeBehind,
            removeLater: { [removals = directory.removals] paths, atMs in removals.add(paths, atMs: atMs) })
        environment.readers = directory.workers.readers
        environment.loads = directory.workers.loads
        environment.requests = directory.workers.requests
        environment.appends = directory.workers.appends
        environment.producerIdExpirationMs = options.producerIdExpirationMs
        environment.verifiesTransactions = options.verifiesTransactions
        environment.checkpoint = { [weak self] in
            self?.checkpoint(directory) ?? CheckpointOutcome(isWritten: false, isSafe: false)
        }
        return LogLoader(
            topicPartition: topicPartition, folder: folder, environment: environment, config: config,
            wasCleanStop: isClean)
    }
}
