@testable import KCore
import Glibc
import Testing

/// `kadmin group` against a broker of this process.
@Suite struct GroupToolsTests {
    typealias Cluster = ToolsEndToEndTests.Cluster

    /// Topics `orders` and `clicks` of two partitions with five records each, and the group `billing` that has read three
    /// of each partition of `orders`.
    private func cluster() throws -> Cluster {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "orders", "clicks", "-p", "2").status == .done)
        for topic in ["orders", "clicks"] {
            for partition in ["0", "1"] {
                let done = cluster.run(.kproduce, "-t", topic, "-p", partition, "-q", input: "a\nb\nc\nd\ne\n")
                #expect(done.status == .done, "\(done.errors)")
            }
        }
        let done = cluster.run(.kadmin, "group", "seek", "billing", "-o", "3", "-t", "orders", "-y")
        #expect(done.status == .done, "\(done.errors)")
        return cluster
    }

    @Test func `a place that is not there is refused with what is there`() throws {
        let cluster = try cluster()
        func refusal(_ words: String...) -> String {
            let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            #expect(Command.kadmin.run(words, test.console) != .done)
            return test.errors.text
        }
        #expect(
            refusal("group", "seek", "billing", "-o", "1", "-t", "orders", "-p", "7", "-y").contains(
                "orders has no partition 7; it has 0-1"))
        #expect(
            refusal("group", "seek", "billing", "-o", "1", "-p", "7", "-y").contains(
                "group billing has no stored offsets in these partitions"))
        #expect(refusal("group", "seek", "nobody", "-o", "1", "-y").contains("there is no group nobody"))
        for text in ["foo", "5:10"] {
            #expect(
                refusal("group", "seek", "billing", "-o", text).contains(
                    "-o \(text): not beginning, end, N, -N or @TIME\n"))
        }
        #expect(
            refusal("topic", "trim", "orders", "--before", "2", "-p", "2", "-y").contains(
                "orders has no partition 2; it has 0-1"))
        #expect(refusal("topic", "trim", "order", "--before", "2", "-y").contains("there is no topic order"))
        #expect(refusal("topic", "trim", "orders", "--before", "x", "-y").contains("--before x: not beginning, end"))
    }

    @Test func `offsets go to a file, those that were asked for, and a dry run leaves it as it is`() throws {
        let cluster = try cluster()
        let path = cluster.directory + "/offsets.csv"
        let all = cluster.run(.kadmin, "group", "seek", "billing", "--to-file", path)
        #expect(all.output == "wrote 2 offsets of group billing to \(path)\n", "\(all.errors)")
        #expect(try FileText.read(path) == "orders,0,3\norders,1,3\n")
        let shown = cluster.run(.kadmin, "group", "seek", "billing", "--to-file", "-")
        #expect(shown.status == .done && shown.output == "orders,0,3\norders,1,3\n", "\(shown.errors)")
        let nobody = cluster.run(.kadmin, "group", "seek", "nobody", "--to-file", path)
        #expect(nobody.status == .failed && nobody.errors == "kadmin: there is no group nobody\n")
        #expect(chmod(path, 0o600) == 0)
        let one = cluster.run(.kadmin, "group", "seek", "billing", "--to-file", path, "-t", "orders", "-p", "1")
        #expect(one.status == .done, "\(one.errors)")
        #expect(try FileText.read(path) == "orders,1,3\n")
        var status = stat()
        let found = stat(path, &status)
        #expect(found == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(
            cluster.run(.kadmin, "group", "seek", "billing", "--to-file", path, "--dry-run").output
                == "would write 2 offsets of group billing to \(path)\n")
        for words in [["-t", "clicks"], ["-p", "5"]] {
            let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            let command = ["group", "seek", "billing", "--to-file", path] + words
            #expect(Command.kadmin.run(command, test.console) == .failed)
            #expect(test.errors.text.contains("no stored offsets"))
        }
        #expect(try FileText.read(path) == "orders,1,3\n")
        // Neither a file that cannot be written nor what is left of one that was.
        let nowhere = cluster.run(.kadmin, "group", "seek", "billing", "--to-file", "/proc/offsets.csv")
        #expect(nowhere.status == .failed && nowhere.errors.contains("cannot write /proc/offsets.csv"))
        #expect(
            try SystemDisk().list(cluster.directory).map(\.name).filter { $0.hasPrefix("offsets") } == ["offsets.csv"])
    }

    @Test func `a group goes to the first record that is not older than a time, in each partition`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "times", "-p", "2", "-c", "retention.ms=-1").status == .done)
        // 2025-11-21 09:32:00, and a second more with each record; of the other partition two close together.
        let start: Int64 = 1_763_717_520_000
        func line(_ partition: Int, _ ms: Int64) -> String {
            #"{"partition":\#(partition),"timestamp":\#(start + ms),"value":"v"}"# + "\n"
        }
        for lines in [
            [line(0, 0), line(0, 1000), line(0, 2000), line(1, 2600)], [line(0, 3000), line(0, 4000), line(1, 2700)],
        ] {
            let done = cluster.run(.kproduce, "--json", "-t", "times", "-q", input: lines.joined())
            #expect(done.status == .done, "\(done.errors)")
        }
        let places: [(time: String, first: Int, second: Int)] = [
            ("@\(start - 1)", 0, 0), ("@\(start + 999)", 1, 0), ("@\(start + 1000)", 1, 0),
            ("@2025-11-21T09:32:02Z", 2, 0), ("@\(start + 2500)", 3, 0), ("@\(start + 2601)", 3, 1),
            ("@\(start + 3000)", 3, 2), ("@\(start + 3001)", 4, 2), ("@\(start + 4001)", 5, 2),
        ]
        for (time, first, second) in places {
            let done = cluster.run(.kadmin, "group", "seek", "late", "-o", time, "-t", "times", "-y")
            #expect(done.status == .done, "\(done.errors)")
            let stored = cluster.run(.kadmin, "group", "seek", "late", "--to-file", "-").output
            #expect(stored == "times,0,\(first)\ntimes,1,\(second)\n", "\(time)")
        }
    }

    // Jackson's CSV writer, which Kafka uses, quotes what is longer than 24 characters without looking at it.
    @Test func `offsets that Kafka's tool exported are read, quotes and all`() throws {
        let cluster = try cluster()
        let topic = "my-team.billing.orders.v1.events"
        #expect(cluster.run(.kadmin, "topic", "create", topic, "-p", "1").status == .done)
        let path = cluster.directory + "/offsets.csv"
        try FileText.replace(path, with: "\"\(topic)\",0,0\r\n\n\"orders\",1,4\norders,0,2\n")
        let read = try GroupOffsetFile.read(path)
        #expect(
            read == [
                TopicPartition(topic: topic, partition: 0): 0, TopicPartition(topic: "orders", partition: 0): 2,
                TopicPartition(topic: "orders", partition: 1): 4,
            ])
        let done = cluster.run(.kadmin, "group", "seek", "billing", "--from-file", path, "-y")
        #expect(done.output.hasSuffix("set 3 offsets of group billing\n"), "\(done.errors)")
        try FileText.replace(path, with: "orders,1,4\norders,0,2\norders,1,4\n")
        #expect(try GroupOffsetFile.read(path).count == 2)
        try FileText.replace(path, with: "orders,1,4\norders,1,5\n")
        #expect(throws: ToolError("\(path), line 2: another line has another offset for orders-1")) {
            try GroupOffsetFile.read(path)
        }
        try FileText.replace(path, with: "billing,orders,1,4\n")
        #expect(throws: ToolError.self) { try GroupOffsetFile.read(path) }
        let refused = cluster.run(.kadmin, "group", "seek", "billing", "--from-file", path)
        #expect(refused.errors.contains("line 1: the file is of several groups"))
    }

    @Test func `groups whose coordinator cannot be loaded are missed, not left out in silence`() throws {
        let cluster = try cluster()
        let done = cluster.run(.kadmin, "group", "seek", "shipping", "-o", "1", "-t", "orders", "-y")
        #expect(done.status == .done, "\(done.errors)")
        let partition = CoordinatorTopic.partition(of: "billing", count: 50)
        try #require(CoordinatorTopic.partition(of: "shipping", count: 50) != partition)
        cluster.broker.stop()
        let path = "\(cluster.directory)/__consumer_offsets-\(partition)/00000000000000000000.log"
        let bytes = try #require(try SystemDisk().readFile(path))
        bytes.withUnsafeMutableBytes { $0[100] ^= 0xff }
        try SystemDisk().replaceFile(path, with: bytes, durable: false)
        let broker = try Broker.start(
            properties: ["log.dirs": cluster.directory, "listeners": "PLAINTEXT://127.0.0.1:0"], logger: .silent)
        defer { broker.stop() }
        let server = broker.addresses.map { "\($0)" }.joined(separator: ",")
        let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": server])
        #expect(Command.kadmin.run(["group", "list", "--format", "awk"], test.console) == .failed)
        #expect(test.output.text == "shipping\tEmpty\tclassic\t\n")
        #expect(
            test.errors.text
                == "kadmin: cannot list all groups of broker \(broker.nodeId): COORDINATOR_NOT_AVAILABLE: "
                + "the coordinator is not available; the broker's log says why\n")
    }

    @Test func `the lag of a topic is that of its partitions and no others`() throws {
        let cluster = try cluster()
        #expect(
            cluster.run(.kadmin, "group", "seek", "billing", "-o", "1", "-t", "clicks", "-p", "0", "-y").status == .done
        )
        func rows(_ words: String...) -> (status: KCore.ExitStatus, rows: [String], errors: String) {
            let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            let status = Command.kadmin.run(["group", "lag", "--format", "awk"] + words, test.console)
            return (status, test.output.text.split(separator: "\n").map(String.init), test.errors.text)
        }
        let (orders, clicks) = (
            ["billing\torders\t0\t3\t0\t5\t2", "billing\torders\t1\t3\t0\t5\t2"], "billing\tclicks\t0\t1\t0\t5\t4"
        )
        #expect(rows("billing").rows == [clicks] + orders)
        #expect(rows("billing", "-t", "orders").rows == orders)
        #expect(rows("billing", "-t", "clicks").rows == [clicks, "billing\tclicks\t1\t\t0\t5\t"])
        let mistyped = rows("billing", "-t", "nosuch", "-t", "orders")
        #expect(mistyped.status == .failed && mistyped.rows == orders)
        #expect(mistyped.errors.contains("there is no topic nosuch"))
        let nobody = rows("nobody", "-t", "orders")
        #expect(nobody.status == .failed && nobody.rows.isEmpty && nobody.errors.contains("there is no group nobody"))
    }

    @Test(arguments: ["classic", "consumer"])
    func `the lag of a group that has not stored anything yet has what its members read`(type: String) throws {
        let cluster = try cluster()
        let client = try KafkaClient(
            ClientConfig([
                ("bootstrap.servers", cluster.server), ("group.id", "billing"), ("group.protocol", type),
                ("enable.auto.commit", "false"), ("auto.offset.reset", "earliest"),
            ]))
        defer { client.close() }
        let consumer = try GroupConsumer(client, topics: .named(["orders", "clicks"]))
        defer { consumer.close() }
        var has: Set<TopicPartition> = []
        for _ in 0..<600 where has.count < 4 {
            if case .assigned(let partitions) = try consumer.poll(timeoutMs: 100) { has.formUnion(partitions) }
        }
        let lag = cluster.run(.kadmin, "group", "lag", "billing", "--format", "awk")
        #expect(lag.status == .done, "\(lag.errors)")
        #expect(
            lag.output
                == (0..<2).map { "billing\tclicks\t\($0)\t\t0\t5\t\n" }.joined()
                + (0..<2).map { "billing\torders\t\($0)\t3\t0\t5\t2\n" }.joined())
        let text = cluster.run(.kadmin, "group", "lag", "billing")
        #expect(text.output.hasPrefix("billing, lag 4, not known of 2 of 4 partitions\n"), "\(text.output)")
        let orders = cluster.run(.kadmin, "group", "lag", "billing", "-t", "orders")
        #expect(orders.output.hasPrefix("billing, lag 4\n"), "\(orders.output)")
        consumer.close()
        let left = cluster.run(.kadmin, "group", "lag", "billing", "--format", "awk")
        #expect(left.output == (0..<2).map { "billing\torders\t\($0)\t3\t0\t5\t2\n" }.joined())
    }

    @Test func `a group that reads nothing and has stored nothing is no failure`() throws {
        let cluster = try Cluster()
        let client = try KafkaClient(
            ClientConfig([("bootstrap.servers", cluster.server), ("group.id", "idle")]))
        defer { client.close() }
        let consumer = try GroupConsumer(client, topics: .named(["not there"]))
        defer { consumer.close() }
        expectEventually("a member") {
            _ = try consumer.poll(timeoutMs: 10)
            return try AdminClient(client).describeGroup("idle").members.count == 1
        }
        let idle = cluster.run(.kadmin, "group", "lag", "idle", "--format", "json")
        #expect(idle.status == .done && idle.output == "[]\n", "\(idle)")
        #expect(idle.errors == "kadmin: group idle has no stored offsets, and reads nothing\n")
    }

    @Test func `what cannot be deleted of a group's offsets is said before and after`() throws {
        let cluster = try cluster()
        let gone = cluster.run(.kadmin, "group", "delete-offsets", "nobody", "-t", "orders", "-y")
        #expect(gone.status == .failed && gone.errors == "kadmin: there is no group nobody\n")
        let other = cluster.run(.kadmin, "group", "delete-offsets", "billing", "-t", "clicks", "-t", "orders", "-y")
        #expect(other.status == .failed && other.output == "deleted 2 offsets of group billing\n")
        #expect(other.errors == "kadmin: group billing has no stored offsets of clicks\n")
    }

    @Test func `who changes offsets is told of a transaction that is to store some of them`() throws {
        let cluster = try cluster()
        let client = try KafkaClient(
            ClientConfig([("bootstrap.servers", cluster.server), ("transactional.id", "x")]))
        defer { client.close() }
        let producer = Producer(client) { _ in }
        try producer.initTransactions()
        try producer.beginTransaction()
        try producer.sendOffsets([TopicPartition(topic: "orders", partition: 1): 4], group: "billing")
        let warning =
            "kadmin: warning: a transaction that has not ended is to store the offset of group billing in orders-1; "
            + "kadmin txn list --state Ongoing shows it\n"
        for words in [
            ["seek", "billing", "-o", "1"], ["delete-offsets", "billing", "-t", "orders"], ["delete", "billing"],
        ] {
            func told(_ more: String...) -> String {
                let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
                #expect(Command.kadmin.run(["group"] + words + ["--dry-run"] + more, test.console) == .done)
                return test.errors.text
            }
            #expect(told() == warning, "\(words)")
            #expect(told("-q").isEmpty, "\(words)")
        }
        #expect(
            cluster.run(.kadmin, "group", "seek", "billing", "-o", "1", "-t", "orders", "-p", "0", "--dry-run").errors
                .isEmpty, "the other partition is nobody's")
        try producer.abortTransaction()
        expectEventually("no word of a transaction that has ended") {
            cluster.run(.kadmin, "group", "delete", "billing", "--dry-run").errors.isEmpty
        }
    }

    @Test(arguments: ["classic", "consumer"])
    func `of a static member that has stopped it is said that it counts still`(type: String) throws {
        let cluster = try cluster()
        func join(_ properties: (name: String, value: String)...) throws -> (KafkaClient, GroupConsumer) {
            let client = try KafkaClient(
                ClientConfig(
                    [("bootstrap.servers", cluster.server), ("group.id", "billing"), ("group.protocol", type)]
                        + properties))
            let consumer = try GroupConsumer(client, topics: .named(["orders"]))
            var hasJoined = false
            for _ in 0..<600 where !hasJoined {
                if case .assigned = try consumer.poll(timeoutMs: 100) { hasJoined = true }
            }
            try #require(hasJoined)
            return (client, consumer)
        }
        let commands = [
            ["seek", "billing", "-o", "1", "-y"], ["delete-offsets", "billing", "-t", "orders", "-y"],
            ["delete", "billing", "--dry-run"], ["delete", "billing", "-y"],
        ]
        let note = "; a static one that has stopped counts until its session is over\n"
        func refusals() -> [String] {
            commands.map { words in
                let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
                #expect(Command.kadmin.run(["group"] + words, test.console) == .failed, "\(words)")
                return test.errors.text
            }
        }
        let (living, member) = try join()
        let first = refusals()
        #expect(first[0] == "kadmin: group billing has 1 member, which would go on where it is; stop it first\n")
        #expect(first.allSatisfy { !$0.contains("static") }, "\(first)")
        member.close()
        living.close()
        let (client, stopped) = try join(("group.instance.id", "left"))
        stopped.close()
        client.close()
        for text in refusals() { #expect(text.contains(note), "\(text)") }
    }

    @Test func `a partition without a stored offset, and a group that is new, are named`() throws {
        let cluster = try cluster()
        let none = cluster.run(.kadmin, "group", "delete-offsets", "billing", "-t", "orders", "-p", "9", "-y")
        #expect(none.status == .failed && none.output == "")
        #expect(
            none.errors
                == "kadmin: group billing has no stored offsets of orders in these partitions\n"
                + "kadmin: nothing was deleted\n")
        let made = cluster.run(.kadmin, "group", "seek", "biling", "-o", "beginning", "-t", "orders", "--dry-run")
        #expect(
            made.status == .done
                && made.errors == "kadmin: warning: there is no group biling; stored offsets make one\n")
        #expect(cluster.run(.kadmin, "group", "seek", "billing", "-o", "end", "--dry-run").errors == "")
    }

    @Test func `a group without members is described in every format, and found by its state in any case`() throws {
        let cluster = try cluster()
        let json = cluster.run(.kadmin, "group", "describe", "billing", "nobody", "--format", "json")
        let coordinator = cluster.broker.nodeId
        let object =
            #"{"group":"billing","state":"Empty","type":"classic","protocol":"","assignor":"","#
            + #""coordinator":\#(coordinator),"members":[]}"#
        #expect(json.output == "[\n\(object)\n]\n")
        #expect(json.status == .failed && json.errors == "kadmin: there is no group nobody\n")
        let awk = cluster.run(.kadmin, "group", "describe", "billing", "--format", "awk").output
        #expect(awk == "billing\tEmpty\t\t\t\t\t\tclassic\t\t\t\(coordinator)\n")
        let text = cluster.run(.kadmin, "group", "describe", "billing").output
        #expect(text == "billing, Empty, 0 members, coordinator \(coordinator)\n")
        #expect(cluster.run(.kadmin, "group", "list", "--state", "EMPTY", "--format", "awk").output.contains("billing"))
        #expect(cluster.run(.kadmin, "group", "list", "--state", "stable", "--format", "awk").output.isEmpty)
    }

    @Test func `a member is described as an object with its partitions`() throws {
        let cluster = try cluster()
        let config = try ClientConfig([
            ("bootstrap.servers", cluster.server), ("group.id", "readers"), ("client.id", "one"),
            ("group.protocol", "consumer"),
        ])
        let client = try KafkaClient(config)
        defer { client.close() }
        let consumer = try GroupConsumer(client, topics: .named(["orders"]))
        defer { consumer.close() }
        var json = ""
        try eventually("it has its share") {
            json = cluster.run(.kadmin, "group", "describe", "readers", "--format", "json").output
            return json.contains(#""state":"Stable""#)
        }
        #expect(json.contains(#""type":"consumer","protocol":"consumer","assignor":"uniform""#), "\(json)")
        #expect(json.contains(#""instance":null,"client":"one","host":"#), "\(json)")
        #expect(
            json.contains(#""partitions":[{"topic":"orders","partition":0},{"topic":"orders","partition":1}]}]}"#),
            "\(json)")
    }
}
