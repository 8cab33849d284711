import Testing

@testable import KCore

/// What is said when the log of a coordinator is damaged.
@Suite struct DamagedCoordinatorLogTests {
    private let bench = LogBench()

    /// A partition of three batches, of which the second is hurt at byte `position`.
    private func partition(hurtAt position: Int) throws -> (Partition, batchBytes: Int) {
        let log = try bench.open()
        for number in 1...3 {
            let record = Record(timestamp: 0, key: Bytes("a"), value: Bytes("\(number)"))
            _ = try log.append(RecordBatchBuilder.batch([record]), leaderEpoch: 0)
        }
        let path = bench.path + "/00000000000000000000.log"
        let batchBytes = try #require(bench.disk.contents(path)).count / 3
        bench.disk.flip(path, bit: 1, at: batchBytes + position)
        let partition = Partition(
            topicPartition: bench.topicPartition, topicId: .zero, log: log, leaderEpoch: 0, inSyncReplicas: 1)
        return (partition, batchBytes)
    }

    // In the batch's length, in its magic, in a record.
    @Test(arguments: [8, 16, 66])
    func `the file, the byte and what can be done are named`(position: Int) throws {
        let (partition, batchBytes) = try partition(hurtAt: position)
        var machine = SumMachine()
        do throws(LogError) {
            _ = try CoordinatorLoader.load(partition, into: &machine) { _, _ in }
            Issue.record("it was loaded")
        } catch {
            #expect(error.code == .corruptMessage)
            #expect(error.message.contains("\(bench.path)/00000000000000000000.log"))
            #expect(error.message.contains("at byte \(batchBytes)"))
            #expect(CoordinatorLoader.remedy(error).contains("kadmin log verify"))
        }
    }

    @Test func `what passes by itself needs nobody`() {
        #expect(CoordinatorLoader.remedy(LogError(.kafkaStorageError, "no room")).isEmpty)
    }
}
