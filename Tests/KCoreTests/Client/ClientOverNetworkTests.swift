import Synchronization
import Testing

@testable import KCore

/// What deliveries told.
private final class Fates: Sendable {
    struct State: Sendable {
        var delivered: [Int64: Int64] = [:]
        var failed: [Int64: ClientError] = [:]
        var toldTwice = 0
    }

    let state = Mutex(State())

    func note(_ delivery: borrowing Delivery) {
        let (offset, error) = (delivery.baseOffset, delivery.error)
        state.withLock { state in
            delivery.forEachSerial { index, serial in
                if state.delivered[serial] != nil || state.failed[serial] != nil { state.toldTwice += 1 }
                if let error {
                    state.failed[serial] = error
                } else {
                    state.delivered[serial] = offset + Int64(index)
                }
            }
        }
    }
}

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ClientOverNetworkTests {
    private func produce(
        _ broker: FakeBroker, _ count: Int, _ properties: [(name: String, value: String)] = []
    ) throws -> (Fates, ProducerStatistics) {
        let fates = Fates()
        let client = try KafkaClient(try broker.config(properties))
        defer { client.close() }
        let producer = Producer(client) { fates.note($0) }
        let topic = try producer.topic("t")
        for number in 0..<count {
            try Bytes("v\(number)").withUnsafeBytes { value throws(ClientError) in
                _ = try producer.send(to: topic, key: nil, value: value)
            }
        }
        try producer.flush()
        let statistics = producer.statistics
        try producer.close()
        return (fates, statistics)
    }

    private func expected(_ count: Int) -> [String] { (0..<count).map { "v\($0)" } }

    @Test(arguments: ["0", "1", "all"])
    func `what is sent arrives in order and is told`(acks: String) throws {
        let broker = try FakeBroker()
        defer { broker.stop() }
        let (fates, statistics) = try produce(broker, 500, [("acks", acks), ("batch.size", "300")])
        if acks == "0" {
            // Nobody tells when it arrives: the connection's end is behind it.
            try eventually("500 records") { try broker.values().count >= 500 }
        }
        #expect(try broker.values() == expected(500))
        #expect(fates.state.withLock { $0.delivered.count } == 500)
        #expect(fates.state.withLock { $0.toldTwice } == 0)
        #expect(statistics.deliveredRecords == 500)
        #expect(statistics.bufferedBytes == 0)
        if acks != "0" { #expect(fates.state.withLock { $0.delivered[499] } == 499) }
    }

    @Test(arguments: CompressionCodec.allCases.filter(\.isAvailable))
    func `every codec arrives readable`(codec: CompressionCodec) throws {
        let broker = try FakeBroker()
        defer { broker.stop() }
        _ = try produce(broker, 300, [("compression.type", codec.name), ("batch.size", "500")])
        #expect(try broker.values() == expected(300))
    }

    @Test func `lost connections and refusals lose nothing, double nothing and keep the order`() throws {
        var generator = SplitMix64(state: 20)
        for _ in 0..<10 {
            let faults = (0..<40).map { _ -> FakeBroker.Fault in
                switch generator.next() % 8 {
                case 0: .closeBefore
                case 1: .closeAfter
                case 2: .refuse(.notLeaderOrFollower)
                case 3: .refuse(.notEnoughReplicas)
                default: .none
                }
            }
            let broker = try FakeBroker(faults: faults)
            defer { broker.stop() }
            let (fates, statistics) = try produce(broker, 300, [("batch.size", "200")])
            #expect(try broker.values() == expected(300))
            #expect(fates.state.withLock { $0.failed.isEmpty })
            #expect(fates.state.withLock { $0.toldTwice } == 0)
            #expect(statistics.retries > 0)
        }
    }

    @Test func `records that are refused for good are named, the others arrive in order`() throws {
        let faults: [FakeBroker.Fault] = [.none, .refuse(.invalidTimestamp), .none, .refuse(.policyViolation)]
        let broker = try FakeBroker(faults: faults)
        defer { broker.stop() }
        let (fates, statistics) = try produce(broker, 200, [("batch.size", "200")])
        let (delivered, failed) = fates.state.withLock { ($0.delivered.keys.sorted(), $0.failed.keys.sorted()) }
        #expect(failed.count > 0 && Int64(failed.count) == statistics.failedRecords)
        #expect((delivered + failed).sorted() == (0..<200).map { Int64($0) })
        #expect(try broker.values() == delivered.map { "v\($0)" })
    }

    @Test func `a small memory holds the sender back and all arrives`() throws {
        let broker = try FakeBroker(partitions: 3)
        defer { broker.stop() }
        let properties = [("batch.size", "200"), ("buffer.memory", "400"), ("partitioner.class", "round-robin")]
        _ = try produce(broker, 300, properties.map { (name: $0.0, value: $0.1) })
        let all = try (0..<3).flatMap { try broker.values($0) }
        #expect(Set(all) == Set(expected(300)))
        #expect(all.count == 300)
    }

    @Test func `abort releases a sender that waits, and its records fail`() throws {
        let faults = Array(repeating: FakeBroker.Fault.refuse(.notEnoughReplicas), count: 100_000)
        let broker = try FakeBroker(faults: faults)
        defer { broker.stop() }
        let fates = Fates()
        let client = try KafkaClient(try broker.config([("batch.size", "200"), ("buffer.memory", "400")]))
        defer { client.close() }
        let producer = Producer(client) { fates.note($0) }
        let topic = try producer.topic("t")
        let stopper = Thread(name: "stopper") {
            expectEventually("three requests") { broker.state.withLock { $0.produceRequests } >= 3 }
            producer.abort()
        }
        var sent: Int64 = 0
        var error: ClientError?
        do throws(ClientError) {
            while true {
                try Bytes("value").withUnsafeBytes { value throws(ClientError) in
                    _ = try producer.send(to: topic, key: nil, value: value)
                }
                sent += 1
            }
        } catch let failure {
            error = failure
        }
        stopper.join()
        #expect(error?.kind == .interrupted)
        #expect(throws: ClientError.self) { try producer.topic("t") }
        try eventually("every record fails") { Int64(fates.state.withLock { $0.failed.count }) >= sent }
        #expect(fates.state.withLock { $0.delivered.isEmpty })
    }

    @Test func `lines arrive with their keys, and a line too large is named`() throws {
        let broker = try FakeBroker()
        defer { broker.stop() }
        let fates = Fates()
        let client = try KafkaClient(try broker.config([("max.request.size", "2000"), ("batch.size", "500")]))
        defer { client.close() }
        let producer = Producer(client) { fates.note($0) }
        let topic = try producer.topic("t")
        var format = LineFormat()
        format.keyDelimiter = Bytes(":")
        let text = (0..<100).map { $0 == 50 ? String(repeating: "x", count: 3000) : "k:v\($0)" }.joined(separator: "\n")
        let used = try Bytes(text).withUnsafeBytes { input throws(ClientError) in
            try producer.sendLines(input, to: topic, format: format, isLast: true)
        }
        #expect(used == text.utf8.count)
        try producer.close()
        #expect(try broker.values() == expected(100).filter { $0 != "v50" })
        #expect(fates.state.withLock { $0.failed.keys.sorted() } == [50])
        #expect(fates.state.withLock { $0.failed[50]?.errorCode } == .messageTooLarge)
    }

    @Test func `what was produced is consumed in order up to the end`() throws {
        let broker = try FakeBroker(partitions: 2)
        defer { broker.stop() }
        _ = try produce(broker, 400, [("batch.size", "300"), ("partitioner.class", "round-robin")])
        let client = try KafkaClient(try broker.config())
        defer { client.close() }
        let consumer = Consumer(client)
        defer { consumer.close() }
        try consumer.assign((0..<2).map { .init(topic: "t", partition: $0, start: .beginning, end: .currentEnd) })
        var read: [Int32: [String]] = [:]
        reading: while true {
            switch try consumer.poll(timeoutMs: 30_000) {
            case .records(let records):
                try records.forEachRecord { record in
                    read[records.partition, default: []].append(
                        String(decoding: record.value ?? .init(start: nil, count: 0), as: UTF8.self))
                    return true
                }
            case .finished: break reading
            case .timeout, .interrupted, .madeAnew, .waits: throw ClientError(.timeout, "no records")
            }
        }
        #expect(try read[0] == broker.values(0))
        #expect(try read[1] == broker.values(1))
        #expect(consumer.positions.map(\.position) == [200, 200])
    }

    @Test func `reading can start anywhere and stop before the end`() throws {
        let broker = try FakeBroker()
        defer { broker.stop() }
        _ = try produce(broker, 100, [("batch.size", "300")])
        let client = try KafkaClient(try broker.config())
        defer { client.close() }
        for (start, end, expected) in [
            (Consumer.StartPosition.last(5), Consumer.EndPosition.currentEnd, 95..<100),
            (.offset(10), .offset(13), 10..<13), (.last(1000), .offset(2), 0..<2), (.end, .currentEnd, 0..<0),
        ] {
            let consumer = Consumer(client)
            defer { consumer.close() }
            try consumer.assign([.init(topic: "t", partition: 0, start: start, end: end)])
            var read: [String] = []
            while case .records(let records) = try consumer.poll(timeoutMs: 30_000) {
                try records.forEachRecord { record in
                    read.append(String(decoding: record.value ?? .init(start: nil, count: 0), as: UTF8.self))
                    return true
                }
            }
            #expect(read == expected.map { "v\($0)" })
        }
    }

    @Test func `a tool asks a few times for the leader of a partition that has none, and shows the others`() throws {
        let broker = try FakeBroker(partitions: 2)
        defer { broker.stop() }
        broker.state.withLock { _ = $0.leaderless.insert(1) }
        let client = try KafkaClient(try broker.config())
        defer { client.close() }
        let ends = try AdminClient(client).ends(
            of: [TopicPartition(topic: "t", partition: 0), TopicPartition(topic: "t", partition: 1)], .latest)
        #expect(ends == [TopicPartition(topic: "t", partition: 0): 0])
        let asked = broker.state.withLock { $0.requests.count { $0.hasPrefix("Metadata ") } }
        #expect(asked >= 2 && asked <= AdminClient.fewLeaderAttempts + 1)
    }

    @Test func `an interrupt ends a poll that waits`() throws {
        let broker = try FakeBroker()
        defer { broker.stop() }
        let client = try KafkaClient(try broker.config())
        defer { client.close() }
        let consumer = Consumer(client)
        try consumer.assign([.init(topic: "t", partition: 0, start: .end)])
        let stopper = Thread(name: "stopper") { client.interrupt() }
        guard case .interrupted = try consumer.poll(timeoutMs: 30_000) else {
            throw ClientError(.timeout, "not interrupted")
        }
        stopper.join()
    }

    @Test func `nobody listening is an error in a line that says what to do`() throws {
        let port = try SilentPort()
        defer { withExtendedLifetime(port) {} }
        let client = try KafkaClient(try ClientConfig([("bootstrap.servers", "127.0.0.1:\(port.number)")]))
        defer { client.close() }
        do throws(ClientError) {
            _ = try client.call(MetadataRequest(), timeoutMs: 50)
            #expect(Bool(false), "somebody answered")
        } catch {
            #expect(error.message.contains("127.0.0.1:\(port.number)"))
            #expect(error.kind == .connection || error.kind == .timeout)
        }
    }
}
