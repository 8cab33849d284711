import Synchronization
import Testing

@testable import KCore

@Suite struct ClosedPartitionTests {
    @Test func `who watches a partition that is closed is called once, and not again and again`() throws {
        let bench = LogBench()
        let log = try bench.open()
        let partition = Partition(
            topicPartition: log.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0, inSyncReplicas: 1)
        let calls = Atomic(0)
        @Sendable func watch() {
            partition.whenHighWatermarkMoves(from: 0) {
                // As a coordinator does whose answers still wait.
                if calls.add(1, ordering: .relaxed).newValue < 100 { watch() }
            }
        }
        watch()
        #expect(calls.load(ordering: .relaxed) == 0)
        partition.close()
        #expect(calls.load(ordering: .relaxed) == 1)
    }

    @Test func `a high watermark that has moved already calls at once`() throws {
        let bench = LogBench()
        let log = try bench.open()
        let partition = Partition(
            topicPartition: log.topicPartition, topicId: Uuid.random(), log: log, leaderEpoch: 0, inSyncReplicas: 1)
        _ = try partition.append(Batches.make(["a"]), requiredAcks: 1, origin: .client)
        let calls = Atomic(0)
        partition.whenHighWatermarkMoves(from: 0) { calls.add(1, ordering: .relaxed) }
        #expect(calls.load(ordering: .relaxed) == 1)
    }
}
