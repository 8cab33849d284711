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

    func forgetsSync(ofFile path: String) -> Bool {
        switch self {
        case .forgetsToSyncSegments: path.hasSuffix(".log")
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
}
