import Testing

@testable import KCore

/// When kproduce commits, by a clock that the test moves.
@Suite struct ProduceTransactionsTests {
    /// Sends a record, as a line of the input does.
    private func send(_ producer: Producer, _ topic: ProducerTopic, _ value: String) throws {
        try Bytes(value).withUnsafeBytes { value throws(ClientError) in
            _ = try producer.send(to: topic, key: nil, value: value)
        }
    }

    @Test(arguments: [CommitInterval.records(1000), .milliseconds(30_000)])
    func `input that comes slowly is committed long before the broker gives it up`(interval: CommitInterval) throws {
        let broker = try FakeBroker(transactionVersion: 2)
        defer { broker.stop() }
        let client = try KafkaClient(try broker.config([("transactional.id", "id")]))
        defer { client.close() }
        let clock = ManualClock()
        let producer = Producer(client) { _ in }
        let transactions = ProduceTransactions(
            producer, FailureLog(isTransactional: true), interval, clock, timeoutMs: 60_000)
        try transactions.start()
        let topic = try producer.topic("t")
        for round in Int64(1)...2 {
            // Time runs from the first record on.
            clock.advance(ms: 100_000)
            try transactions.commitIfDue()
            #expect(transactions.dueInMs == nil)
            try send(producer, topic, "one")
            try transactions.commitIfDue()
            #expect(transactions.dueInMs == 30_000)
            clock.advance(ms: 29_999)
            try send(producer, topic, "two")
            try transactions.commitIfDue()
            #expect(transactions.dueInMs == 1 && transactions.committedRecords == 2 * (round - 1))
            clock.advance(ms: 1)
            try transactions.commitIfDue()
            #expect(transactions.dueInMs == nil && transactions.committedRecords == 2 * round)
        }
        try producer.close()
    }

    @Test func `a transaction of so many records ends with the last of them, and one of all with the input`() throws {
        let broker = try FakeBroker(transactionVersion: 2)
        defer { broker.stop() }
        let client = try KafkaClient(try broker.config([("transactional.id", "id")]))
        defer { client.close() }
        let clock = ManualClock()
        let cases: [(interval: CommitInterval?, committed: Int64)] = [(.records(2), 2), (nil, 0)]
        for (interval, committed) in cases {
            let producer = Producer(client) { _ in }
            let transactions = ProduceTransactions(
                producer, FailureLog(isTransactional: true), interval, clock, timeoutMs: 60_000)
            try transactions.start()
            let topic = try producer.topic("t")
            for number in 0..<3 {
                try send(producer, topic, "v\(number)")
                try transactions.commitIfDue()
            }
            #expect(transactions.committedRecords == committed)
            if interval == nil {
                clock.advance(ms: 1_000_000)
                try transactions.commitIfDue()
                #expect(transactions.dueInMs == nil && transactions.committedRecords == 0)
            }
            try transactions.commit()
            #expect(transactions.committedRecords == 3)
            try producer.close()
        }
    }
}
