import Glibc
import Testing

@testable import KCore

/// Members of a group over a network, with a broker of this process.
@Suite struct GroupConsumerTests {
    private final class Cluster {
        let broker: Broker
        let directory: String

        init(_ overrides: [String: String] = [:]) throws {
            var template = Array("/tmp/group.XXXXXX".utf8CString)
            directory =
                template.withUnsafeMutableBufferPointer {
                    $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
                } ?? "/tmp/group"
            broker = try Broker.start(
                properties: [
                    "log.dirs": directory, "listeners": "PLAINTEXT://127.0.0.1:0",
                    "group.initial.rebalance.delay.ms": "0", "group.consumer.heartbeat.interval.ms": "20",
                    "group.consumer.min.heartbeat.interval.ms": "20",
                    "offsets.topic.num.partitions": "1",
                ].merging(overrides) { _, new in new }, logger: .silent)
        }

        deinit {
            broker.stop()
            try? SystemDisk().removeTree(directory)
        }

        func client(_ properties: (name: String, value: String)...) throws -> KafkaClient {
            let server = broker.addresses.map { "\($0)" }.joined(separator: ",")
            return try KafkaClient(
                ClientConfig(
                    [
                        ("bootstrap.servers", server), ("group.id", "g"), ("auto.offset.reset", "earliest"),
                        ("heartbeat.interval.ms", "20"), ("retry.backoff.ms", "10"),
                    ] + properties))
        }

        /// A topic with `count` records in each of its partitions.
        func fill(_ topic: String, partitions: Int32, count: Int) throws {
            let client = try client()
            defer { client.close() }
            _ = try AdminClient(client).createTopics([NewTopic(topic, partitions: partitions)])
            try send(topic, partitions: partitions, count: count)
        }

        func send(_ topic: String, partitions: Int32, count: Int) throws {
            let client = try client()
            defer { client.close() }
            let producer = Producer(client) { _ in }
            let handle = try producer.topic(topic)
            for partition in 0..<partitions {
                for _ in 0..<count { try producer.send(to: handle, partition: partition, key: nil, value: nil) }
            }
            try producer.close()
        }
    }

    /// Polls until `isEnough`, for a minute at most.
    private func poll(
        _ consumer: GroupConsumer, until isEnough: (GroupConsumer.Poll) throws -> Bool
    ) throws {
        for _ in 0..<600 where try isEnough(try consumer.poll(timeoutMs: 100)) { return }
        Issue.record("it did not come")
    }

    private func count(_ fetched: FetchedRecords) throws -> Int {
        var count = 0
        try fetched.forEachRecord { _ in
            count += 1
            return true
        }
        return count
    }

