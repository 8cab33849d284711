import Synchronization
import Testing

@testable import KCore

/// A compacted log on a simulated disk, its cleaner, and what to write into it.
final class CleaningBench {
    let bench: LogBench
    let cleaner: LogCleaner
    let map: OffsetMap
    private(set) var log: Log
    static let start: Int64 = 1_700_000_000_000

    static var config: LogConfig {
        var config = LogConfig()
        config.cleanupPolicy = .compact
        config.segmentBytes = 600
        config.indexIntervalBytes = 100
        config.minCleanableDirtyRatio = 0
        config.deleteRetentionMs = 1000
        config.fileDeleteDelayMs = 0
        return config
    }

    init(
        _ bench: LogBench = LogBench(), mapBytes: Int = 1 << 20, recoveryPoint: Int64 = 0,
        _ change: (inout LogConfig) -> Void = { _ in }
    ) throws {
        self.bench = bench
        var options = CleanerOptions()
        options.ioBufferBytes = 8192
        cleaner = LogCleaner(options, clock: bench.clock, logger: .silent)
        map = OffsetMap(maxBytes: mapBytes, loadFactor: 0.9)
        var config = CleaningBench.config
        change(&config)
        log = try bench.open(config, recoveryPoint: recoveryPoint)
    }

    var nowMs: Int64 { bench.clock.wallMs }

    /// Appends a batch of records: `key=value`, or `key` alone for a tombstone.
    @discardableResult
    func put(_ records: String..., options: BatchOptions = BatchOptions()) throws -> AppendResult {
        try put(records, options: options)
    }

    @discardableResult
    func put(_ records: [String], options: BatchOptions = BatchOptions()) throws -> AppendResult {
        let builder = RecordBatchBuilder(options)
        for record in records {
            let parts = record.split(separator: "=", maxSplits: 1).map(String.init)
            try builder.append(
                timestamp: nowMs, key: Bytes(parts[0]), value: parts.count > 1 ? Bytes(parts[1]) : nil)
        }
        return try log.append(try builder.close(), leaderEpoch: 0)
    }

    /// Appends the end of a transaction.
    func end(_ producerId: Int64, isCommit: Bool, epoch: Int16 = 0) throws {
        let marker = EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: 0)
        let batch = try marker.batch(producerId: producerId, producerEpoch: epoch, timestampMs: nowMs)
        _ = try log.append(batch, leaderEpoch: 0, origin: .coordinator)
    }

    func transactional(_ producerId: Int64, sequence: Int32 = 0, epoch: Int16 = 0) -> BatchOptions {
        var options = BatchOptions()
        options.producerId = producerId
        options.producerEpoch = epoch
        options.baseSequence = sequence
        options.isTransactional = true
        return options
    }

    /// Begins a new segment.
    func roll() throws {
        try log.writer.withLock { writer in _ = try log.roll(at: writer.endOffset, log.config, &writer) }
        log.flushAfterRoll()
    }

    @discardableResult
    func clean() -> CleaningResult? { cleaner.cleanNext(among: [log], map: map) }

    /// Opens the log anew, as after a crash.
    func reopen(clean: Bool = false, recoveryPoint: Int64? = nil) throws {
        let config = log.config
        let point = recoveryPoint ?? log.recoveryPoint
        let start = log.logStartOffset
        if clean { try log.close() }
        log = try bench.open(config, recoveryPoint: point, startOffset: start, clean: clean)
    }

    // MARK: Looking

    /// All records as `offset:key=value`.
    func contents() throws -> [String] {
        try log.records(from: log.logStartOffset).compactMap { record in
            guard let key = record.key else { return "\(record.offset):-=\(record.value?.utf8String ?? "")" }
            return "\(record.offset):\(key.utf8String)" + (record.value.map { "=" + $0.utf8String } ?? "")
        }
    }

    /// Batch headers of the whole log.
    func headers() throws -> [RecordBatchHeader] {
        var next = log.logStartOffset
        var headers: [RecordBatchHeader] = []
        while true {
            let batches = try log.read(from: next, maxBytes: 1 << 20).batches()
            guard !batches.isEmpty else { return headers }
            for batch in batches {
                let reader = try RecordBatchReader(batch)
                headers.append(reader.header)
                next = reader.header.lastOffset + 1
            }
        }
    }

    var files: [String] {
        bench.disk.paths.filter { $0.hasPrefix(bench.path + "/") }.map { String($0.dropFirst(bench.path.count + 1)) }
    }
}
