@testable import KCore

/// A mistake that a log could make, made by the disk under it: what the log asks for does not happen, or happens
/// otherwise. The simulation must find each.
enum PlantedBug: String, CaseIterable, Sendable {
    case forgetsToSyncSegments
    case forgetsToSyncPartitionDirectories
    case forgetsToSyncLogDirectories
    case forgetsToSyncCheckpoints
    case forgetsToSyncEpochs
    case ignoresFailedSync
    case trustsCache
    case removesNewestFirst
    case replacesByRemoving
    case forgetsToCutLog
    case forgetsToCutOffsetIndex
    case forgetsToCutTimeIndex
    case forgetsToRemoveSnapshots
    case forgetsToRemoveCleanStopMarker
    case trustsEveryChecksum
    case liesInRecoveryPoint
    case forgetsLogStartOffsets
    case forgetsToSyncCleanedSegments
    case swapsTooLate
    case checkpointsBeforeSwap
    case mixesUpKeys
    case dropsTombstonesEarly
    case dropsMarkersEarly
    case forgetsAbortedTransactions
    case forgetsWhatFailed
    case keepsDeletedInCheckpoints

    /// What the finding must say; "" where any will do.
    var evidence: String {
        switch self {
        case .dropsTombstonesEarly: "tombstone"
        case .dropsMarkersEarly: "the marker"
        case .mixesUpKeys: "the last value"
        default: ""
        }
    }

    /// By how much the cleaner's clock is ahead.
    static let hurryMs: Int64 = 1_000_000

    func forgetsSync(ofFile path: String) -> Bool {
        switch self {
        case .forgetsToSyncSegments: path.hasSuffix(".log")
        case .forgetsToSyncCleanedSegments: path.hasSuffix(".log" + SegmentFileStage.cleaned.suffix)
        case .forgetsToSyncCheckpoints: path.hasSuffix("-offset-checkpoint.tmp")
        case .forgetsToSyncEpochs: path.hasSuffix(LeaderEpochs.fileName + ".tmp")
        default: false
        }
    }

    func forgetsSync(ofDirectory path: String) -> Bool {
        let isPartition = LogDirectoryName.parse(SimulatedNames.name(path)) != nil
        switch self {
        case .forgetsToSyncPartitionDirectories: return isPartition
        case .forgetsToSyncLogDirectories: return !isPartition
        default: return false
        }
    }

    /// How names end that become durable one sync late.
    var lateNames: String? {
        switch self {
        case .removesNewestFirst: SegmentFileKind.deletedSuffix
        case .swapsTooLate: SegmentFileStage.swap.suffix
        default: nil
        }
    }

    func forgetsTruncation(of path: String) -> Bool {
        switch self {
        case .forgetsToCutLog: path.hasSuffix(".log")
        case .forgetsToCutOffsetIndex: path.hasSuffix(".index")
        case .forgetsToCutTimeIndex: path.hasSuffix(".timeindex")
        default: false
        }
    }

    func forgetsRemoval(of path: String) -> Bool {
        switch self {
        case .forgetsToRemoveSnapshots: path.hasSuffix(".snapshot")
        case .forgetsToRemoveCleanStopMarker: path.hasSuffix(LogDirectoryName.cleanStopMarker)
        default: false
        }
    }

    /// Changes what a checkpoint says before it is written.
    func falsify(_ bytes: inout [UInt8], _ path: String) {
        let difference: Int64
        switch self {
        case .liesInRecoveryPoint where path.hasSuffix(OffsetCheckpoint.recoveryPointName + ".tmp"): difference = 3
        case .checkpointsBeforeSwap where path.hasSuffix(OffsetCheckpoint.cleanedName + ".tmp"): difference = 8
        case .forgetsLogStartOffsets where path.hasSuffix(OffsetCheckpoint.logStartOffsetName + ".tmp"):
            difference = -1000
        default: return
        }
        guard let entries = try? CheckpointFile.read(Bytes(bytes), fields: 3) else { return }
        let changed = CheckpointFile.write(
            entries.map { "\($0[0]) \($0[1]) \(max(0, (Int64($0[2]) ?? 0) + difference))" })
        bytes = changed.withUnsafeBytes { [UInt8]($0) }
    }

    /// Gives every batch in what a recovery reads the checksum that it has: as if nobody had looked.
    static func makeSound(_ target: UnsafeMutableRawBufferPointer, count: Int) {
        guard target.count >= 1 << 20 else { return }
        stampAll(target, count: count)
    }

    private static func stampAll(_ target: UnsafeMutableRawBufferPointer, count: Int) {
        var position = 0
        while position + RecordBatchHeader.size <= count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[position..<count])
            guard let header = try? RecordBatchHeader(reading: UnsafeRawBufferPointer(rest)),
                header.sizeInBytes <= rest.count
            else { return }
            RecordBatchHeader.stampCRC(in: UnsafeMutableRawBufferPointer(rebasing: rest[..<header.sizeInBytes]))
            position += header.sizeInBytes
        }
    }

    /// Takes one key for another.
    static func mixUpKeys(_ target: UnsafeMutableRawBufferPointer, count: Int) {
        let key = Array("key 1".utf8)
        guard count >= key.count else { return }
        for position in 0...(count - key.count) where target[position..<position + key.count].elementsEqual(key) {
            target[position + key.count - 1] = UInt8(ascii: "2")
        }
        stampAll(target, count: count)
    }

    /// Takes aborted transactions for those of other producers.
    static func changeProducers(_ target: UnsafeMutableRawBufferPointer, count: Int) {
        for entry in stride(from: 0, to: count, by: TransactionIndex.entrySize) where entry + 9 < count {
            target[entry + 9] ^= 0x40
        }
    }
}

extension SimulatedDisk.State {
    /// Whether a mistake has a file keep its name.
    func forgets(renaming path: String, to target: String, _ entry: SimulatedNames.Entry) -> Bool {
        switch bug {
        case .forgetsWhatFailed: return forgotten.contains(path) && target.hasSuffix(SegmentFileKind.deletedSuffix)
        case .keepsDeletedInCheckpoints:
            guard target.hasSuffix(OffsetCheckpoint.recoveryPointName), case .file(let new) = entry,
                case .file(let old) = names.entry(target)
            else { return false }
            return entryCount(new) < entryCount(old)
        default: return false
        }
    }

    private func entryCount(_ file: Int) -> Int {
        guard let contents = files[file]?.cached else { return 0 }
        return (try? CheckpointFile.read(Bytes(contents), fields: 3))?.count ?? 0
    }

    /// Whether a cleaner reads for its map, and writes nothing yet.
    func isIndexing(_ path: String) -> Bool {
        path.hasSuffix(".log")
            && !names.list(names.directory(parentDirectory(path)) ?? -1).contains {
                $0.name.hasSuffix(SegmentFileStage.cleaned.suffix)
            }
    }
}
