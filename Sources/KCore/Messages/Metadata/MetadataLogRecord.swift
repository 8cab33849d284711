/// Any record of the metadata log. What this build does not describe, or not in that version, keeps its bytes.
enum MetadataLogRecord: Equatable, Sendable {
    case registerBroker(RegisterBrokerRecord)
    case unregisterBroker(UnregisterBrokerRecord)
    case topic(TopicRecord)
    case partition(PartitionRecord)
    case config(ConfigRecord)
    case partitionChange(PartitionChangeRecord)
    case fenceBroker(FenceBrokerRecord)
    case unfenceBroker(UnfenceBrokerRecord)
    case removeTopic(RemoveTopicRecord)
    case featureLevel(FeatureLevelRecord)
    case producerIds(ProducerIdsRecord)
    case brokerRegistrationChange(BrokerRegistrationChangeRecord)
    case noOp(NoOpRecord)
    case beginTransaction(BeginTransactionRecord)
    case endTransaction(EndTransactionRecord)
    case abortTransaction(AbortTransactionRecord)
    case registerController(RegisterControllerRecord)
    case zkMigrationState(ZkMigrationStateRecord)
    case accessControlEntry(AccessControlEntryRecord)
    case removeAccessControlEntry(RemoveAccessControlEntryRecord)
    case userScramCredential(UserScramCredentialRecord)
    case removeUserScramCredential(RemoveUserScramCredentialRecord)
    case clientQuota(ClientQuotaRecord)
    case delegationToken(DelegationTokenRecord)
    case removeDelegationToken(RemoveDelegationTokenRecord)
    case unknown(frame: MetadataRecordFrame, body: Bytes)
}

extension MetadataLogRecord {
    /// Reads the value of a record of the log, all of it.
    init(value: Bytes) throws(WireError) {
        var start = WireDecoder(value, version: 0, flexible: true)
        let frame = try MetadataRecordFrame.read(&start)
        var decoder = WireDecoder(value, at: start.position, version: frame.version, flexible: true)
        self =
            try MetadataLogRecord.described(frame, &decoder)
            ?? .unknown(frame: frame, body: try decoder.bytes(length: decoder.remaining))
        try decoder.finish()
    }

    /// The record's value.
    /// - Parameter version: when nil, the oldest that holds all that is set.
    func value(version: Int16? = nil) throws(WireError) -> Bytes {
        switch self {
        case .registerBroker(let record): return try record.framed(version: version)
        case .unregisterBroker(let record): return try record.framed(version: version)
        case .topic(let record): return try record.framed(version: version)
        case .partition(let record): return try record.framed(version: version)
        case .config(let record): return try record.framed(version: version)
        case .partitionChange(let record): return try record.framed(version: version)
        case .fenceBroker(let record): return try record.framed(version: version)
        case .unfenceBroker(let record): return try record.framed(version: version)
        case .removeTopic(let record): return try record.framed(version: version)
        case .featureLevel(let record): return try record.framed(version: version)
        case .producerIds(let record): return try record.framed(version: version)
        case .brokerRegistrationChange(let record): return try record.framed(version: version)
        case .noOp(let record): return try record.framed(version: version)
        case .beginTransaction(let record): return try record.framed(version: version)
        case .endTransaction(let record): return try record.framed(version: version)
        case .abortTransaction(let record): return try record.framed(version: version)
        case .registerController(let record): return try record.framed(version: version)
        case .zkMigrationState(let record): return try record.framed(version: version)
        case .accessControlEntry(let record): return try record.framed(version: version)
        case .removeAccessControlEntry(let record): return try record.framed(version: version)
        case .userScramCredential(let record): return try record.framed(version: version)
        case .removeUserScramCredential(let record): return try record.framed(version: version)
        case .clientQuota(let record): return try record.framed(version: version)
        case .delegationToken(let record): return try record.framed(version: version)
        case .removeDelegationToken(let record): return try record.framed(version: version)
        case .unknown(let frame, let body):
            var encoder = WireEncoder(version: frame.version, flexible: true)
            frame.write(&encoder)
            body.withUnsafeBytes { encoder.raw($0) }
            return encoder.bytes()
        }
    }

    private static func described(
        _ frame: MetadataRecordFrame, _ decoder: inout WireDecoder
    ) throws(WireError) -> Self? {
        func read<R: MetadataRecord>(_ make: (R) -> Self) throws(WireError) -> Self? {
            R.versions.contains(frame.version) ? make(try R.read(&decoder)) : nil
        }
        return switch frame.apiKey {
        case RegisterBrokerRecord.apiKey: try read(Self.registerBroker)
        case UnregisterBrokerRecord.apiKey: try read(Self.unregisterBroker)
        case TopicRecord.apiKey: try read(Self.topic)
        case PartitionRecord.apiKey: try read(Self.partition)
        case ConfigRecord.apiKey: try read(Self.config)
        case PartitionChangeRecord.apiKey: try read(Self.partitionChange)
        case FenceBrokerRecord.apiKey: try read(Self.fenceBroker)
        case UnfenceBrokerRecord.apiKey: try read(Self.unfenceBroker)
        case RemoveTopicRecord.apiKey: try read(Self.removeTopic)
        case FeatureLevelRecord.apiKey: try read(Self.featureLevel)
        case ProducerIdsRecord.apiKey: try read(Self.producerIds)
        case BrokerRegistrationChangeRecord.apiKey: try read(Self.brokerRegistrationChange)
        case NoOpRecord.apiKey: try read(Self.noOp)
        case BeginTransactionRecord.apiKey: try read(Self.beginTransaction)
        case EndTransactionRecord.apiKey: try read(Self.endTransaction)
        case AbortTransactionRecord.apiKey: try read(Self.abortTransaction)
        case RegisterControllerRecord.apiKey: try read(Self.registerController)
        case ZkMigrationStateRecord.apiKey: try read(Self.zkMigrationState)
        case AccessControlEntryRecord.apiKey: try read(Self.accessControlEntry)
        case RemoveAccessControlEntryRecord.apiKey: try read(Self.removeAccessControlEntry)
        case UserScramCredentialRecord.apiKey: try read(Self.userScramCredential)
        case RemoveUserScramCredentialRecord.apiKey: try read(Self.removeUserScramCredential)
        case ClientQuotaRecord.apiKey: try read(Self.clientQuota)
        case DelegationTokenRecord.apiKey: try read(Self.delegationToken)
        case RemoveDelegationTokenRecord.apiKey: try read(Self.removeDelegationToken)
        default: nil
        }
    }
}
