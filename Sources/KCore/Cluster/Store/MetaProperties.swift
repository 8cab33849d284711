/// `meta.properties`: says to which node and cluster a log directory belongs, as Kafka writes it.
struct MetaProperties: Equatable, Sendable {
    static let fileName = "meta.properties"

    var clusterId: String?
    var nodeId: Int32?
    /// Since Kafka 3.7 (KIP-858).
    var directoryId: Uuid?

    /// - Throws: ``ConfigError`` when the text is not version 0 (ZooKeeper) or 1 (KRaft) of the file.
    init(text: String) throws(ConfigError) {
        let values: [String: String]
        do throws(PropertiesError) { values = try PropertiesFile.dictionary(text) } catch {
            throw ConfigError("\(error)")
        }
        guard let version = values["version"]?.trimmedASCII else { throw ConfigError("it has no version") }
        guard version == "0" || version == "1" else { throw ConfigError("version \(version) is not known") }
        clusterId = values["cluster.id"]?.trimmedASCII
        if clusterId?.isEmpty == true { throw ConfigError("cluster.id is empty") }
        let name = version == "0" ? "broker.id" : "node.id"
        if let value = values[name] {
            guard let id = Int32(value.trimmedASCII), id >= 0 else {
                throw ConfigError("\(name) \(value) is no number")
            }
            nodeId = id
        }
        if let value = values["directory.id"] {
            guard let id = Uuid(value.trimmedASCII) else { throw ConfigError("directory.id \(value) is no id") }
            directoryId = id
        }
    }

    init(clusterId: String, nodeId: Int32, directoryId: Uuid) {
        self.clusterId = clusterId
        self.nodeId = nodeId
        self.directoryId = directoryId
    }

    var text: String {
        var text = "#\n"
        if let clusterId { text += "cluster.id=\(clusterId)\n" }
        if let directoryId { text += "directory.id=\(directoryId)\n" }
        if let nodeId { text += "node.id=\(nodeId)\n" }
        return text + "version=1\n"
    }
}

/// Who a node is, from the `meta.properties` of its log directories.
struct NodeIdentity: Equatable, Sendable {
    struct Directory: Equatable, Sendable {
        var path: String
        var id: Uuid
    }

    var clusterId: String
    var nodeId: Int32
    /// In the order that they were given in.
    var directories: [Directory]
    /// Paths of directories whose `meta.properties` was written now, and not synced: the store does that with its first
    /// commit.
    var newDirectories: [String] = []

    /// The number of a node that was given none.
    static let defaultNodeId: Int32 = 1

    /// Reads who the node is, and writes it into directories that do not say it yet. Directories that do not exist are
    /// made.
    /// - Parameters:
    ///   - nodeId: from the configuration; nil to take what the directories say, or ``defaultNodeId``.
    ///   - clusterId: that the directories must belong to; nil to take what they say, or a random one.
    /// - Throws: ``MetadataStoreError`` that names the file which says something else, or is damaged, or is missing beside
    ///   logs.
    static func open(
        disk: any Disk, paths: [String], nodeId: Int32?, clusterId: String? = nil,
        using random: inout some RandomNumberGenerator
    ) throws(MetadataStoreError) -> NodeIdentity {
        guard !paths.isEmpty else { throw MetadataStoreError("there is no log directory") }
        var found: [(path: String, meta: MetaProperties?)] = []
        for path in paths {
            let meta = try read(disk, path)
            try check(meta, path, nodeId: nodeId, clusterId: clusterId, against: found)
            if meta == nil { try checkIsNew(disk, path) }
            found.append((path, meta))
        }
        let knownNode = nodeId ?? found.lazy.compactMap { $0.meta?.nodeId }.first
        let knownCluster = clusterId ?? found.lazy.compactMap { $0.meta?.clusterId }.first
        var identity = NodeIdentity(
            clusterId: knownCluster ?? Uuid.random(using: &random).description, nodeId: knownNode ?? defaultNodeId,
            directories: [])
        for (path, meta) in found {
            let id = meta?.directoryId ?? Uuid.random(using: &random)
            let wanted = MetaProperties(clusterId: identity.clusterId, nodeId: identity.nodeId, directoryId: id)
            if meta == nil { identity.newDirectories.append(path) }
            if meta != wanted { try write(wanted, disk, path, isNew: meta == nil) }
            identity.directories.append(Directory(path: path, id: id))
        }
        return identity
    }

