/// What a file of a data directory is, by its name.
enum DumpedFile: Equatable {
    case segment(SegmentFileKind, baseOffset: Int64)
    /// Of the metadata; also what `kafka-storage format` leaves for the first start.
    case metadataSnapshot(MetadataSnapshot?)
    /// An offset for each partition.
    case offsets
    case leaderEpochs
    case partitionMetadata
    case metaProperties
    /// Who leads the metadata log, and who may vote.
    case quorumState
    case cleanStopMarker
    /// Locked by who uses the directory, and empty.
    case lock

    /// Whether a file is in its place, as the end of its name says.
    enum Place: Equatable {
        case regular
        /// It waits to be removed.
        case deleted
        /// Left of work that was not finished.
        case unfinished

        init(name: String) {
            if name.hasSuffix(SegmentFileKind.deletedSuffix) {
                self = .deleted
            } else {
                let isUnfinished = [".cleaned", ".swap", ".tmp"].contains { name.hasSuffix($0) }
                self = isUnfinished ? .unfinished : .regular
            }
        }
    }

    init?(path: String) {
        var name = path.split(separator: "/").last.map(String.init) ?? ""
        // Files that wait to be removed, or that cleaning has not put into place.
        for suffix in [SegmentFileKind.deletedSuffix, ".cleaned", ".swap"] where name.hasSuffix(suffix) {
            name.removeLast(suffix.count)
        }
        switch name {
        case OffsetCheckpoint.recoveryPointName, OffsetCheckpoint.logStartOffsetName,
            OffsetCheckpoint.highWatermarkName, OffsetCheckpoint.cleanedName:
            self = .offsets
        case LeaderEpochs.fileName: self = .leaderEpochs
        case PartitionMetadataFile.name: self = .partitionMetadata
        case MetaProperties.fileName: self = .metaProperties
        case LocalMetadataLog.quorumStateName: self = .quorumState
        case LogDirectoryName.cleanStopMarker: self = .cleanStopMarker
        case LogDirectoryName.lockFile: self = .lock
        case LocalMetadataLog.bootstrapName: self = .metadataSnapshot(nil)
        default:
            if let (offset, kind) = SegmentFileKind.parse(name) {
                self = .segment(kind, baseOffset: offset)
            } else if let snapshot = MetadataSnapshot(fileName: name) {
                self = .metadataSnapshot(snapshot)
            } else {
                return nil
            }
        }
    }
}
