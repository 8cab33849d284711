import Testing

@testable import KCore

@Suite struct PartitionReadTests {
    @Test func `a read ends at the watermark that the reader is told, though more has come since`() throws {
        let bench = LogBench()
        let partition = Partition(
            topicPartition: bench.topicPartition, topicId: Uuid.random(), log: try bench.open(), leaderEpoch: 0,
            inSyncReplicas: 1)
        _ = try partition.append(Batches.make(["a", "b"]), requiredAcks: 1, origin: .client)
        let told = partition.highWatermark
        _ = try partition.append(Batches.make(["c"]), requiredAcks: 1, origin: .client)

        let batches = try partition.read(from: 0, maxBytes: 1 << 20, upTo: told, minOneBatch: true).batches()
        #expect(try batches.map { try RecordBatchReader($0).header.lastOffset } == [told - 1])
        #expect(try partition.read(from: told, maxBytes: 1 << 20, upTo: told, minOneBatch: true).batches().isEmpty)
    }
}
