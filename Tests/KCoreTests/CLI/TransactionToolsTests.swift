@testable import KCore
import Glibc
import Testing

/// Transactions with our own producer and tools, against a broker of this process.
@Suite struct TransactionToolsTests {
    typealias Cluster = ToolsEndToEndTests.Cluster

    private func client(_ cluster: Cluster, _ properties: [(name: String, value: String)] = []) throws -> KafkaClient {
        try KafkaClient(try ClientConfig([("bootstrap.servers", cluster.server)] + properties))
    }

    private func send(_ producer: Producer, _ topic: ProducerTopic, _ values: [String]) throws {
        for value in values {
            try Bytes(value).withUnsafeBytes { bytes throws(ClientError) in
                _ = try producer.send(to: topic, key: nil, value: bytes)
            }
        }
    }

    /// The lines of a topic, once they are as expected: a commit is answered when it is decided, and readers see it when
    /// its markers are written, a moment later.
    private func lines(_ cluster: Cluster, _ topic: String, awaiting expected: [String]) -> [String] {
        var found: [String] = []
        expectEventually("the lines of \(topic)") {
            found = cluster.read(topic).split(separator: "\n").map(String.init).sorted()
            return found == expected
        }
        return found
    }

    @Test func `what is committed is seen, what is aborted only by who asks for all`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "3").status == .done)
        let client = try client(cluster, [("transactional.id", "mine")])
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        let topic = try producer.topic("t")
        var expected: [String] = []
        for round in 0..<6 {
            try producer.beginTransaction()
            let values = (0..<20).map { "round \(round) record \($0)" }
            try send(producer, topic, values)
            if round % 3 == 1 {
                try producer.abortTransaction()
            } else {
                try producer.commitTransaction()
                expected += values
            }
        }
        // Neither needs anything in it.
        try producer.beginTransaction()
        try producer.commitTransaction()
        try producer.beginTransaction()
        try producer.abortTransaction()
        try producer.close()
        #expect(lines(cluster, "t", awaiting: expected.sorted()) == expected.sorted())
    }

    @Test func `a producer that was taken over can neither commit nor go on`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let (first, second) = (
            try client(cluster, [("transactional.id", "x")]), try client(cluster, [("transactional.id", "x")])
        )
        defer {
            first.close()
            second.close()
        }
        let zombie = Producer(first) { _ in }
        try zombie.initTransactions()
        let topic = try zombie.topic("t")
        try zombie.beginTransaction()
        try send(zombie, topic, ["zombie"])
        try zombie.flush()
        let successor = Producer(second) { _ in }
        try successor.initTransactions()
        try successor.beginTransaction()
        try send(successor, try successor.topic("t"), ["successor"])
        try successor.commitTransaction()
        #expect(throws: ClientError.self) { try zombie.commitTransaction() }
        #expect(lines(cluster, "t", awaiting: ["successor"]) == ["successor"])
    }

    @Test func `what is sent outside of a transaction fails, and order is demanded`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let plain = try client(cluster)
        defer { plain.close() }
        #expect(throws: ClientError.self) { try Producer(plain) { _ in }.initTransactions() }
        let client = try client(cluster, [("transactional.id", "x")])
        defer { client.close() }
        let producer = Producer(client) { _ in }
        #expect(throws: ClientError.self) { try producer.beginTransaction() }
        try producer.initTransactions()
        #expect(throws: ClientError.self) { try producer.commitTransaction() }
        let topic = try producer.topic("t")
        try send(producer, topic, ["outside"])
        try producer.flush()
        try producer.beginTransaction()
        #expect(throws: ClientError.self) { try producer.beginTransaction() }
        try send(producer, topic, ["inside"])
        try producer.commitTransaction()
        #expect(lines(cluster, "t", awaiting: ["inside"]) == ["inside"])
    }

    @Test(arguments: ["1", "7", "1ms", nil])
    func `kproduce sends in transactions that are as long as was asked for`(every: String?) throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let input = (1...40).map { "line \($0)" }.joined(separator: "\n") + "\n"
        let words = ["-t", "t", "--transactional-id", "import"] + (every.map { ["--commit-every", $0] } ?? [])
        let test = TestConsole(
            tool: "kproduce", input: input, environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
        #expect(Command.kproduce.run(words, test.console) == .done, "\(test.errors.text)")
        let sent = (1...40).map { "line \($0)" }.sorted()
        #expect(lines(cluster, "t", awaiting: sent) == sent)
        #expect(cluster.read("t") == input)
        // A marker ends each transaction.
        let partition = cluster.broker.partitions.table.value.find("t")?.partition(0)
        let end = try #require(partition).log.logEndOffset
        switch every {
        case "1": #expect(end == 80)
        case "7": #expect(end == 46)
        case nil: #expect(end == 41)
        default: #expect(end > 40)
        }
    }

    @Test func `a transaction timeout that the broker does not take is named`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let words = ["-t", "t", "--transactional-id", "x", "-X", "transaction.timeout.ms=99999999"]
        let test = TestConsole(
            tool: "kproduce", input: "a\n", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
        #expect(Command.kproduce.run(words, test.console) == .failed)
        #expect(
            test.errors.text.contains(
                "INVALID_TRANSACTION_TIMEOUT: transaction.timeout.ms=99999999 is above the broker's "
                    + "transaction.max.timeout.ms; lower it"), "\(test.errors.text)")
    }

    @Test func `who has no input or no topic takes over from nobody`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let client = try client(cluster, [("transactional.id", "import")])
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        try producer.beginTransaction()
        try send(producer, try producer.topic("t"), ["at work"])
        try producer.flush()
        for words in [["-t", "t", "/nowhere/a.txt"], ["-t", "t", "-", "/"], ["-t", "mistyped"]] {
            let test = TestConsole(
                tool: "kproduce", input: "x\n", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            let options = ["--transactional-id", "import", "-X", "allow.auto.create.topics=false"]
            #expect(Command.kproduce.run(options + words, test.console) == .failed)
            #expect(test.errors.text.split(separator: "\n").count == 1, "\(test.errors.text)")
            // A topic that is not there is not asked for until max.block.ms is over.
            if words.last == "mistyped" {
                #expect(test.errors.text.contains("there is no topic mistyped; create it"), "\(test.errors.text)")
            }
        }
        try producer.commitTransaction()
        #expect(lines(cluster, "t", awaiting: ["at work"]) == ["at work"])
    }

    @Test func `records of a transaction that is aborted are named and count as failed`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let partition = try #require(cluster.broker.partitions.table.value.find("t")?.partition(0))
        var descriptors: [Int32] = [0, 0]
        let made = pipe(&descriptors)
        try #require(made == 0)
        let test = TestConsole(tool: "kproduce", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
        var console = test.console
        console.input = descriptors[0]
        let (input, end) = (descriptors[1], descriptors[0])
        let server = cluster.server
        let writer = Thread(name: "writer") {
            Console.write("one\ntwo\nthree\n", to: input)
            // Two of them are committed, and the third is in a transaction of its own.
            expectEventually("three records and a marker") { partition.log.logEndOffset >= 4 }
            let admin = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": server])
            #expect(Command.kadmin.run(["txn", "abort", "mine", "-y"], admin.console) == .done)
            Console.write("four\n", to: input)
            close(input)
        }
        let status = Command.kproduce.run(["-t", "t", "--transactional-id", "mine", "--commit-every", "2"], console)
        writer.join()
        close(end)
        #expect(status == .failed)
        let errors = test.errors.text.split(separator: "\n").map(String.init)
        #expect(errors.contains("kproduce: record 3 not delivered: the transaction was aborted"), "\(errors)")
        // The reason that is mostly the right one is named first.
        let reason = "INVALID_PRODUCER_EPOCH: the transaction was open for longer than transaction.timeout.ms=60000, "
        let named = "kproduce: record 4 for t, partition 0 not delivered: cannot produce to t-0: " + reason
        #expect(errors.contains { $0.hasPrefix(named) }, "\(errors)")
        let summary = errors.first { $0.contains("records/s") } ?? ""
        #expect(summary.hasPrefix("kproduce: 2 records committed, 2 aborted, "), "\(errors)")
        #expect(summary.hasSuffix(", 2 failed"))
        #expect(cluster.read("t") == "one\ntwo\n")
    }

    /// What stands where the second of three records should be: no envelope, one for no partition, one that is too large,
    /// one for a topic that there cannot be, and one for none.
    private static let missing = [
        "not an envelope", #"{"topic":"t","partition":9,"value":"b"}"#,
        #"{"topic":"t","value":"\#(String(repeating: "x", count: 2 << 20))"}"#,
        #"{"topic":"no such topic","value":"b"}"#, #"{"value":"b"}"#,
    ]

    @Test(arguments: missing.indices, [nil, "2"])
    func `a transaction with a line that cannot be sent is aborted`(index: Int, every: String?) throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let envelopes = ["a", "c"].map { #"{"topic":"t","value":"\#($0)"}"# }
        let input = [envelopes[0], Self.missing[index], envelopes[1]].map { $0 + "\n" }.joined()
        let test = TestConsole(
            tool: "kproduce", input: input, environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
        let words =
            ["--json", "--transactional-id", "x"]
            + (every.map { ["--commit-every", $0] } ?? [])
        #expect(Command.kproduce.run(words, test.console) == .failed)
        let errors = test.errors.text
        #expect(errors.contains("kproduce: record 2 "), "\(errors)")
        #expect(errors.contains("kproduce: 0 records committed, 1 aborted, "), "\(errors)")
        #expect(errors.contains(", 2 failed\n"), "\(errors)")
        #expect(
            errors.hasSuffix(
                "kproduce: the transaction can only be aborted: record 2 cannot be sent; what comes behind it was not\n"
            ),
            "\(errors)")
        // What was aborted is behind a marker, and nothing else came.
        let partition = try #require(cluster.broker.partitions.table.value.find("t")?.partition(0))
        #expect(cluster.read("t") == "")
        #expect(partition.log.logEndOffset <= 2)
    }

    @Test func `of several files that are a record each, all are committed or none, and with an interval each`() throws
    {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let files = ["small", "huge", "other"].map { cluster.directory + "/" + $0 }
        for (file, text) in zip(files, ["small", String(repeating: "x", count: 3 << 20), "other"]) {
            try SystemDisk().replaceFile(file, with: Bytes(text), durable: false)
        }
        func produce(_ words: String...) -> (status: KCore.ExitStatus, errors: String) {
            let test = TestConsole(tool: "kproduce", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            let status = Command.kproduce.run(["-t", "t", "-D", "", "--transactional-id", "w"] + words, test.console)
            return (status, test.errors.text)
        }
        let whole = produce(files[0], files[1], files[2])
        #expect(whole.status == .failed && whole.errors.contains("record 2 for t not delivered: "), "\(whole.errors)")
        #expect(whole.errors.contains("0 records committed, 1 aborted, "), "\(whole.errors)")
        #expect(cluster.read("t") == "")
        let each = produce("--commit-every", "1", files[0], files[1], files[2])
        #expect(each.status == .failed && each.errors.contains("1 record committed, 0 aborted, "), "\(each.errors)")
        #expect(lines(cluster, "t", awaiting: ["small"]) == ["small"])
    }

    @Test func `transactions are listed, described and aborted`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let client = try client(cluster, [("transactional.id", "open")])
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        try producer.beginTransaction()
        try send(producer, try producer.topic("t"), ["open"])
        try producer.flush()
        func olderThanNow(_ words: String...) -> String {
            let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            _ = Command.kadmin.run(["txn", "list", "--older-than", "0s", "--format", "awk"] + words, test.console)
            return test.output.text
        }
        expectEventually("a transaction older than now") { olderThanNow().hasPrefix("open\tOngoing\t") }
        let listed = cluster.run(.kadmin, "txn", "list", "--state", "ongoing")
        #expect(listed.output.contains("open") && listed.output.contains("Ongoing"), "\(listed.errors)")
        let described = cluster.run(.kadmin, "txn", "describe", "open", "nobody")
        #expect(described.output.contains("t-0"))
        #expect(described.status == .failed && described.errors.contains("TRANSACTIONAL_ID_NOT_FOUND"))
        let json = cluster.run(.kadmin, "txn", "describe", "open", "--format", "json").output
        #expect(
            json.contains(#""timeout_ms":60000,"started":"2"#)
                && json.contains(#""partitions":[{"topic":"t","partition":0}]"#), "\(json)")
        let producers = cluster.run(.kadmin, "producer", "describe", "t:0", "--format", "json").output
        for words in [["t:9", "t:0"], ["t:0", "t:9"]] {
            let some = cluster.run(.kadmin, "producer", "describe", words[0], words[1], "--format", "awk")
            #expect(some.status == .failed && some.output.hasPrefix("t-0\t"), "\(some)")
            #expect(some.errors.hasPrefix("kadmin: cannot find t-9: UNKNOWN_TOPIC_OR_PARTITION"), "\(some.errors)")
        }
        #expect(cluster.run(.kadmin, "producer", "describe", "t:9").output == "")
        #expect(cluster.run(.kadmin, "txn", "describe", "nobody").output == "")
        #expect(
            producers.contains(#"{"topic":"t","partition":0,"producer":"#) && producers.contains(#""open_from":0}"#),
            "\(producers)")
        #expect(cluster.read("t") == "")
        let planned = cluster.run(.kadmin, "txn", "abort", "nobody", "open", "--dry-run")
        #expect(planned.output == "would fence open and abort its transaction\n")
        #expect(planned.status == .failed && planned.errors.hasPrefix("kadmin: nobody: TRANSACTIONAL_ID_NOT_FOUND"))
        let aborted = cluster.run(.kadmin, "txn", "abort", "open", "-y")
        #expect(aborted.status == .done && aborted.output == "fenced open and aborted its transaction\n")
        let again = cluster.run(.kadmin, "txn", "abort", "open", "open", "-y")
        #expect(again.status == .done && again.output == "fenced open, which had no transaction open\n", "\(again)")
        #expect(throws: ClientError.self) { try producer.commitTransaction() }
        #expect(cluster.run(.kadmin, "txn", "abort", "nobody", "-y").status == .failed)
        // What is over is not open, however long ago it began.
        // The second time it was fenced it had none, which it says.
        expectEventually("the transaction's end") { !olderThanNow("--state", "Empty").isEmpty }
        #expect(olderThanNow() == "")
        #expect(cluster.run(.kadmin, "txn", "list", "--state", "Ongoing").output.contains("Ongoing") == false)
        #expect(cluster.read("t") == "")
    }

    @Test func `a transaction that hangs in a partition is ended there`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let partition = try #require(cluster.broker.partitions.table.value.find("t")?.partition(0))
        var options = BatchOptions()
        options.producerId = 77
        options.producerEpoch = 0
        options.baseSequence = 0
        options.isTransactional = true
        _ = try partition.append(Batches.make(["hangs"], options: options), requiredAcks: -1, origin: .coordinator)
        #expect(partition.lastStableOffset == 0)
        #expect(cluster.run(.kadmin, "txn", "abort", "-p", "t:0", "--start-offset", "1", "-y").status == .failed)
        let done = cluster.run(.kadmin, "txn", "abort", "-p", "t:0", "--start-offset", "0", "-y")
        #expect(done.output == "aborted the transaction of producer 77 in t-0\n", "\(done.errors)")
        #expect(partition.lastStableOffset == 2)
        #expect(cluster.read("t") == "")
    }

    @Test func `a transaction that its coordinator knows as open is not ended in one partition only`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "2").status == .done)
        let client = try client(cluster, [("transactional.id", "live")])
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        let topic = try producer.topic("t")
        try producer.beginTransaction()
        try Bytes("whole").withUnsafeBytes { bytes throws(ClientError) in
            _ = try producer.send(to: topic, partition: 0, key: nil, value: bytes)
        }
        try producer.flush()
        let hanging = ["txn", "abort", "--start-offset", "0"]
        func abort(_ words: String...) -> (status: KCore.ExitStatus, output: String, errors: String) {
            let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            let status = Command.kadmin.run(hanging + words, test.console)
            return (status, test.output.text, test.errors.text)
        }
        for option in ["-y", "--dry-run"] {
            let refused = abort("-p", "t:0", option)
            #expect(refused.status == .failed && refused.output == "")
            #expect(refused.errors.contains(" in t-0 is not over: live is Ongoing"), "\(refused.errors)")
            #expect(refused.errors.hasSuffix("kadmin txn abort live ends all of it\n"), "\(refused.errors)")
        }
        // What the same producer left in a partition that this transaction does not have does hang.
        let known = try #require(
            try AdminClient(client).describeProducers(TopicPartition(topic: "t", partition: 0)).first)
        var options = BatchOptions()
        options.producerId = known.producerId
        options.producerEpoch = Int16(known.epoch)
        options.baseSequence = 0
        options.isTransactional = true
        let other = try #require(cluster.broker.partitions.table.value.find("t")?.partition(1))
        _ = try other.append(Batches.make(["hangs"], options: options), requiredAcks: -1, origin: .coordinator)
        let done = abort("-p", "t:1", "-y")
        #expect(done.output == "aborted the transaction of producer \(known.producerId) in t-1\n", "\(done.errors)")
        #expect(other.lastStableOffset == 2)
        try producer.commitTransaction()
        #expect(lines(cluster, "t", awaiting: ["whole"]) == ["whole"])
    }

    @Test func `offsets of a group count with the transaction`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        let client = try client(cluster, [("transactional.id", "x")])
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        let place = TopicPartition(topic: "t", partition: 0)
        // The first to ask for a group makes its topic.
        var find = FindCoordinatorRequest()
        find.coordinatorKeys = ["g"]
        _ = try client.call(find)
        func committed() throws -> Int64? {
            var request = OffsetFetchRequest()
            var group = OffsetFetchRequest.OffsetFetchRequestGroup()
            group.groupId = "g"
            group.topics = nil
            request.groups = [group]
            request.requireStable = true
            let response: OffsetFetchResponse = try client.call(request)
            return response.groups.first?.topics.first?.partitions.first?.committedOffset
        }
        for (offset, commits) in [(Int64(5), true), (9, false), (12, true)] {
            try producer.beginTransaction()
            try producer.sendOffsets([place: offset], group: "g")
            if commits { try producer.commitTransaction() } else { try producer.abortTransaction() }
            let wanted: Int64 = commits ? offset : 5
            // The marker comes soon after the answer.
            try eventually("\(wanted) is committed") { try committed() == wanted }
        }
    }
}
