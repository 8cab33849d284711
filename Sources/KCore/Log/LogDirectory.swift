internal import Synchronization

/// One of `log.dirs`: locked for this process, with what its files say.
final class LogDirectory: Sendable {
    let path: String
    /// Its place in `log.dirs`, from 0 on.
    let number: Int
    let health: DirectoryHealth
    let wasCleanStop: Bool
    /// Held while checkpoints are written, so that an older state never replaces a newer one.
    let checkpointing = Mutex(CheckpointsWritten())
    /// Partitions without a log that checkpoints in this directory may still name.
    let stale = Mutex<Set<TopicPartition>>([])
    /// Checkpoints that could not be written the last time, which is said once.
    let unwritable = Mutex<Set<String>>([])
    /// Held while it is looked whether the disk is silent, so that what was seen earlier never decides later.
    let lookingForSilence = Mutex(())
    /// Held while logs are made, or ended.
    let making = Mutex(())
    /// Goes up with everything that who makes and ends logs has done.
    let makerSteps = Atomic(0)
    let workers: DirectoryWorkers
    let files: OpenFiles
    let removals = RemovalQueue()
    /// What is under way, and since when, on the clock's `monotonicMs`.
    let inProgress = Mutex<[Upkeep: Int64]>([:])
    /// Nil as long as there is nothing to clean.
    let cleanerThreads = Mutex<CleanerThreads?>(nil)
    private let lock: Mutex<(any AnyObject & Sendable)?>
    /// What had the path when it was opened.
    let identity: FileIdentity?

    private init(
        path: String, number: Int, health: DirectoryHealth, files: OpenFiles, workers: DirectoryWorkers,
        wasCleanStop: Bool,
        lock: (any AnyObject & Sendable)?, identity: FileIdentity? = nil
    ) {
        self.path = path
        self.number = number
        self.health = health
        self.files = files
        self.workers = workers
        self.wasCleanStop = wasCleanStop
        self.lock = Mutex(lock)
        self.identity = identity
    }

    /// Creates the directory when there is none, and locks it. One that cannot be used is offline.
    /// - Parameter maxOpenFiles: in it.
    /// - Throws: KAFKA_STORAGE_ERROR when another process has it.
    static func open(
        _ path: String, number: Int, disk: any Disk, maxOpenFiles: Int, workers: DirectoryWorkers, logger: Logger,
        _ failureHandler: FailureHandler
    ) throws(LogError) -> LogDirectory {
        let files = OpenFiles(disk: disk, limit: maxOpenFiles, background: workers.writeBehind)
        let health = DirectoryHealth(path: path) { directory, error in
            logger.error("a log directory is offline", ["dir": directory.path, "error": error])
            failureHandler.tell(directory.path)
        }
        do {
            try disk.createDirectory(path)
            let lock = try disk.lock(path + "/" + LogDirectoryName.lockFile)
            let marker = try disk.fileSize(path + "/" + LogDirectoryName.cleanStopMarker)
            return LogDirectory(
                path: path, number: number, health: health, files: files, workers: workers, wasCleanStop: marker != nil,
                lock: lock, identity: try disk.identity(path))
        } catch {
            if error.operation == .lock && error.isTaken {
                throw LogError(.kafkaStorageError, "\(path) is in use: another broker has locked it")
            }
            _ = health.fail(error)
            return LogDirectory(
                path: path, number: number, health: health, files: files, workers: workers, wasCleanStop: false,
                lock: nil)
        }
    }

    /// The partitions that have a directory here, and those whose directory waits to be removed, which is handed to
    /// ``removals``.
    func partitions(
        _ disk: any Disk, _ logger: Logger
    ) throws(DiskError) -> (found: [TopicPartition], deleted: Set<TopicPartition>) {
        var found: [TopicPartition] = []
        var deleted: Set<TopicPartition> = []
        for entry in try disk.list(path) where entry.isDirectory {
            if LogDirectoryName.isDeleted(entry.name) {
                removals.add([path + "/" + entry.name], atMs: .min)
                if let partition = LogDirectoryName.parseDeleted(entry.name) { deleted.insert(partition) }
            } else if LogDirectoryName.isFuture(entry.name) {
                logger.warning(
                    "a copy that Kafka was making from another log directory is kept and not used",
                    ["dir": path + "/" + entry.name])
            } else if let partition = LogDirectoryName.parse(entry.name),
                partition.topic != LogDirectoryName.metadataTopic
            {
                found.append(partition)
            }
        }
        return (found, deleted)
    }

    /// The offsets of a checkpoint. When it cannot be read that is logged: without a log's start, records come back that had
    /// been deleted. What is sound in it still counts, but for promises: there nobody knows what else is wrong.
    func readCheckpoint(_ name: String, _ disk: any Disk, _ logger: Logger) -> [TopicPartition: Int64] {
        let (offsets, damage) = OffsetCheckpoint(disk: disk, directory: path, name: name).readSound()
        guard let damage else { return offsets }
        logger.warning("a checkpoint cannot be read", ["file": path + "/" + name, "error": damage])
        let isPromise = [OffsetCheckpoint.recoveryPointName, OffsetCheckpoint.cleanedName].contains(name)
        return isPromise ? [:] : offsets
    }

    /// Whether there is a checkpoint that can be read.
    func has(_ name: String, _ disk: any Disk) -> Bool {
        guard ((try? disk.fileSize(path + "/" + name)) ?? nil) != nil else { return false }
        return (try? OffsetCheckpoint(disk: disk, directory: path, name: name).read()) != nil
    }

    /// Whether nobody can say what had been on stable storage. Not so when there is no file: then nothing was promised.
    func hasUnreadableRecoveryPoints(_ disk: any Disk, _ logger: Logger) -> Bool {
        let checkpoint = OffsetCheckpoint(disk: disk, directory: path, name: OffsetCheckpoint.recoveryPointName)
        guard (try? checkpoint.read()) == nil else { return false }
        if !wasCleanStop {
            logger.error(
                "a log that is damaged in front of whole segments is refused: what had been promised is not known. Put its "
                    + "files right, or remove this file to have everything from the damage on cut off",
                ["file": checkpoint.path])
        }
        return true
    }

    func removeCleanStopMarker(_ disk: any Disk) {
        guard wasCleanStop else { return }
        do {
            try disk.remove(path + "/" + LogDirectoryName.cleanStopMarker)
            try disk.syncDirectory(path)
        } catch  where error.isMissing {
        } catch {
            _ = health.fail(error)
        }
    }

    /// Sees to it that the file which this process has locked is the directory's: whoever comes locks the one that he finds
    /// there.
    /// - Returns: false when it had to be made anew.
    /// - Throws: ``DiskError/isTaken`` when another process has it.
    func keepLock(_ disk: any Disk) throws(DiskError) -> Bool {
        let file = path + "/" + LogDirectoryName.lockFile
        return try lock.withLock { (lock) throws(DiskError) in
            // The directory was given up.
            guard let held = lock else { return true }
            if try disk.isInPlace(held, file) { return true }
            lock = try disk.lock(file)
            return false
        }
    }

    /// Lets another process have the directory.
    func unlock() { lock.withLock { $0 = nil } }

    func writeCleanStopMarker(_ disk: any Disk, brokerEpoch: Int64) throws(DiskError) {
        try disk.replaceFile(
            path + "/" + LogDirectoryName.cleanStopMarker,
            with: Bytes("{\"version\":0,\"brokerEpoch\":\(brokerEpoch)}"))
    }
}
