/// Where the cluster's metadata is kept. The controller decides, a store makes it last; a quorum (KRaft) and ZooKeeper
/// are further stores of the same shape.
///
/// Used by one thread at a time: the controller's.
protocol MetadataStore: AnyObject {
    /// Reads what is kept, and makes this node the one that changes it.
    /// - Returns: the image after the last record.
    /// - Throws: ``MetadataStoreError``; the node then must not start.
    func open() throws(MetadataStoreError) -> ClusterImage

    /// Keeps `changes`, each of them wholly or not at all, in this order. When it returns they survive a loss of power,
    /// and their records have the offsets behind those of the image before.
    /// - Throws: ``MetadataStoreError``. When it is transient nothing was kept, and the next commit may succeed; otherwise it
    ///   is not known whether the changes were kept, and the store takes no more.
    func commit(_ changes: [[MetadataLogRecord]]) throws(MetadataStoreError)

    /// Called after a commit has been published; a good time to make the log shorter.
    func didPublish(_ image: ClusterImage)

    func close()
}

/// Why metadata could not be read or kept, in a sentence for the person who runs the broker.
struct MetadataStoreError: Error, Equatable, CustomStringConvertible {
    var description: String
    /// Nothing has changed and the store can be used: there was no room, or too much was open.
    var isTransient = false

    init(_ description: String, isTransient: Bool = false) {
        self.description = description
        self.isTransient = isTransient
    }
    init(_ error: DiskError) { description = error.description }
}
