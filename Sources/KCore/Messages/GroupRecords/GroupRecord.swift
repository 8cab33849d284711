/// Any record of `__consumer_offsets`. No value means that what the key names is gone.
/// Kinds that this build does not describe keep their bytes.
enum GroupRecord: Equatable, Sendable {
    case offsetCommit(OffsetCommitKey, OffsetCommitValue?)
    case groupMetadata(GroupMetadataKey, GroupMetadataValue?)
    case consumerGroupMetadata(ConsumerGroupMetadataKey, ConsumerGroupMetadataValue?)
    case consumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue?)
    case consumerGroupMemberMetadata(ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue?)
    case consumerGroupTargetAssignmentMetadata(
        ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue?)
    case consumerGroupTargetAssignmentMember(
        ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue?)
    case consumerGroupCurrentMemberAssignment(
        ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue?)
    case unknown(key: Bytes, value: Bytes?)
}

extension GroupRecord {
    /// Reads key and value of a record of the log, all of both.
    /// - Throws: ``WireError/unsupportedVersion(apiKey:version:)`` for a known key with a value of an unknown version.
    init(key: Bytes, value: Bytes?) throws(WireError) {
        func read<K: VersionedStruct, V: VersionedStruct>(_ make: (K, V?) -> Self) throws(WireError) -> Self {
            let read = try K(versioned: key)
            guard let value else { return make(read, nil) }
            return make(read, try V(versioned: value))
        }
        self =
            switch try key.leadingVersion() {
            case OffsetCommitKey.versions: try read(Self.offsetCommit)
            case GroupMetadataKey.versions: try read(Self.groupMetadata)
            case ConsumerGroupMetadataKey.versions: try read(Self.consumerGroupMetadata)
            case ConsumerGroupPartitionMetadataKey.versions: try read(Self.consumerGroupPartitionMetadata)
            case ConsumerGroupMemberMetadataKey.versions: try read(Self.consumerGroupMemberMetadata)
            case ConsumerGroupTargetAssignmentMetadataKey.versions:
                try read(Self.consumerGroupTargetAssignmentMetadata)
            case ConsumerGroupTargetAssignmentMemberKey.versions: try read(Self.consumerGroupTargetAssignmentMember)
            case ConsumerGroupCurrentMemberAssignmentKey.versions:
                try read(Self.consumerGroupCurrentMemberAssignment)
            default: .unknown(key: key, value: value)
            }
    }

    /// The record's key and value, each in its ``VersionedStruct/writtenVersion``.
    func encoded() throws(WireError) -> (key: Bytes, value: Bytes?) {
        func pair(_ key: some VersionedStruct, _ value: (some VersionedStruct)?) throws(WireError) -> (Bytes, Bytes?) {
            guard let value else { return (try key.versioned(), nil) }
            return (try key.versioned(), try value.versioned())
        }
        return switch self {
        case .offsetCommit(let key, let value): try pair(key, value)
        case .groupMetadata(let key, let value): try pair(key, value)
        case .consumerGroupMetadata(let key, let value): try pair(key, value)
        case .consumerGroupPartitionMetadata(let key, let value): try pair(key, value)
        case .consumerGroupMemberMetadata(let key, let value): try pair(key, value)
        case .consumerGroupTargetAssignmentMetadata(let key, let value): try pair(key, value)
        case .consumerGroupTargetAssignmentMember(let key, let value): try pair(key, value)
        case .consumerGroupCurrentMemberAssignment(let key, let value): try pair(key, value)
        case .unknown(let key, let value): (key, value)
        }
    }
}
