internal import Synchronization

/// Who does the work of one log directory that may wait for its disk. Every directory has threads of its own, so that a
/// disk that does not answer holds up no log on another one.
public struct DirectoryWorkers: Sendable {
    public typealias Run = @Sendable (@escaping @Sendable () -> Void) -> Void

    /// Runs what may block.
    var background: Run
    /// Runs fsyncs that producers wait for.
    var flusher: Run
    /// Runs what may wait for a disk to take something to write.
    var writeBehind: Run
    /// Runs what comes up again and again, of which one at a time is enough; see ``Upkeep``.
    var upkeep: Run
    /// Makes and ends logs, one after the other; somebody waits for it.
    var maker: Run = { $0() }
    /// Does for clients what may wait for the disk, other than reads of records; somebody waits for it.
    var requests: Run
    /// Appends for clients what takes more than a write to an open file; somebody waits for it, and for nothing that may take
    /// long.
    var appends: Run
    /// Reads what is not in memory; nil: whoever does that for all.
    var readers: WorkerPool?
    /// Reads whole logs for coordinators; nil: whoever does that for all. Consumers have the readers above: neither waits for
    /// the other.
    var loads: WorkerPool?
    /// Threads to be stopped with the directory.
    var pools: [WorkerPool] = []

    /// The same for everything, as tests want it, but for what makes and ends logs: that is done at once.
    public init(_ run: @escaping Run) {
        background = run
        flusher = run
        writeBehind = run
        upkeep = run
        requests = run
        appends = run
    }

    /// Threads, which start when they are needed.
    /// - Parameters:
    ///   - name: tells those of several directories apart.
    ///   - readers: threads that read for consumers, and as many each that read for coordinators, append, and do what else
    ///     clients wait for.
    static func start(_ name: String, readers: Int) -> DirectoryWorkers {
        func pool(_ work: String, _ threads: Int) -> WorkerPool {
            WorkerPool(name: "\(work)-\(name)", threads: threads)
        }
        let background = pool("disk", 2)
        let flushers = pool("flush", 4)
        let writer = pool("write", 1)
        // One for each kind: the presence is looked at whatever else waits for the disk.
        let upkeep = pool("upkeep", Upkeep.allCases.count)
        let maker = pool("maker", 1)
        let requests = pool("request", readers)
        let appends = pool("append", readers)
        var workers = DirectoryWorkers { job in background.submit(job) }
        workers.flusher = { job in
            // What is wanted when the pool has stopped is done all the same: somebody waits for it.
            if !flushers.submit(job) { job() }
        }
        workers.writeBehind = { job in writer.submit(job) }
        workers.upkeep = { job in upkeep.submit(job) }
        workers.maker = { job in if !maker.submit(job) { job() } }
        workers.requests = { job in if !requests.submit(job) { job() } }
        workers.appends = { job in if !appends.submit(job) { job() } }
        let reader = pool("reader", readers)
        let loads = pool("load", readers)
        (workers.readers, workers.loads) = (reader, loads)
        workers.pools = [background, flushers, writer, upkeep, maker, requests, appends, reader, loads]
        return workers
    }
}

/// What is done in a log directory every now and then.
enum Upkeep: CaseIterable, Sendable {
    case presence, retention, flushes, checkpoints, highWatermarks, removals
}

extension LogDirectory {
    /// Has a job done, unless the last one of its kind is not finished: on a disk that does not answer they would only
    /// pile up.
    /// - Parameters:
    ///   - nowMs: on the clock's `monotonicMs`.
    ///   - completion: called when the job is not under way any more.
    func perform(
        _ kind: Upkeep, nowMs: Int64, _ job: @escaping @Sendable () -> Void,
        completion: @escaping @Sendable () -> Void = {}
    ) {
        let isFirst = inProgress.withLock { inProgress in
            if inProgress[kind] != nil { return false }
            inProgress[kind] = nowMs
            return true
        }
        guard isFirst else { return }
        workers.upkeep { [self] in
            job()
            inProgress.withLock { $0[kind] = nil }
            completion()
        }
    }
}