    @Test func `what polls gave is committed by itself, at the latest when the consumer is closed`() throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 2, count: 5)
        let client = try cluster.client()
        defer { client.close() }
        let consumer = try GroupConsumer(client, topics: .named(["t"]))
        var read = 0
        try poll(consumer) { poll in
            if case .records(let fetched) = poll { read += try count(fetched) }
            return read == 10
        }
        let admin = AdminClient(client)
        let early = try admin.groupOffsets("g").values.map(\.offset)
        #expect(early.allSatisfy { $0 == 0 }, "what the last poll gave is not handled before the next")
        _ = try consumer.poll(timeoutMs: 0)
        consumer.close()
        #expect(try admin.groupOffsets("g").values.map(\.offset) == [5, 5])
        #expect(try admin.describeGroup("g").members.isEmpty, "it has left")
        let next = try GroupConsumer(client, topics: .named(["t"]), stopsAtEnd: true)
        try poll(next) { poll in
            if case .records = poll { Issue.record("read again") }
            if case .finished = poll { return true }
            return false
        }
        next.close()
    }

    @Test(arguments: [
        ("partition.assignment.strategy", "range"), ("partition.assignment.strategy", "cooperative-sticky"),
        ("group.protocol", "consumer"),
    ])
    func `a second member gets its part, and the first commits before it gives that up`(
        property: (name: String, value: String)
    ) throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 4, count: 3)
        let one = try cluster.client(property, ("client.id", "one"))
        let two = try cluster.client(property, ("client.id", "two"))
        defer {
            one.close()
            two.close()
        }
        let first = try GroupConsumer(one, topics: .named(["t"]))
        var read = 0
        try poll(first) { poll in
            if case .records(let fetched) = poll { read += try count(fetched) }
            return read == 12
        }
        let second = try GroupConsumer(two, topics: .named(["t"]))
        var (kept, got): (Set<TopicPartition>, Set<TopicPartition>) = ([], [])
        for partition in 0..<4 as Range<Int32> { kept.insert(TopicPartition(topic: "t", partition: partition)) }
        for _ in 0..<2000 where !(kept.count == 2 && got.count == 2) {
            switch try first.poll(timeoutMs: 10) {
            case .assigned(let partitions): kept.formUnion(partitions)
            case .revoking(let partitions), .lost(let partitions): kept.subtract(partitions)
            default: break
            }
            switch try second.poll(timeoutMs: 10) {
            case .assigned(let partitions): got.formUnion(partitions)
            case .revoking(let partitions), .lost(let partitions): got.subtract(partitions)
            case .records: Issue.record("what was committed came again")
            default: break
            }
        }
        #expect(kept.count == 2 && got.count == 2 && kept.isDisjoint(with: got))
        #expect(throws: ClientError.self, "not its partition") {
            try second.commit([kept.sorted()[0]: GroupOffset(1)])
        }
        first.close()
        second.close()
    }

    @Test(arguments: ["classic", "consumer"])
    func `where a group begins is committed, also when nothing came`(name: String) throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 1, count: 3)
        let client = try cluster.client(("group.protocol", name), ("auto.offset.reset", "latest"))
        defer { client.close() }
        let first = try GroupConsumer(client, topics: .named(["t"]))
        let partition = TopicPartition(topic: "t", partition: 0)
        try poll(first) { poll in
            guard case .began(let offsets) = poll else { return false }
            #expect(offsets == [partition: 3])
            return true
        }
        first.close()
        #expect(try AdminClient(client).groupOffsets("g")[partition]?.offset == 3)
        try cluster.send("t", partitions: 1, count: 2)
        let next = try GroupConsumer(client, topics: .named(["t"]), stopsAtEnd: true)
        var read = 0
        try poll(next) { poll in
            if case .records(let fetched) = poll { read += try count(fetched) }
            if case .began = poll { Issue.record("the stored offset is where it begins") }
            if case .finished = poll { return true }
            return false
        }
        #expect(read == 2)
        next.close()
    }

    @Test(arguments: ["classic", "consumer"])
    func `who is told where to begin reads from there, and is told where a beginning is before its first record`(
        name: String
    ) throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 3, count: 5)
        let client = try cluster.client(
            ("group.protocol", name), ("enable.auto.commit", "false"), ("auto.offset.reset", "latest"))
        defer { client.close() }
        let partitions = (0..<3 as Range<Int32>).map { TopicPartition(topic: "t", partition: $0) }
        _ = try AdminClient(client).deleteRecords([(topic: "t", partition: 1, offset: 2)])
        let consumer = try GroupConsumer(client, topics: .named(["t"]), isToldWhereToBegin: true)
        var (began, offsets): ([TopicPartition: Int64], [TopicPartition: [Int64]]) = ([:], [:])
        try poll(consumer) { poll in
            switch poll {
            case .assigned: consumer.begin(at: [partitions[0]: 3], atBeginning: [partitions[1]])
            case .began(let offsets): began.merge(offsets) { _, new in new }
            case .records(let fetched):
                #expect(fetched.partition == 0 || began[fetched.topicPartition] == fetched.startOffset)
                try fetched.forEachRecord { record in
                    offsets[fetched.topicPartition, default: []].append(record.offset)
                    return true
                }
            default: break
            }
            return offsets[partitions[0]]?.count == 2 && offsets[partitions[1]]?.count == 3
        }
        #expect(began == [partitions[1]: 2])
        #expect(offsets == [partitions[0]: [3, 4], partitions[1]: [2, 3, 4]], "and nothing of the third")
        consumer.close()
    }

    @Test(arguments: [("group.protocol", "classic"), ("group.protocol", "consumer")])
    func `what is to be let go of is not begun any more`(property: (name: String, value: String)) throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 4, count: 3)
        let one = try cluster.client(property, ("enable.auto.commit", "false"), ("client.id", "one"))
        let two = try cluster.client(property, ("enable.auto.commit", "false"), ("client.id", "two"))
        defer {
            one.close()
            two.close()
        }
        let all = (0..<4 as Range<Int32>).map { TopicPartition(topic: "t", partition: $0) }
        let first = try GroupConsumer(one, topics: .named(["t"]), isToldWhereToBegin: true)
        try poll(first) { if case .assigned(let partitions) = $0 { partitions.count == 4 } else { false } }
        let second = try GroupConsumer(two, topics: .named(["t"]))
        var (has, read, quiet) = (Set(all), 0, 0)
        for _ in 0..<3000 where quiet < 30 {
            switch try first.poll(timeoutMs: 10) {
            case .assigned(let partitions):
                has.formUnion(partitions)
                first.begin(at: Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
            case .revoking(let partitions), .lost(let partitions):
                has.subtract(partitions)
                // Slow: it had been told of all of them.
                first.begin(at: Dictionary(uniqueKeysWithValues: all.map { ($0, 0) }))
            case .records(let fetched):
                #expect(has.contains(fetched.topicPartition), "\(fetched.topicPartition) is another's")
                read += try count(fetched)
            case .timeout: if has.count == 2 && read == 6 { quiet += 1 }
            default: break
            }
            _ = try second.poll(timeoutMs: 10)
        }
        #expect(read == 6 && quiet == 30)
        first.close()
        second.close()
    }

    @Test(arguments: ["classic", "consumer"])
    func `who reads to the end is not done before all that it has was begun`(name: String) throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 2, count: 5)
        let client = try cluster.client(("group.protocol", name), ("enable.auto.commit", "false"))
        defer { client.close() }
        let partitions = (0..<2 as Range<Int32>).map { TopicPartition(topic: "t", partition: $0) }
        let consumer = try GroupConsumer(
            client, topics: .named(["t"]), stopsAtEnd: true, isToldWhereToBegin: true)
        var (read, quiet) = (0, 0)
        try poll(consumer) { poll in
            switch poll {
            case .assigned: consumer.begin(at: [partitions[0]: 0])
            case .records(let fetched): read += try count(fetched)
            case .finished: Issue.record("half of it is not begun")
            case .timeout: if read == 5 { quiet += 1 }
            default: break
            }
            return quiet == 5
        }
        consumer.begin(at: [partitions[1]: 1])
        try poll(consumer) { poll in
            if case .records(let fetched) = poll { read += try count(fetched) }
            if case .finished = poll { return true }
            return false
        }
        #expect(read == 9)
        consumer.close()
    }

    @Test func `who reads to the end waits until nobody who is dead can hold on to partitions`() throws {
        let cluster = try Cluster([
            "group.consumer.session.timeout.ms": "5000", "group.consumer.min.session.timeout.ms": "5000",
        ])
        try cluster.fill("t", partitions: 2, count: 5)
        let dying = try cluster.client(("group.protocol", "consumer"), ("enable.auto.commit", "false"))
        let first = try GroupConsumer(dying, topics: .named(["t"]))
        try poll(first) { if case .records = $0 { true } else { false } }
        // Without a goodbye.
        dying.close()
        let client = try cluster.client(("group.protocol", "consumer"))
        defer { client.close() }
        let second = try GroupConsumer(client, topics: .named(["t"]), stopsAtEnd: true)
        var read = 0
        try poll(second) { poll in
            if case .records(let fetched) = poll { read += try count(fetched) }
            if case .finished = poll { return true }
            return false
        }
        #expect(read == 10)
        second.close()
    }

    @Test(arguments: ["classic", "consumer"])
    func `a member that reads to the end and has nothing to read is done when that lasts`(name: String) throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 1, count: 3)
        let one = try cluster.client(("group.protocol", name))
        let two = try cluster.client(("group.protocol", name))
        defer {
            one.close()
            two.close()
        }
        let first = try GroupConsumer(one, topics: .named(["t"]))
        try poll(first) { if case .records = $0 { true } else { false } }
        let second = try GroupConsumer(two, topics: .named(["t"]), stopsAtEnd: true)
        var isDone = false
        for _ in 0..<3000 where !isDone {
            _ = try first.poll(timeoutMs: 5)
            if case .finished = try second.poll(timeoutMs: 5) { isDone = true }
        }
        #expect(isDone)
        first.close()
        second.close()
    }

    // A broker answers a connection's requests in their order.
    @Test func `a commit does not wait behind the member's JoinGroup, which waits for another`() throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 2, count: 5)
        let strategy = ("partition.assignment.strategy", "cooperative-sticky")
        let one = try cluster.client(strategy, ("enable.auto.commit", "false"))
        let dying = try cluster.client(strategy, ("session.timeout.ms", "60000"))
        let other = try cluster.client(strategy)
        defer {
            one.close()
            other.close()
        }
        let first = try GroupConsumer(one, topics: .named(["t"]))
        try poll(first) { if case .records = $0 { true } else { false } }
        var (kept, got) = (Set((0..<2).map { TopicPartition(topic: "t", partition: $0) }), Set<TopicPartition>())
        do {
            let second = try GroupConsumer(dying, topics: .named(["t"]))
            for _ in 0..<2000 where !(kept.count == 1 && got.count == 1) {
                switch try first.poll(timeoutMs: 10) {
                case .assigned(let partitions): kept.formUnion(partitions)
                case .revoking(let partitions), .lost(let partitions): kept.subtract(partitions)
                default: break
                }
                if case .assigned(let partitions) = try second.poll(timeoutMs: 10) { got.formUnion(partitions) }
            }
            #expect(kept.count == 1 && got.count == 1)
            // Without a goodbye: the others wait until its session ends.
            dying.close()
        }
        let third = try GroupConsumer(other, topics: .named(["t"]))
        let admin = AdminClient(one)
        var state = ""
        for _ in 0..<2000 where state != "PreparingRebalance" {
            _ = try third.poll(timeoutMs: 5)
            state = try admin.describeGroup("g").state
        }
        #expect(state == "PreparingRebalance")
        // The member's own JoinGroup is on its way after the next of its heartbeats, every 20 ms.
        for offset in 1...50 as ClosedRange<Int64> {
            if case .revoking = try first.poll(timeoutMs: 10) { Issue.record("it goes on while it waits") }
            try first.commit([kept.sorted()[0]: GroupOffset(offset % 5)], timeoutMs: 10_000)
        }
        #expect(try admin.describeGroup("g").state == "PreparingRebalance", "it has waited all the time")
    }

    @Test(arguments: ["classic", "consumer"])
    func `a commit that is on its way when the consumer is closed is stored before the member leaves`(
        name: String
    ) throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 1, count: 3)
        let client = try cluster.client(("group.protocol", name), ("enable.auto.commit", "false"))
        defer { client.close() }
        let partition = TopicPartition(topic: "t", partition: 0)
        // Who is told where to begin has not asked for offsets: it connects for the commit, and is connected to leave.
        let consumer = try GroupConsumer(client, topics: .named(["t"]), isToldWhereToBegin: true)
        try poll(consumer) { if case .assigned([partition]) = $0 { true } else { false } }
        let told = Monitor<[ClientError?]>([])
        consumer.commitSoon([partition: GroupOffset(2)]) { error in told.update { $0.append(error) } }
        consumer.close()
        let outcomes = told.wait(timeoutMs: 30_000) { $0.isEmpty ? nil : $0 } ?? []
        #expect(outcomes.count == 1 && outcomes.allSatisfy { $0 == nil })
        let admin = AdminClient(client)
        #expect(try admin.groupOffsets("g")[partition]?.offset == 2)
        #expect(try admin.describeGroup("g").members.isEmpty, "it has left")
    }

    @Test func `who leaves does not wait for ever for a commit that nobody answers`() throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 1, count: 3)
        let client = try cluster.client(("enable.auto.commit", "false"))
        defer { client.close() }
        let partition = TopicPartition(topic: "t", partition: 0)
        let consumer = try GroupConsumer(client, topics: .named(["t"]), isToldWhereToBegin: true)
        try poll(consumer) { if case .assigned([partition]) = $0 { true } else { false } }
        cluster.broker.stop()
        let told = Monitor<[ClientError?]>([])
        consumer.commitSoon([partition: GroupOffset(2)]) { error in told.update { $0.append(error) } }
        consumer.close()
        let outcomes = told.wait(timeoutMs: 30_000) { $0.isEmpty ? nil : $0 } ?? []
        #expect(outcomes.compactMap { $0 }.count == 1, "and whoever waits for it is told")
    }

    @Test(arguments: ["classic", "consumer"])
    func `who reads to the end is told when a transaction holds the group's offsets`(group: String) throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 1, count: 3)
        let writer = try cluster.client(("transactional.id", "x"))
        defer { writer.close() }
        let producer = Producer(writer) { _ in }
        try producer.initTransactions()
        try producer.beginTransaction()
        try producer.sendOffsets([TopicPartition(topic: "t", partition: 0): 2], group: "g")
        let client = try cluster.client(("group.protocol", group), ("default.api.timeout.ms", "200"))
        defer { client.close() }
        let held = try GroupConsumer(client, topics: .named(["t"]), stopsAtEnd: true)
        let error = #expect(throws: ClientError.self) {
            try poll(held) { poll in
                if case .records = poll { Issue.record("read what a transaction may have handled") }
                if case .finished = poll { return true }
                return false
            }
        }
        #expect(error?.errorCode == .unstableOffsetCommit, "\(String(describing: error))")
        held.close()
        try producer.abortTransaction()
    }

    @Test func `a topic that was deleted under its reader is what the reader is told of`() throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 1, count: 3)
        let client = try cluster.client()
        defer { client.close() }
        let consumer = try GroupConsumer(client, topics: .named(["t"]))
        defer { consumer.close() }
        try poll(consumer) { if case .records = $0 { true } else { false } }
        _ = try AdminClient(client).deleteTopics(["t"])
        var reasons: [ErrorCode] = []
        try poll(consumer) { poll in
            if case .waits(_, let code) = poll { reasons.append(code) }
            return !reasons.isEmpty
        }
        #expect(reasons == [.unknownTopicOrPartition])
        let text = ConsumeAssignment.waits(TopicPartition(topic: "t", partition: 0), .unknownTopicOrPartition)
        #expect(text == "t-0 is not there any more; it is read when there is a topic t with it again")
    }

    @Test func `members of both protocols read one group`() throws {
        let cluster = try Cluster()
        try cluster.fill("t", partitions: 4, count: 3)
        let one = try cluster.client(("group.protocol", "classic"), ("client.id", "one"))
        let two = try cluster.client(
            ("group.protocol", "consumer"), ("group.remote.assignor", "range"), ("client.id", "two"))
        defer {
            one.close()
            two.close()
        }
        let consumers = [
            try GroupConsumer(one, topics: .named(["t"])), try GroupConsumer(two, topics: .named(["t"])),
        ]
        var has: [Set<TopicPartition>] = [[], []]
        for _ in 0..<3000 where !has.allSatisfy({ $0.count == 2 }) {
            for (index, consumer) in consumers.enumerated() {
                switch try consumer.poll(timeoutMs: 5) {
                case .assigned(let partitions): has[index].formUnion(partitions)
                case .revoking(let partitions), .lost(let partitions): has[index].subtract(partitions)
                default: break
                }
            }
        }
        #expect(has[0].count == 2 && has[0].union(has[1]).count == 4)
        let admin = AdminClient(one)
        var described = try admin.describeGroup("g")
        // Its coordinator knows with the next heartbeats that each has what it is to have.
        try eventually("the group is stable") {
            for consumer in consumers { _ = try consumer.poll(timeoutMs: 5) }
            described = try admin.describeGroup("g")
            return described.state == "Stable"
        }
        #expect(described.type == "consumer" && described.assignor == "range")
        #expect(described.members.map(\.partitions.count) == [2, 2])
        #expect(try admin.listGroups(types: ["consumer"]).map(\.name) == ["g"])
        #expect(try admin.listGroups(types: ["classic"]).isEmpty)
        for consumer in consumers { consumer.close() }
        #expect(try admin.describeGroup("g").members.isEmpty)
    }
}
