/// Brings a broker into the cluster, or back into it, and gives it the partitions that nobody leads.
struct RegisterBroker: ControllerRequest {
    var brokerId: Int32
    /// Another one with every start of the process.
    var incarnationId: Uuid
    var endpoints: [RegisterBrokerRecord.BrokerEndpoint]
    var rack: String?
    /// The ids of its log directories, see ``MetaProperties``.
    var logDirs: [Uuid]
    /// Whether the broker may have lost what it had not flushed. Then its partitions begin a new leader epoch, so that
    /// nobody takes records of the same offset before and after for the same (KIP-320).
    var afterUncleanStop = false

    struct Registration: Sendable, Equatable {
        var errorCode = ErrorCode.none
        var brokerEpoch: Int64 = -1
        /// Why it was refused.
        var reason = ""
    }

    func decide(_ controller: inout Controller, _ image: ClusterImage) -> ControllerResult<Registration> {
        var record = RegisterBrokerRecord()
        record.brokerId = brokerId
        record.incarnationId = incarnationId
        // The epoch is the record's own offset: it can be had only once, and it grows.
        record.brokerEpoch = image.lastOffset + 1
        record.endPoints = endpoints
        record.features = ["metadata.version": MetadataVersion.supported, "kraft.version": 0...0]
            .sorted { $0.key < $1.key }.map { name, levels in
                var feature = RegisterBrokerRecord.BrokerFeature()
                feature.name = name
                feature.minSupportedVersion = levels.lowerBound
                feature.maxSupportedVersion = levels.upperBound
                return feature
            }
        record.rack = rack
        record.fenced = false
        // Apache Kafka of that time has one directory only. Of several one can be left out, and must be missed then.
        if image.hasDirectories || logDirs.count > 1 { record.logDirs = logDirs }
        return ControllerResult(
            records: [.registerBroker(record)] + elections(image),
            response: Registration(brokerEpoch: record.brokerEpoch))
    }

    func refused(_ error: ApiError) -> Registration { Registration(errorCode: error.code, reason: error.message) }

    private func elections(_ image: ClusterImage) -> [MetadataLogRecord] {
        var records: [MetadataLogRecord] = []
        for topic in image.topics.sorted(by: { $0.name < $1.name }) {
            for (index, partition) in topic.partitions.enumerated() {
                let isOrphan = partition.leader < 0 && partition.isr.contains(brokerId)
                guard isOrphan || (afterUncleanStop && partition.leader == brokerId) else { continue }
                var change = PartitionChangeRecord()
                change.partitionId = Int32(index)
                change.topicId = topic.id
                change.leader = brokerId
                records.append(.partitionChange(change))
            }
        }
        return records
    }
}
