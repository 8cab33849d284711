import Foundation
import Testing

@testable import KCore

/// What Apache Kafka 3.9 wrote into `__consumer_offsets`, loaded by this coordinator.
@Suite struct GroupFixtureTests {
    @Test func `the groups of Kafka's directory are where Kafka's own clients found them`() throws {
        let directory = try KafkaDirectory(.clean)
        let manager = try LogManager(LogManagerOptions(directories: [directory.path]), background: { _ in })
        manager.load { _ in LogConfig() }
        let expected = try KafkaDirectory.unzipped("kafka-3.9-clean.expected.json.gz")
        let facts = try #require(try JSONSerialization.jsonObject(with: expected) as? [String: Any])
        let wanted = try #require(facts["groups"] as? [String: Any])
        #expect(wanted.count == 3)
        let logs = manager.logs.filter { $0.topicPartition.topic == CoordinatorTopic.groupsName }
        var machines: [Int32: GroupCoordinator] = [:]
        for log in logs {
            let partition = Partition(
                topicPartition: log.topicPartition, topicId: .zero, log: log, leaderEpoch: 0, inSyncReplicas: 1)
            var machine = GroupCoordinator(settings: GroupSettings())
            let end = try CoordinatorLoader.load(partition, into: &machine) { offset, reason in
                Issue.record("\(log.topicPartition) at \(offset): \(reason)")
            }
            #expect(end == log.logEndOffset)
            var turn = GroupCoordinator.Turn(nowMs: 0, wallMs: 0)
            machine.didLoad(&turn)
            machines[log.topicPartition.partition] = machine
        }
        for (id, topics) in wanted {
            // Each group is in the partition that its name gives.
            let machine = try #require(machines[CoordinatorTopic.partition(of: id, count: Int32(logs.count))])
            let group = try #require(machine.groups[id])
            guard let topics = topics as? [String: [Int64]] else {
                #expect(!group.offsets.isEmpty)
                continue
            }
            for (topic, offsets) in topics {
                let found = offsets.indices.map { group.offsets.find(topic, Int32($0))?.offset }
                #expect(found == offsets, "\(id) \(topic)")
            }
        }
    }
}
