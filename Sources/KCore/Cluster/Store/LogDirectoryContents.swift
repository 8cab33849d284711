/// What a log directory holds before anything is opened there.
enum LogDirectoryContents {
    /// The first partition that has a log here; nil when there is none.
    static func partition(in path: String, _ disk: any Disk) throws(MetadataStoreError) -> TopicPartition? {
        try names(path, disk).compactMap { LogDirectoryName.parse($0) }
            .filter { $0.topic != LogDirectoryName.metadataTopic }.min()
    }

    static func hasMetadataLog(_ path: String, _ disk: any Disk) throws(MetadataStoreError) -> Bool {
        try names(path, disk).contains(LocalMetadataLog.directoryName)
    }

    /// A cluster that begins anew would put aside whatever partitions are there.
    /// - Parameter metadata: the metadata log's directory, which has no records.
    /// - Throws: ``MetadataStoreError`` when `path` has partitions.
    static func checkIsUnused(
        _ path: String, by metadata: String, _ disk: any Disk
    ) throws(MetadataStoreError) {
        guard let partition = try partition(in: path, disk) else { return }
        throw MetadataStoreError(
            "\(metadata) has no records, but \(path) has partitions, \(partition) for one: the cluster's metadata is "
                + "missing. Is the directory mounted, and the first of log.dirs? Restore it, or move the partitions "
                + "elsewhere")
    }

    private static func names(_ path: String, _ disk: any Disk) throws(MetadataStoreError) -> [String] {
        do {
            return try disk.list(path).filter { $0.isDirectory }.map(\.name)
        } catch  where error.isMissing {
            return []
        } catch {
            throw MetadataStoreError(error)
        }
    }
}
