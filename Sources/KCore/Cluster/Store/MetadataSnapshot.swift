/// A snapshot of the metadata log (KIP-630): a file of record batches that stands for all records up to its end offset.
/// It begins with a header and ends with a footer, each in a control batch, and is renamed into place when it is whole.
struct MetadataSnapshot: Equatable {
    /// The offset behind the last record in it.
    var endOffset: Int64
    /// The epoch of the last record in it.
    var epoch: Int32

    static let suffix = ".checkpoint"
    /// Behind `suffix` while it is written.
    static let partSuffix = ".part"
    /// Records in one batch of the file.
    private static let recordsPerBatch = 1000

    init(endOffset: Int64, epoch: Int32) {
        self.endOffset = endOffset
        self.epoch = epoch
    }

    /// Reads the name of a snapshot's file: end offset and epoch.
    init?(fileName: String) {
        guard fileName.hasSuffix(Self.suffix) else { return nil }
        let parts = fileName.dropLast(Self.suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 20, parts[1].utf8.count == 10, let endOffset = Int64(parts[0]),
            let epoch = Int32(parts[1])
        else { return nil }
        self.init(endOffset: endOffset, epoch: epoch)
    }

    var fileName: String { "\(padded(endOffset, 20))-\(padded(Int64(epoch), 10))\(Self.suffix)" }

    /// The bytes of the snapshot of `image`.
    /// - Parameters:
    ///   - timestampMs: of the last record in it.
    ///   - kraftVersion: the last one in the log or in an older snapshot, and `voters` likewise (KIP-853).
    func encode(
        _ image: ClusterImage, timestampMs: Int64, kraftVersion: KRaftVersionRecord? = nil,
        voters: VotersRecord? = nil
    ) throws(MetadataStoreError) -> [Bytes] {
        var header = SnapshotHeaderRecord()
        header.lastContainedLogTimestamp = timestampMs
        var front: [any ControlRecord] = [header]
        if let kraftVersion { front.append(kraftVersion) }
        if let voters { front.append(voters) }
        var batches = [
            try MetadataBatch.encode(control: front, baseOffset: 0, epoch: epoch, timestampMs: timestampMs)
        ]
        var offset = Int64(front.count)
        var rest = image.records[...]
        while !rest.isEmpty {
            let records = rest.prefix(Self.recordsPerBatch)
            rest = rest.dropFirst(records.count)
            batches.append(
                try MetadataBatch.encode(Array(records), baseOffset: offset, epoch: epoch, timestampMs: timestampMs))
            offset += Int64(records.count)
        }
        batches.append(
            try MetadataBatch.encode(
                control: [SnapshotFooterRecord()], baseOffset: offset, epoch: epoch, timestampMs: timestampMs))
        return batches
    }

    /// Applies the records of a snapshot's file.
    /// - Returns: whether the snapshot is whole: its footer is there.
    static func read(_ file: any DiskFile, into builder: inout ImageBuilder) throws -> Bool {
        var batches = try MetadataBatchFile(file)
        while let batch = try batches.next() {
            switch try MetadataBatch.decode(batch) {
            case .control(let records): if records.contains(where: { $0.type == .snapshotFooter }) { return true }
            case .records(let records): for record in records { try builder.apply(record) }
            }
        }
        return false
    }
}

/// `number` with zeros in front.
func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

extension ClusterImage {
    /// Records that make this image out of an empty one; `metadata.version` comes first. Log directories are left out
    /// below the level that has them.
    var records: [MetadataLogRecord] {
        var records: [MetadataLogRecord] = []
        let names = features.keys.sorted { a, b in
            (a == MetadataVersion.featureName ? "" : a) < (b == MetadataVersion.featureName ? "" : b)
        }
        for name in names {
            var record = FeatureLevelRecord()
            record.name = name
            record.featureLevel = features[name] ?? 0
            records.append(.featureLevel(record))
        }
        records += controllers.sorted { $0.key < $1.key }.map { .registerController($0.value) }
        for broker in brokers.values.sorted(by: { $0.id < $1.id }) {
            var record = broker.registration
            if !hasDirectories && record.logDirs.count < 2 { record.logDirs = [] }
            records.append(.registerBroker(record))
        }
        for topic in topics.sorted(by: { $0.name < $1.name }) {
            var record = TopicRecord()
            record.name = topic.name
            record.topicId = topic.id
            records.append(.topic(record))
            for (index, partition) in topic.partitions.enumerated() {
                var record = partition.record(topicId: topic.id, partition: Int32(index))
                if !hasDirectories { record.directories = [] }
                records.append(.partition(record))
            }
        }
        for resource in configuredResources {
            for (name, value) in configs(of: resource).sorted(by: { $0.key < $1.key }) {
                var record = ConfigRecord()
                record.resourceType = resource.type
                record.resourceName = resource.name
                record.name = name
                record.value = value
                records.append(.config(record))
            }
        }
        if nextProducerId > 0 {
            var record = ProducerIdsRecord()
            record.brokerId = controllerId
            record.nextProducerId = nextProducerId
            records.append(.producerIds(record))
        }
        return records + undescribed
    }
}
