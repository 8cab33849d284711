internal import Glibc

/// A cluster of one node that keeps its metadata itself: what a broker without a quorum and without ZooKeeper starts.
struct EmbeddedCluster: Sendable {
    let identity: NodeIdentity
    let holder: ImageHolder
    let runner: ControllerRunner
    /// Ids of log directories that the broker was registered with and that it does not have now.
    let lostDirectories: Set<Uuid>

    /// Takes log directories offline of which nobody can say whose they are. The others need not wait until that is settled;
    /// without the metadata log's own nothing can be said at all.
    static func giveUpUnknown(_ config: BrokerConfig, _ logs: LogManager, disk: any Disk, logger: Logger) {
        let paths = config.logDirectories
        let home = config.text("metadata.log.dir") ?? paths.first ?? ""
        guard (try? LogDirectoryContents.hasMetadataLog(home, disk)) == true else { return }
        for path in paths where path != home {
            guard let reason = NodeIdentity.damage(of: path, disk) else { continue }
            logger.error("a log directory is not used", ["dir": path, "reason": reason])
            logs.giveUp(path, DiskError(.read, path: "\(path)/\(MetaProperties.fileName)", code: EBADMSG))
        }
    }

    /// Opens the log directories and the metadata log in them, and makes both where they are not there.
    /// The broker then submits a ``RegisterBroker`` with the endpoints that it listens on.
    /// - Parameter offline: log directories that cannot be used, which are left alone, and why.
    /// - Throws: ``MetadataStoreError``; also when the directory of the metadata log is offline.
    static func open(
        config: BrokerConfig, offline: [(path: String, reason: String)] = [], disk: any Disk, clock: any Clock,
        logger: Logger,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) throws(MetadataStoreError) -> EmbeddedCluster {
        var random = random
        let configuredId = config.int64("node.id")
        let metadataDirectory = config.text("metadata.log.dir")
        var paths = config.logDirectories
        if let metadataDirectory, !paths.contains(metadataDirectory) { paths.append(metadataDirectory) }
        let home = metadataDirectory ?? paths.first ?? ""
        if let (path, reason) = offline.first(where: { $0.path == home }) {
            throw MetadataStoreError("the directory \(path) has the metadata log and cannot be used: \(reason)")
        }
        paths.removeAll { path in offline.contains { $0.path == path } }
        let hasMetadata = try LogDirectoryContents.hasMetadataLog(home, disk)
        if !hasMetadata {
            // Before anything is written into a place that is the wrong one.
            let metadataLog = "\(home)/\(LocalMetadataLog.directoryName)"
            for path in paths { try LogDirectoryContents.checkIsUnused(path, by: metadataLog, disk) }
        }
        var identity = try NodeIdentity.open(
            disk: disk, paths: paths, nodeId: configuredId >= 0 ? Int32(configuredId) : nil, using: &random)
        let logger = logger.named("metadata")
        let store = LocalMetadataStore(
            disk: disk, directory: home, identity: identity, clock: clock,
            logger: logger,
            settings: .init(
                maxBytesBetweenSnapshots: config.int64("metadata.log.max.record.bytes.between.snapshots"),
                maxSnapshotIntervalMs: config.int64("metadata.log.max.snapshot.interval.ms"),
                segmentBytes: config.int64("metadata.log.segment.bytes"),
                retention: .init(
                    maxBytes: config.int64("metadata.max.retention.bytes"),
                    maxMs: config.int64("metadata.max.retention.ms"))))
        let image = try store.open()
        // A directory that has only the metadata log in it takes no topics.
        identity.directories.removeAll { !config.logDirectories.contains($0.path) }
        let holder = ImageHolder(image)
        let controller = Controller(config: config, nodeId: identity.nodeId, random: random)
        let runner = ControllerRunner(
            controller: controller, store: store, image: image, holder: holder, logger: logger)
        let registered = image.brokers[identity.nodeId]?.logDirs ?? []
        return EmbeddedCluster(
            identity: identity, holder: holder, runner: runner,
            lostDirectories: Set(registered).subtracting(identity.directories.map(\.id)))
    }
}