    /// Why nobody can say whose a directory is; nil when its file says it, or it is new.
    static func damage(of path: String, _ disk: any Disk) -> MetadataStoreError? {
        do throws(MetadataStoreError) {
            if try read(disk, path) == nil { try checkIsNew(disk, path) }
            return nil
        } catch {
            return error
        }
    }

    private static func read(_ disk: any Disk, _ path: String) throws(MetadataStoreError) -> MetaProperties? {
        let file = "\(path)/\(MetaProperties.fileName)"
        let contents: Bytes?
        do { contents = try disk.readFile(file, maxBytes: 1 << 20) } catch { throw MetadataStoreError(error) }
        // An empty one was never synced: the start that made it told nobody anything.
        guard let contents, !contents.isEmpty else { return nil }
        do { return try MetaProperties(text: contents.utf8String) } catch {
            // Nor was one that is no text, when nothing was made after it: power was lost in the first start.
            if !isText(contents), try LogDirectoryContents.partition(in: path, disk) == nil { return nil }
            throw MetadataStoreError("\(file): \(error)")
        }
    }

    private static func isText(_ contents: Bytes) -> Bool {
        contents.withUnsafeBytes { bytes in
            bytes.allSatisfy {
                $0 >= 0x20 || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t")
            }
        }
    }

    // The file is on the disk before the first partition is made.
    private static func checkIsNew(_ disk: any Disk, _ path: String) throws(MetadataStoreError) {
        guard let partition = try LogDirectoryContents.partition(in: path, disk) else { return }
        throw MetadataStoreError(
            "\(path) has partitions, \(partition) for one, but no \(MetaProperties.fileName), which says whose they are: "
                + "restore it, or move the partitions elsewhere")
    }

    private static func check(
        _ meta: MetaProperties?, _ path: String, nodeId: Int32?, clusterId: String?,
        against others: [(path: String, meta: MetaProperties?)]
    ) throws(MetadataStoreError) {
        guard let meta else { return }
        let file = "\(path)/\(MetaProperties.fileName)"
        if let nodeId, let other = meta.nodeId, other != nodeId {
            throw MetadataStoreError(
                "\(file) belongs to node \(other), but node.id is \(nodeId): it is another broker's directory, or node.id "
                    + "was changed")
        }
        if let clusterId, let other = meta.clusterId, other != clusterId {
            throw MetadataStoreError("\(file) belongs to cluster \(other), not to \(clusterId)")
        }
        for (otherPath, other) in others {
            guard let other else { continue }
            let otherFile = "\(otherPath)/\(MetaProperties.fileName)"
            if let a = meta.nodeId, let b = other.nodeId, a != b {
                throw MetadataStoreError("\(file) belongs to node \(a), but \(otherFile) to node \(b)")
            }
            if let a = meta.clusterId, let b = other.clusterId, a != b {
                throw MetadataStoreError("\(file) belongs to cluster \(a), but \(otherFile) to cluster \(b)")
            }
            if let a = meta.directoryId, a == other.directoryId {
                throw MetadataStoreError("\(file) and \(otherFile) have the same directory.id: one is a copy")
            }
        }
    }

    private static func write(
        _ meta: MetaProperties, _ disk: any Disk, _ path: String, isNew: Bool
    ) throws(MetadataStoreError) {
        let file = "\(path)/\(MetaProperties.fileName)"
        do {
            guard isNew else { return try disk.replaceFile(file, with: Bytes(meta.text)) }
            try disk.createDirectory(path)
            try disk.open(file, .create).write(Bytes(meta.text), at: 0)
        } catch {
            throw MetadataStoreError(error)
        }
    }
}
