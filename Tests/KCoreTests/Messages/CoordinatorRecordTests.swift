import Testing

@testable import KCore

@Suite struct CoordinatorRecordTests {
    @Test func `key and value have their version in front, two bytes each`() throws {
        let key = OffsetCommitKey(group: "g", topic: "t", partition: 7)
        #expect(try key.versioned().array.hex == "0001" + "000167" + "000174" + "00000007")
        let value = OffsetCommitValue(offset: 5, leaderEpoch: 2, metadata: "m", commitTimestamp: 9)
        let bytes = "0003" + "0000000000000005" + "00000002" + "00016d" + "0000000000000009"
        #expect(try value.versioned().array.hex == bytes)
        #expect(try GroupRecord(key: key.versioned(), value: value.versioned()) == .offsetCommit(key, value))
    }

    @Test func `what is written is what Kafka 3,9 writes`() throws {
        #expect(try OffsetCommitValue().versioned().leadingVersion() == 3)
        #expect(try OffsetCommitValue(expireTimestamp: 4).versioned().leadingVersion() == 1)
        #expect(try GroupMetadataValue().versioned().leadingVersion() == 3)
        #expect(try TransactionLogValue().versioned().leadingVersion() == 0)
        #expect(try TransactionLogValue(nextProducerId: 4).versioned().leadingVersion() == 1)
        #expect(try TransactionLogValue(clientTransactionVersion: 2).versioned().leadingVersion() == 1)
    }

    /// One of each kind but the unknown.
    private static let kinds: [GroupRecord] = [
        .offsetCommit(.init(), .init()), .groupMetadata(.init(), .init()), .consumerGroupMetadata(.init(), .init()),
        .consumerGroupPartitionMetadata(.init(), .init()), .consumerGroupMemberMetadata(.init(), .init()),
        .consumerGroupTargetAssignmentMetadata(.init(), .init()),
        .consumerGroupTargetAssignmentMember(.init(), .init()),
        .consumerGroupCurrentMemberAssignment(.init(), .init()),
    ]

    /// The versions of key and value that Kafka 3.9 writes; it does not load a partition with a value of a newer one. A new
    /// kind does not compile without a line here, which says what an older broker makes of it.
    private func writtenByKafka(_ kind: GroupRecord) -> [Int16] {
        switch kind {
        case .offsetCommit: [1, 3]
        case .groupMetadata: [2, 3]
        case .consumerGroupMetadata: [3, 0]
        case .consumerGroupPartitionMetadata: [4, 0]
        case .consumerGroupMemberMetadata: [5, 0]
        case .consumerGroupTargetAssignmentMetadata: [6, 0]
        case .consumerGroupTargetAssignmentMember: [7, 0]
        case .consumerGroupCurrentMemberAssignment: [8, 0]
        case .unknown: []
        }
    }

    @Test func `a version that is described and newer than Kafka 3,9 is not written by itself`() throws {
        for kind in Self.kinds {
            let (key, value) = try kind.encoded()
            let written = [try key.leadingVersion(), try #require(value).leadingVersion()]
            #expect(written == writtenByKafka(kind), "\(kind)")
        }
        #expect(Set(Self.kinds.compactMap { writtenByKafka($0).first }).count == 8)
        let (key, value) = try TransactionLogRecord.transaction(.init(), .init()).encoded()
        #expect(try key.leadingVersion() == 0)
        #expect(try #require(value).leadingVersion() == 0)
    }

    @Test func `every kind of record comes back from its bytes`() throws {
        let records: [GroupRecord] = [
            .offsetCommit(.init(group: "a"), .init(offset: 1)), .groupMetadata(.init(group: "a"), .init(generation: 3)),
            .consumerGroupMetadata(.init(groupId: "a"), .init(epoch: 1)),
            .consumerGroupPartitionMetadata(.init(groupId: "a"), .init(topics: [.init(topicName: "t")])),
            .consumerGroupMemberMetadata(.init(groupId: "a", memberId: "m"), .init(clientId: "c")),
            .consumerGroupTargetAssignmentMetadata(.init(groupId: "a"), .init(assignmentEpoch: 8)),
            .consumerGroupTargetAssignmentMember(.init(groupId: "a"), .init(topicPartitions: [.init(partitions: [2])])),
            .consumerGroupCurrentMemberAssignment(.init(memberId: "m"), .init(memberEpoch: 5)),
            .unknown(key: [0, 99, 1], value: [1, 2]),
        ]
        for record in records {
            let (key, value) = try record.encoded()
            #expect(try GroupRecord(key: key, value: value) == record)
        }
        let transaction = TransactionLogRecord.transaction(
            .init(transactionalId: "t"), .init(producerId: 4, transactionPartitions: nil))
        let (key, value) = try transaction.encoded()
        #expect(try TransactionLogRecord(key: key, value: value) == transaction)
        let other = TransactionLogRecord.unknown(key: [0, 7], value: nil)
        #expect(try TransactionLogRecord(key: other.encoded().key, value: other.encoded().value) == other)
    }

    @Test func `no value says that it is gone`() throws {
        let key = try OffsetCommitKey(group: "g").versioned()
        #expect(try GroupRecord(key: key, value: nil) == .offsetCommit(.init(group: "g"), nil))
        let id = try TransactionLogKey(transactionalId: "t").versioned()
        #expect(try TransactionLogRecord(key: id, value: nil) == .transaction(.init(transactionalId: "t"), nil))
    }

    @Test func `a value of an unknown version is refused, not taken for another`() throws {
        let key = try OffsetCommitKey(group: "g").versioned()
        #expect(throws: WireError.unsupportedVersion(apiKey: -1, version: 5)) {
            try GroupRecord(key: key, value: [0, 5, 0, 0])
        }
        #expect(throws: WireError.unsupportedVersion(apiKey: -1, version: -1)) {
            try GroupRecord(key: key, value: [0xFF, 0xFF])
        }
        #expect(throws: WireError.self) { try GroupRecord(key: [], value: nil) }
    }

    @Test func `a subscription of a newer version is read as far as it is known`() throws {
        let subscription = ConsumerProtocolSubscription(topics: ["t"], generationId: 4, rackId: "r")
        var bytes = try subscription.versioned().array
        bytes[1] = 9
        #expect(try ConsumerProtocolSubscription(versioned: Bytes(bytes + [1, 2, 3])) == subscription)
    }
}
