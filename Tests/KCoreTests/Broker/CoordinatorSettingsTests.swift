import Testing

@testable import KCore

/// What a broker's file says of groups, offsets, transactions and producers is what their coordinators and logs go by: each
/// property has a value of its own here, so that none can be taken for another.
@Suite struct CoordinatorSettingsTests {
    private static let properties = [
        "log.dirs": "/d", "listeners": "PLAINTEXT://127.0.0.1:0",
        "group.min.session.timeout.ms": "1001", "group.max.session.timeout.ms": "1002003",
        "group.initial.rebalance.delay.ms": "1003", "group.max.size": "1004",
        "offset.metadata.max.bytes": "1005", "offsets.retention.minutes": "1006",
        "offsets.retention.check.interval.ms": "1007", "group.coordinator.rebalance.protocols": "classic",
        "group.consumer.migration.policy": "upgrade", "group.consumer.assignors": "range",
        "group.consumer.min.heartbeat.interval.ms": "1008", "group.consumer.heartbeat.interval.ms": "1009",
        "group.consumer.max.heartbeat.interval.ms": "1010", "group.consumer.min.session.timeout.ms": "1011",
        "group.consumer.session.timeout.ms": "1012", "group.consumer.max.session.timeout.ms": "1013",
        "group.consumer.regex.refresh.interval.ms": "10014", "group.consumer.max.size": "1015",
        "message.max.bytes": "5016", "offsets.topic.segment.bytes": "100017", "offsets.topic.num.partitions": "18",
        "offsets.topic.replication.factor": "19",
        "transaction.max.timeout.ms": "2001", "transactional.id.expiration.ms": "2002",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "2003",
        "transaction.remove.expired.transaction.cleanup.interval.ms": "2004",
        "transaction.state.log.num.partitions": "25", "transaction.state.log.replication.factor": "26",
        "transaction.state.log.min.isr": "27", "transaction.state.log.segment.bytes": "200008",
        "transaction.partition.verification.enable": "false",
        "producer.id.expiration.ms": "3001", "producer.id.expiration.check.interval.ms": "3002",
    ]

    private let config: BrokerConfig

    init() throws { config = try BrokerConfig(Self.properties) }

    @Test func `groups and offsets go by what the file says of them`() {
        var expected = GroupSettings()
        expected.minSessionTimeoutMs = 1001
        expected.maxSessionTimeoutMs = 1_002_003
        expected.initialRebalanceDelayMs = 1003
        expected.maxSize = 1004
        expected.offsetMetadataMaxBytes = 1005
        expected.offsetsRetentionMs = 1006 * 60_000
        expected.offsetsRetentionCheckIntervalMs = 1007
        expected.hasConsumerProtocol = false
        expected.migrationPolicy = .upgrade
        expected.assignors = [.range]
        expected.consumerLimits.least = ConsumerGroupTimes(heartbeatIntervalMs: 1008, sessionTimeoutMs: 1011)
        expected.consumerHeartbeatIntervalMs = 1009
        expected.consumerSessionTimeoutMs = 1012
        expected.consumerLimits.most = ConsumerGroupTimes(heartbeatIntervalMs: 1010, sessionTimeoutMs: 1013)
        expected.patternRefreshIntervalMs = 10_014
        expected.consumerMaxSize = 1015
        expected.maxRecordBytes = 5016
        #expect(GroupSettings(config) == expected)
    }

    @Test func `a record of a group is never larger than a segment of its topic has room for`() throws {
        var properties = Self.properties
        properties["message.max.bytes"] = "50016"
        #expect(GroupSettings(try BrokerConfig(properties)).maxRecordBytes == 25_004)
    }

    @Test(arguments: ["disabled", "downgrade", "upgrade", "bidirectional"])
    func `every migration policy is the one of its name`(policy: String) throws {
        var properties = Self.properties
        properties["group.consumer.migration.policy"] = policy
        #expect(GroupSettings(try BrokerConfig(properties)).migrationPolicy.rawValue == policy)
    }

    @Test func `transactions go by what the file says of them`() {
        var expected = TransactionMachine.Settings()
        expected.maxTimeoutMs = 2001
        expected.idExpirationMs = 2002
        expected.abortIntervalMs = 2003
        expected.expiryIntervalMs = 2004
        #expect(TransactionMachine.Settings(config) == expected)
        #expect(TransactionMachine.Settings(.defaults) == TransactionMachine.Settings(), "the defaults are Kafka's")
    }

    @Test func `logs go by what the file says of producers`() throws {
        let settings = try BrokerSettings(config)
        #expect(settings.logManager.producerIdExpirationMs == 3001)
        #expect(settings.logManager.producerIdExpirationCheckIntervalMs == 3002)
        #expect(!settings.verifiesTransactions && !settings.logManager.verifiesTransactions)
        let defaults = try BrokerSettings(.defaults).logManager
        let own = LogManagerOptions(directories: [])
        #expect(defaults.producerIdExpirationMs == own.producerIdExpirationMs)
        #expect(defaults.producerIdExpirationCheckIntervalMs == own.producerIdExpirationCheckIntervalMs)
        #expect(defaults.verifiesTransactions)
    }

    @Test func `the coordinators' topics are made as the file says`() {
        let groups = CoordinatorTopic.groups(config, brokerCount: 1)
        #expect(groups.partitionCount == 18 && groups.replicationFactor == 19)
        #expect(groups.configs["segment.bytes"] == "100017")
        let transactions = CoordinatorTopic.transactions(config, brokerCount: 1)
        #expect(transactions.partitionCount == 25 && transactions.replicationFactor == 26)
        #expect(transactions.configs["segment.bytes"] == "200008")
        #expect(transactions.configs["min.insync.replicas"] == "27")
    }
}
