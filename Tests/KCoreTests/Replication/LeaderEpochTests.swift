import Testing

@testable import KCore

/// What readers are told of epochs, with which they find out whether records that they have seen are still there.
@Suite struct LeaderEpochTests {
    private let disk = SimulatedDisk()

    private func lead(_ epoch: Int32, clean: Bool = false) throws -> Partition {
        let bench = LogBench(disk: disk)
        return Partition(
            topicPartition: bench.topicPartition, topicId: Uuid.random(), log: try bench.open(clean: clean),
            leaderEpoch: epoch, inSyncReplicas: 1)
    }

    private func append(_ partition: Partition, _ count: Int) throws {
        for _ in 0..<count { _ = try partition.append(Batches.make(["v"]), requiredAcks: -1, origin: .client) }
    }

    private func end(_ epoch: Int32, _ partition: Partition) -> [Int64]? {
        partition.log.endOffset(forLeaderEpoch: epoch).map { [Int64($0.epoch), $0.endOffset] }
    }

    @Test func `of a log that was never written to the leader's epoch is known, and every one before it`() throws {
        let partition = try lead(2)
        #expect(end(2, partition) == [2, 0])
        #expect(end(1, partition) == [1, 0])
        #expect(end(3, partition) == nil)
        #expect(end(-1, partition) == nil)
        #expect(partition.log.leaderEpoch(at: 0) == 2)
    }

    @Test func `epochs in which nothing was appended ended where the one before did`() throws {
        let first = try lead(0)
        try append(first, 5)
        try first.log.close()
        // Two leaders that append nothing.
        try lead(1, clean: true).log.close()
        let partition = try lead(3, clean: true)
        #expect(end(0, partition) == [0, 5])
        #expect(end(1, partition) == [0, 5])
        #expect(end(2, partition) == [0, 5])
        #expect(end(3, partition) == [3, 5])
        #expect(end(4, partition) == nil)
        #expect(partition.log.leaderEpoch(at: 4) == 0)
        #expect(partition.log.leaderEpoch(at: 5) == 3)
        try append(partition, 1)
        #expect(end(2, partition) == [0, 5])
        #expect(end(3, partition) == [3, 6])
        #expect(partition.log.leaderEpoch(at: 5) == 3)
    }

    @Test func `a leader that gets another epoch is known by it at once`() throws {
        let partition = try lead(0)
        try append(partition, 2)
        partition.lead(epoch: 4, inSyncReplicas: 1)
        #expect(end(0, partition) == [0, 2])
        #expect(end(3, partition) == [0, 2])
        #expect(end(4, partition) == [4, 2])
    }

    @Test func `that a leader begins costs a log that nothing is appended to no write`() throws {
        let first = try lead(0)
        try append(first, 1)
        try first.log.close()
        let before = disk.operations
        try lead(1, clean: true).log.close()
        #expect(disk.operations == before)
    }
}
