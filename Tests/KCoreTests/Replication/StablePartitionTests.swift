import Synchronization
import Testing

@testable import KCore

@Suite struct StablePartitionTests {
    private let bench = LogBench()
    private let partition: Partition

    init() throws {
        partition = Partition(
            topicPartition: bench.topicPartition, topicId: Uuid.random(), log: try bench.open(), leaderEpoch: 0,
            inSyncReplicas: 1)
    }

    /// Counts how often a parked fetch is woken.
    private final class Reader: Sendable {
        let fetch: WaitingFetch
        private let counter = Counter()

        init(missingBytes: Int = 1) {
            fetch = WaitingFetch(missingBytes: missingBytes) { [counter] in counter.add() }
        }

        var count: Int { counter.value }
    }

    private final class Counter: Sendable {
        private let number = Mutex(0)
        func add() { number.withLock { $0 += 1 } }
        var value: Int { number.withLock { $0 } }
    }

    private func write(_ producerId: Int64, sequence: Int32 = 0) throws {
        var options = BatchOptions()
        options.producerId = producerId
        options.producerEpoch = 0
        options.baseSequence = sequence
        options.isTransactional = true
        _ = try partition.append(Batches.make(["v"], options: options), requiredAcks: -1, origin: .client)
    }

    private func commit(_ producerId: Int64) throws {
        let marker = EndTransactionMarker(isCommit: true, coordinatorEpoch: 0)
        let batch = try marker.batch(producerId: producerId, producerEpoch: 0, timestampMs: 0)
        _ = try partition.append(batch, requiredAcks: -1, origin: .coordinator)
    }

    @Test func `who reads committed records is woken by the end of the transaction and not by its records`() throws {
        try write(1)
        #expect(partition.lastStableOffset == 0 && partition.highWatermark == 1)
        let committed = Reader(missingBytes: 1000)
        let uncommitted = Reader()
        #expect(partition.wait(committed.fetch, since: 0, .lastStableOffset))
        #expect(partition.wait(uncommitted.fetch, since: 1, .highWatermark))
        try write(1, sequence: 1)
        try write(2)
        #expect(uncommitted.count == 1)
        #expect(committed.count == 0)
        try commit(2)
        #expect(committed.count == 0)
        try commit(1)
        #expect(committed.count == 1)
        #expect(partition.lastStableOffset == partition.highWatermark)
    }

    @Test func `without transactions who reads committed records waits for bytes as everybody`() throws {
        let reader = Reader(missingBytes: 200)
        #expect(partition.wait(reader.fetch, since: 0, .lastStableOffset))
        for _ in 0..<2 { _ = try partition.append(Batches.make(["v"]), requiredAcks: -1, origin: .client) }
        #expect(reader.count == 0)
        for _ in 0..<2 { _ = try partition.append(Batches.make(["v"]), requiredAcks: -1, origin: .client) }
        #expect(reader.count == 1)
    }

    @Test func `a fetch is turned away when the stable offset has moved since it read`() throws {
        try write(1)
        try commit(1)
        #expect(!partition.wait(Reader().fetch, since: 0, .lastStableOffset))
        #expect(partition.wait(Reader().fetch, since: 2, .lastStableOffset))
    }

    @Test func `a fetch that was answered is forgotten, whatever it waited for`() throws {
        let reader = Reader()
        #expect(partition.wait(reader.fetch, since: 0, .lastStableOffset))
        partition.stopWaiting(reader.fetch)
        try write(1)
        partition.close()
        #expect(reader.count == 0)
    }
}
