import Synchronization
import Testing

@testable import KCore

/// Keeps jobs until a test has them run, as threads that are busy with something else.
final class JobQueue: Sendable {
    private let jobs = Mutex<[@Sendable () -> Void]>([])

    @Sendable func add(_ job: @escaping @Sendable () -> Void) { jobs.withLock { $0.append(job) } }
    var count: Int { jobs.withLock { $0.count } }

    func run() {
        let due = jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
        for job in due { job() }
    }
}

/// What was said, by whatever thread, in the order of saying.
final class Heard<Answer: Sendable>: Sendable {
    private let answers = Mutex<[Answer]>([])
    @Sendable func add(_ answer: Answer) { answers.withLock { $0.append(answer) } }
    var all: [Answer] { answers.withLock { $0 } }
}

/// One partition's log on a simulated disk.
struct LogBench {
    let disk: SimulatedDisk
    let clock: ManualClock
    let health: DirectoryHealth
    let environment: LogEnvironment
    let topicPartition = TopicPartition(topic: "t", partition: 0)
    static let directory = "/logs"
    var path: String { LogBench.directory + "/t-0" }
    let removals = RemovalQueue()

    init(
        disk: SimulatedDisk = SimulatedDisk(), clock: ManualClock = ManualClock(), maxOpenFiles: Int = 100,
        background: @escaping LogEnvironment.Run = { _ in }, flusher: @escaping LogEnvironment.Run = { $0() }
    ) {
        self.disk = disk
        self.clock = clock
        health = DirectoryHealth(path: LogBench.directory)
        environment = LogEnvironment(
            files: OpenFiles(disk: disk, limit: maxOpenFiles), clock: clock, directory: health,
            background: background, flusher: flusher, removeLater: { [removals] in removals.add($0, atMs: $1) })
    }

    func open(
        _ config: LogConfig = LogConfig(), recoveryPoint: Int64 = 0, startOffset: Int64 = 0, highWatermark: Int64 = 0,
        clean: Bool = false
    ) throws -> Log {
        try disk.createDirectory(path)
        return try LogLoader(
            topicPartition: topicPartition, folder: PartitionFolder(path: path, files: environment.files),
            environment: environment, config: config, recoveryPoint: recoveryPoint, startOffset: startOffset,
            highWatermark: highWatermark, wasCleanStop: clean
        ).load()
    }
}

extension Log {
    /// Appends a batch of records with these values.
    @discardableResult
    func append(
        _ values: [String], timestamp: Int64 = 1_700_000_000_000, epoch: Int32 = 0,
        options: BatchOptions = BatchOptions(),
        origin: AppendOrigin = .client
    ) throws -> AppendResult {
        try append(Batches.make(values, timestamp: timestamp, options: options), leaderEpoch: epoch, origin: origin)
    }

    /// The values from `offset` on, by as many reads as it takes.
    func values(from offset: Int64 = 0, maxBytes: Int = 1 << 20, upTo: Int64 = .max) throws -> [String] {
        try records(from: offset, maxBytes: maxBytes, upTo: upTo).map { $0.value?.utf8String ?? "" }
    }

    func records(from offset: Int64 = 0, maxBytes: Int = 1 << 20, upTo: Int64 = .max) throws -> [Record] {
        var next = offset
        var result: [Record] = []
        while true {
            let read = try self.read(from: next, maxBytes: maxBytes, upTo: upTo)
            let batches = try read.batches()
            if batches.isEmpty { return result }
            for batch in batches {
                let reader = try RecordBatchReader(batch)
                result += try reader.allRecords().filter { $0.offset >= next }
                next = reader.header.lastOffset + 1
            }
        }
    }
}

enum Batches {
    static func make(
        _ values: [String], timestamp: Int64 = 1_700_000_000_000, options: BatchOptions = BatchOptions()
    ) throws -> Bytes {
        let builder = RecordBatchBuilder(options)
        for value in values { try builder.append(timestamp: timestamp, key: nil as Bytes?, value: Bytes(value)) }
        return try builder.close()
    }

    static func idempotent(
        _ values: [String], producerId: Int64 = 7, epoch: Int16 = 0, sequence: Int32
    ) throws -> Bytes {
        var options = BatchOptions()
        options.producerId = producerId
        options.producerEpoch = epoch
        options.baseSequence = sequence
        return try make(values, options: options)
    }
}
