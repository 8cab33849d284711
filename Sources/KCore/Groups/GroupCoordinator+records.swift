extension GroupCoordinator {
    static func decode(key: Bytes, value: Bytes?) throws(WireError) -> GroupRecord? {
        try GroupRecord(key: key, value: value)
    }

    static func encode(_ record: GroupRecord) throws(WireError) -> (key: Bytes, value: Bytes?) {
        try record.encoded()
    }

    mutating func replay(_ record: GroupRecord, _ origin: CoordinatorRecordOrigin) {
        switch record {
        case .offsetCommit(let key, let value): replay(key, value, origin)
        case .groupMetadata(let key, let value): replay(key, value)
        default: replayConsumer(record, origin)
        }
    }

    private mutating func replay(_ key: GroupMetadataKey, _ value: GroupMetadataValue?) {
        if var value {
            for index in value.members.indices {
                value.members[index].subscription = value.members[index].subscription.detached
                value.members[index].assignment = value.members[index].assignment.detached
            }
            groups[key.group, default: Group()].kept = value
        } else {
            groups[key.group]?.kept = nil
            forgetIfNothingIsLeft(key.group)
        }
    }

    private mutating func replay(_ key: OffsetCommitKey, _ value: OffsetCommitValue?, _ origin: CoordinatorRecordOrigin)
    {
        guard let value else {
            groups[key.group]?.offsets.remove(key.topic, key.partition)
            return forgetIfNothingIsLeft(key.group)
        }
        let offset = CommittedOffset(value, recordOffset: origin.offset)
        if let producerId = origin.producerId {
            groups[key.group, default: Group()].offsets.addPending(offset, key.topic, key.partition, of: producerId)
            transactions[producerId, default: []].insert(ExactName(key.group))
        } else {
            groups[key.group, default: Group()].offsets.set(offset, key.topic, key.partition)
        }
    }

    /// What a transaction committed counts now, or never did.
    mutating func replay(_ end: CoordinatorTransactionEnd) {
        for id in transactions.removeValue(forKey: end.producerId) ?? [] {
            groups[id.text]?.offsets.endTransaction(of: end.producerId, isCommit: end.isCommit)
            forgetIfNothingIsLeft(id.text)
        }
    }
}
