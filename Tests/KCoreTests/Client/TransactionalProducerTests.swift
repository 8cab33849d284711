import Synchronization
import Testing

@testable import KCore

@Suite(.serialized, .timeLimit(.minutes(5)))
struct TransactionalProducerTests {
    /// What a broker is asked in two transactions, each with records and with positions of a group.
    private func asked(_ broker: FakeBroker, isCommit: Bool = true) throws -> [String] {
        let client = try KafkaClient(try broker.config([("transactional.id", "id")]))
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        let topic = try producer.topic("t")
        for number in 0..<2 {
            try producer.beginTransaction()
            try Bytes("v\(number)").withUnsafeBytes { value throws(ClientError) in
                _ = try producer.send(to: topic, key: nil, value: value)
            }
            try producer.flush()
            try producer.sendOffsets([TopicPartition(topic: "in", partition: 0): 5], group: "g")
            if isCommit { try producer.commitTransaction() } else { try producer.abortTransaction() }
        }
        try producer.close()
        let apis = ["Produce", "AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn"]
        return broker.state.withLock { $0.requests }.filter { request in
            apis.contains { request.hasPrefix("\($0) ") }
        }
    }

    @Test(arguments: [true, false])
    func `where writing adds partitions to a transaction, the coordinator hears of its end only`(isCommit: Bool) throws
    {
        let broker = try FakeBroker(transactionVersion: 2)
        defer { broker.stop() }
        let transaction = ["Produce 12", "TxnOffsetCommit 5", "EndTxn 5"]
        #expect(try asked(broker, isCommit: isCommit) == transaction + transaction)
        #expect(try broker.values() == ["v0", "v1"])
        // Each has its epoch, in which the numbers begin anew.
        #expect(broker.state.withLock { $0.partitions[0].epoch } == 1)
    }

    @Test(arguments: [Int16(0), 1]) func `elsewhere partitions and groups are named first`(level: Int16) throws {
        let broker = try FakeBroker(transactionVersion: level)
        defer { broker.stop() }
        let transaction = ["AddPartitionsToTxn 3", "Produce 11", "AddOffsetsToTxn 4", "TxnOffsetCommit 4", "EndTxn 4"]
        #expect(try asked(broker) == transaction + transaction)
        #expect(try broker.values() == ["v0", "v1"])
        #expect(broker.state.withLock { $0.partitions[0].epoch } == 0)
    }

    @Test(arguments: [Int16(0), 2])
    func `a transaction whose positions were refused can only be aborted`(level: Int16) throws {
        let broker = try FakeBroker(transactionVersion: level)
        defer { broker.stop() }
        let client = try KafkaClient(try broker.config([("transactional.id", "id")]))
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        let topic = try producer.topic("t")
        try producer.beginTransaction()
        try Bytes("v").withUnsafeBytes { value throws(ClientError) in
            _ = try producer.send(to: topic, key: nil, value: value)
        }
        let offsets = [TopicPartition(topic: "in", partition: 0): Int64(5)]
        #expect(throws: ClientError.self) {
            try producer.sendOffsets(offsets, group: "g", generation: 1, memberId: "gone")
        }
        let refusal = #expect(throws: ClientError.self) { try producer.commitTransaction() }
        #expect(refusal?.errorCode == .illegalGeneration)
        #expect(!broker.state.withLock { $0.requests }.contains { $0.hasPrefix("EndTxn") })
        try producer.abortTransaction()
        try producer.beginTransaction()
        try producer.sendOffsets(offsets, group: "g")
        try producer.commitTransaction()
        try producer.close()
    }

    @Test func `a transaction in which nothing was sent is ended without a word`() throws {
        let broker = try FakeBroker(transactionVersion: 2)
        defer { broker.stop() }
        let client = try KafkaClient(try broker.config([("transactional.id", "id")]))
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        for isCommit in [true, false] {
            try producer.beginTransaction()
            if isCommit { try producer.commitTransaction() } else { try producer.abortTransaction() }
        }
        try producer.close()
        #expect(!broker.state.withLock { $0.requests }.contains { $0.hasPrefix("EndTxn") })
    }

    @Test func `a transaction with a record that cannot be sent can only be aborted, and the next one begins anew`()
        throws
    {
        let broker = try FakeBroker(transactionVersion: 2)
        defer { broker.stop() }
        let client = try KafkaClient(try broker.config([("transactional.id", "id")]))
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        let topic = try producer.topic("t")
        func send(_ value: Bytes, partition: Int32? = nil) throws {
            try value.withUnsafeBytes { value throws(ClientError) in
                _ = try producer.send(to: topic, partition: partition, key: nil, value: value)
            }
        }
        let refused: [(value: Bytes, partition: Int32?)] = [
            (Bytes("x"), 99), (Bytes([UInt8](repeating: 0, count: 2 << 20)), nil),
        ]
        for record in refused {
            try producer.beginTransaction()
            try send(Bytes("before"))
            #expect(throws: ClientError.self) { try send(record.value, partition: record.partition) }
            let error = #expect(throws: ClientError.self) { try producer.commitTransaction() }
            let message = error?.message ?? ""
            #expect(
                message.hasPrefix("the transaction can only be aborted: a record of the transaction cannot be sent: "),
                "\(message)")
            try producer.abortTransaction()
        }
        try producer.beginTransaction()
        try send(Bytes("after"))
        try producer.commitTransaction()
        try producer.close()
        #expect(try broker.values().last == "after")
    }

    @Test func `the transaction before is waited for, and order and records survive that`() throws {
        let faults = Array(repeating: FakeBroker.Fault.refuse(.concurrentTransactions), count: 3)
        let broker = try FakeBroker(faults: faults, transactionVersion: 2)
        defer { broker.stop() }
        let client = try KafkaClient(try broker.config([("transactional.id", "id"), ("batch.size", "100")]))
        defer { client.close() }
        let failed = Atomic(0)
        let producer = Producer(client) { if $0.error != nil { failed.add(1, ordering: .relaxed) } }
        try producer.initTransactions()
        let topic = try producer.topic("t")
        try producer.beginTransaction()
        for number in 0..<100 {
            try Bytes("v\(number)").withUnsafeBytes { value throws(ClientError) in
                _ = try producer.send(to: topic, key: nil, value: value)
            }
        }
        try producer.commitTransaction()
        try producer.close()
        #expect(failed.load(ordering: .relaxed) == 0)
        #expect(try broker.values() == (0..<100).map { "v\($0)" })
    }
}
