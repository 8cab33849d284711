import Synchronization

@testable import KCore

/// The product's cleaner at a log in memory: it is laid out as segments on a simulated disk, loaded, cleaned and read again.
struct SimulatedCleaning {
    typealias Batch = (header: RecordBatchHeader, bytes: Bytes)

    private static let directory = "/logs"
    let topicPartition: TopicPartition
    let clock: any Clock
    /// Where everything can no longer be lost below.
    let highWatermark: Int64
    /// Up to where it was cleaned before.
    let cleanedOffset: Int64
    /// `delete.retention.ms`
    let deleteRetentionMs: Int64

    /// - Parameter cuts: where segments begin beside the first; each batch is in one.
    /// - Returns: what is left, and up to where it has been cleaned; nil when there was nothing to clean.
    func clean(_ batches: [Batch], cuts: [Int64]) throws -> (batches: [Batch], cleanedOffset: Int64)? {
        let disk = SimulatedDisk()
        let path = Self.directory + "/" + topicPartition.description
        try disk.createDirectory(path)
        var files: [(base: Int64, bytes: [UInt8])] = [(0, [])]
        for (header, bytes) in batches {
            if let cut = cuts.last(where: { $0 <= header.baseOffset }), cut > files[files.count - 1].base {
                files.append((cut, []))
            }
            bytes.withUnsafeBytes { files[files.count - 1].bytes += $0 }
        }
        for (base, bytes) in files { disk.plant(path + "/" + SegmentFileKind.log.fileName(baseOffset: base), bytes) }
        let environment = LogEnvironment(
            files: OpenFiles(disk: disk, limit: 100), clock: clock, directory: DirectoryHealth(path: Self.directory))
        var config = LogConfig()
        (config.cleanupPolicy, config.segmentBytes) = (.compact, 1 << 20)
        (config.minCleanableDirtyRatio, config.deleteRetentionMs) = (0, deleteRetentionMs)
        let log = try LogLoader(
            topicPartition: topicPartition, folder: PartitionFolder(path: path, files: environment.files),
            environment: environment, config: config, cleanedOffset: cleanedOffset
        ).load()
        let end = (batches.last?.header.lastOffset ?? -1) + 1
        guard log.logEndOffset == end else {
            throw SimulationFailure("\(topicPartition) ends at \(end), and when it is loaded at \(log.logEndOffset)")
        }
        log.highWatermark = highWatermark
        let cleaner = LogCleaner(CleanerOptions(), clock: clock, logger: .silent)
        let map = OffsetMap(maxBytes: 1 << 17, loadFactor: 0.9, hash: KeyHash(seed: (1, 2)))
        let result = cleaner.cleanNext(among: [log], map: map)
        if let reason = cleaner.status.uncleanable[topicPartition] {
            throw SimulationFailure("\(topicPartition) cannot be cleaned: \(reason)")
        }
        guard let result else { return nil }
        var left: [Batch] = []
        for segment in log.published.withLock({ $0.segments }) {
            let file = try segment.file()
            var scan = RecordBatches(try file.readBytes(at: 0, count: Int(segment.size)))
            while let batch = try scan.nextComplete() { left.append((batch.header, scan.bytes(of: batch).detached)) }
        }
        return (left, result.endOffset)
    }
}

extension SimulatedCoordinatorLog {
    /// Cleans what can be cleaned.
    /// - Throws: ``SimulationFailure`` when another transaction is open afterwards, for who reads the log.
    func clean(_ random: inout SeededGenerator) throws {
        let (before, end, cleaned) = look()
        let limit = min(before.first { openSince($0.header) }?.header.baseOffset ?? .max, end)
        let cleanable = before.filter { $0.header.lastOffset < limit }
        guard let first = cleanable.randomElement(using: &random), let last = cleanable.last else { return }
        let cuts = Set([first.header.baseOffset, last.header.lastOffset + 1]).subtracting([0]).sorted()
        let cleaning = SimulatedCleaning(
            topicPartition: topicPartition, clock: clock, highWatermark: end, cleanedOffset: cleaned,
            deleteRetentionMs: Int64.random(in: 0...20_000, using: &random))
        guard let (kept, cleanedTo) = try cleaning.clean(planted(before, upTo: limit), cuts: cuts) else { return }
        var left = kept
        if bug == .cleansMarkers { forgetMarker(&left, upTo: cleanedTo) }
        try replace(left, cleanedTo: cleanedTo)
    }

    private func openSince(_ header: RecordBatchHeader) -> Bool {
        header.isTransactional && !header.isControl && openTransactions[header.producerId] == header.baseOffset
    }

    // MARK: Mistakes

    private func planted(_ batches: [SimulatedCleaning.Batch], upTo limit: Int64) -> [SimulatedCleaning.Batch] {
        guard bug == .cleansTheLast || bug == .cleansTombstones else { return batches }
        var count: [Bytes: Int] = [:]
        var victim: (key: Bytes, offset: Int64)?
        for (header, bytes) in batches where !header.isControl && !header.isTransactional && header.lastOffset < limit {
            for record in (try? RecordBatchReader(bytes).allRecords()) ?? [] {
                guard let key = record.key else { continue }
                let isTombstone = record.value == nil
                if count[key, default: 0] > 0, isTombstone == (bug == .cleansTombstones) {
                    victim = (key, record.offset)
                }
                if victim?.key == key, victim?.offset != record.offset { victim = nil }
                count[key] = isTombstone ? 0 : 1
            }
        }
        guard let victim else { return batches }
        return batches.compactMap { header, bytes in
            header.baseOffset <= victim.offset && header.lastOffset >= victim.offset
                ? SimulatedCoordinatorLog.filter(header, bytes) { $0.offset != victim.offset } : (header, bytes)
        }
    }

    // The marker of a transaction whose records are there.
    private func forgetMarker(_ batches: inout [SimulatedCleaning.Batch], upTo limit: Int64) {
        var written: Set<Int64> = []
        for (index, (header, _)) in batches.enumerated() where header.isTransactional && header.lastOffset < limit {
            if header.isControl {
                if written.remove(header.producerId) != nil {
                    batches.remove(at: index)
                    return
                }
            } else if header.recordCount > 0 {
                written.insert(header.producerId)
            }
        }
    }
}
