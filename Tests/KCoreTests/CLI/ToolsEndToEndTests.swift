@testable import KCore
import Glibc
import Testing

/// The tools against a broker of this process.
@Suite struct ToolsEndToEndTests {
    /// A broker on a free port with an empty directory.
    final class Cluster {
        let broker: Broker
        let directory: String
        let server: String

        init() throws {
            var template = Array("/tmp/tools.XXXXXX".utf8CString)
            directory =
                template.withUnsafeMutableBufferPointer {
                    $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
                }
                ?? "/tmp/tools"
            broker = try Broker.start(
                properties: ["log.dirs": directory, "listeners": "PLAINTEXT://127.0.0.1:0"], logger: .silent)
            server = broker.addresses.map { "\($0)" }.joined(separator: ",")
        }

        deinit {
            broker.stop()
            try? SystemDisk().removeTree(directory)
        }

        func run(
            _ tool: Command, _ words: String..., input: String = ""
        ) -> (status: KCore.ExitStatus, output: String, errors: String) {
            let test = TestConsole(tool: tool.name, input: input, environment: ["KAFKA_BOOTSTRAP_SERVERS": server])
            let status = tool.run(words, test.console)
            return (status, test.output.text, test.errors.text)
        }

        /// All of a topic, as kconsume prints it.
        func read(_ topic: String, _ words: String...) -> String {
            let test = TestConsole(tool: "kconsume", environment: ["KAFKA_BOOTSTRAP_SERVERS": server])
            _ = Command.kconsume.run(["-t", topic, "-o", "beginning", "-e"] + words, test.console)
            return test.output.text
        }
    }

    @Test func `lines that go in come out, the last one without newline too`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "lines", "-p", "1").status == .done)
        let lines = (1...5000).map { "line \($0)" }.joined(separator: "\n")
        let (status, _, errors) = cluster.run(.kproduce, "-t", "lines", input: lines)
        #expect(status == .done)
        #expect(errors.hasPrefix("kproduce: 5,000 records, "))
        #expect(errors.hasSuffix(", 0 failed\n"))
        #expect(cluster.read("lines") == lines + "\n")
        #expect(cluster.run(.kconsume, "-t", "lines", "-o", "10:13").output == "line 11\nline 12\nline 13\n")
        #expect(cluster.run(.kconsume, "-t", "lines", "-o", "-2", "-e").output == "line 4999\nline 5000\n")
        #expect(cluster.run(.kconsume, "-t", "lines", "-o", "beginning", "-c", "1").output == "line 1\n")
    }

    @Test func `keys, headers and nulls arrive, and envelopes carry them on unchanged`() throws {
        let cluster = try Cluster()
        for topic in ["a", "b"] { #expect(cluster.run(.kadmin, "topic", "create", topic, "-p", "1").status == .done) }
        _ = cluster.run(.kproduce, "-t", "a", "-K", "::", "-Z", "-H", "h=1", input: "k1::v1\nonly value\nk2::\n")
        #expect(
            cluster.read("a", "-f", "%k|%v|%V|%K|%h|%t|%p|%o;")
                == "k1|v1|2|2|h=1|a|0|0;|only value|10|-1|h=1|a|0|1;k2||-1|2|h=1|a|0|2;")
        let envelopes = cluster.read("a", "--json")
        #expect(cluster.run(.kproduce, "--json", "-t", "b", input: envelopes).status == .done)
        #expect(cluster.read("b", "--json") == envelopes.replacing("\"topic\":\"a\"", with: "\"topic\":\"b\""))
    }

    @Test func `the whole input is one record with an empty delimiter`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "whole", "-p", "1").status == .done)
        _ = cluster.run(.kproduce, "-t", "whole", "-D", "", "-k", "key", input: "two\nlines\n")
        #expect(cluster.read("whole", "-f", "%k=%v") == "key=two\nlines\n")
        let long = cluster.run(.kproduce, "-t", "whole", "-D", "", input: String(repeating: "x", count: 3 << 20))
        #expect(long.status == .failed)
        #expect(long.errors.hasPrefix("kproduce: record 1 for whole not delivered: "))
        #expect(long.errors.hasSuffix(", 1 failed\n"))
    }

    @Test func `what was not delivered is named and makes the status 1`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "x", "-p", "1").status == .done)
        let long = String(repeating: "x", count: 3 << 20)
        let (status, _, errors) = cluster.run(.kproduce, "-t", "x", input: "a\n\(long)\nb\n")
        #expect(status == .failed)
        #expect(errors.hasPrefix("kproduce: record 2 for x"))
        #expect(errors.contains("1 failed"))
        #expect(cluster.read("x") == "a\nb\n")
    }

    @Test func `an offset that is not there is said, unless something is to be done about it`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "short", "-p", "1").status == .done)
        #expect(cluster.run(.kproduce, "-t", "short", input: "a\nb\n").status == .done)
        let (status, output, errors) = cluster.run(.kconsume, "-t", "short", "-o", "7", "-c", "1")
        #expect(status == .failed && output.isEmpty)
        #expect(errors.hasPrefix("kconsume: offset 7 of short-0 does not exist"))
        let first = cluster.run(.kconsume, "-t", "short", "-o", "7", "-c", "1", "-X", "auto.offset.reset=earliest")
        #expect(first.status == .done && first.output == "a\n")
        for range in ["7", "7:9"] {
            let end = cluster.run(.kconsume, "-t", "short", "-o", range, "-e")
            #expect(end.status == .failed && end.output.isEmpty)
            #expect(end.errors.hasPrefix("kconsume: offset 7 of short-0 does not exist: it ends at 2; "))
        }
        let all = cluster.run(.kconsume, "-t", "short", "-o", "7", "-e", "-X", "auto.offset.reset=earliest")
        #expect(all.status == .done && all.output == "a\nb\n")
        #expect(cluster.run(.kconsume, "-t", "short", "-o", "2", "-e").status == .done, "the end is there")
        let copy = cluster.run(.kconsume, "-t", "short", "-o", "7", "-e", "--sink", cluster.directory + "/copy")
        #expect(copy.status == .failed)
        #expect(copy.errors.hasPrefix("kconsume: offset 7 of short-0 does not exist: it ends at 2; "))
    }

    @Test func `a range ends with -e where a partition does not reach its end`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "2").status == .done)
        #expect(cluster.run(.kproduce, "-t", "t", "-p", "0", input: "a\nb\nc\nd\n").status == .done)
        let (status, output, _) = cluster.run(.kconsume, "-t", "t", "-o", "0:3", "-e")
        #expect(status == .done && output == "a\nb\nc\n")
    }

    @Test(arguments: [[], ["--sink", "/tmp/never-made"], ["-X", "group.protocol=consumer"]])
    func `a group that has nothing to read is told so, as anybody is`(options: [String]) throws {
        let cluster = try Cluster()
        func consume(_ words: String...) -> (status: KCore.ExitStatus, output: String, errors: String) {
            let test = TestConsole(tool: "kconsume", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            let status = Command.kconsume.run(words + options, test.console)
            return (status, test.output.text, test.errors.text)
        }
        let missing = consume("-t", "nobody", "-g", "g")
        #expect(missing.status == .failed)
        #expect(missing.errors.hasPrefix("kconsume: there is no topic nobody; kadmin topic list shows"))
        let pattern = consume("-t", "^no.*body", "-g", "g", "-e")
        #expect(pattern.status == .failed && pattern.errors == "kconsume: no topic fits ^no.*body\n")
    }

    @Test func `auto.offset.reset says where to start when nothing else does`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        #expect(cluster.run(.kproduce, "-t", "t", input: "a\nb\n").status == .done)
        let file = cluster.directory + "/client.properties"
        try SystemDisk().replaceFile(file, with: Bytes(Array("auto.offset.reset=earliest\n".utf8)), durable: false)
        let reset = "auto.offset.reset="
        #expect(cluster.run(.kconsume, "-t", "t", "-e", "-X", reset + "earliest").output == "a\nb\n")
        #expect(cluster.run(.kconsume, "-t", "t", "-e", "-F", file).output == "a\nb\n")
        #expect(cluster.run(.kconsume, "-t", "t", "-e", "-F", file, "-X", reset + "latest").output.isEmpty)
        #expect(cluster.run(.kconsume, "-t", "t", "-e", "-F", file, "-o", "-1").output == "b\n")
        #expect(cluster.run(.kconsume, "-t", "t", "-e").output.isEmpty)
        let none = cluster.run(.kconsume, "-t", "t", "-e", "-X", reset + "none")
        #expect(none.status == .usage && none.errors.contains("nothing says where to start"))
    }

    @Test func `errors name the file, the port and what to do`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kproduce, "-t", "x", "/tmp").errors.hasSuffix("cannot read /tmp: Is a directory\n"))
        let file = cluster.directory + "/x.properties"
        try SystemDisk().replaceFile(file, with: Bytes(Array("foo.bar=1\n".utf8)), durable: false)
        #expect(
            cluster.run(.kadmin, "topic", "list", "-F", file).errors
                .hasPrefix("kadmin: \(file): there is no client property foo.bar\n"))
        #expect(cluster.run(.kbroker, file).errors.hasPrefix("kbroker: \(file): Unknown configuration foo.bar"))
        let other = cluster.run(.kbroker, "--data", cluster.directory + "/other", "--listen", cluster.server)
        #expect(other.status == .failed)
        // What it says of its first start in an empty directory aside, the reason is all.
        #expect(
            other.errors.hasSuffix(
                "kbroker: the broker cannot start: cannot listen at \(cluster.server): Address already in use; stop what "
                    + "listens there, or choose another port\n"))
        #expect(!other.errors.contains("stopp"))
        let taken = cluster.run(.kbroker, "--data", cluster.directory, "--listen", "127.0.0.1:0").errors
        let reason = "\(cluster.directory) is in use: another broker has locked it"
        #expect(taken.hasSuffix("the broker cannot start: \(reason)\n"))
    }

    @Test func `a topic's life by kadmin`() throws {
        let cluster = try Cluster()
        #expect(
            cluster.run(.kadmin, "topic", "create", "t", "-p", "2", "--dry-run").output
                == "would create t, 2 partitions, 1 replica\n")
        let created = cluster.run(.kadmin, "topic", "create", "t", "-p", "2", "-c", "retention.ms=1000")
        #expect(created.output == "created t, 2 partitions, 1 replica\n")
        #expect(cluster.run(.kadmin, "topic", "create", "t").status == .failed)
        #expect(cluster.run(.kadmin, "topic", "create", "t", "--if-not-exists").status == .done)
        #expect(
            cluster.run(.kadmin, "topic", "list").output == "TOPIC  PARTITIONS  REPLICAS\nt               2         1\n"
        )
        #expect(cluster.run(.kadmin, "topic", "describe", "t").output.contains("retention.ms=1000"))
        #expect(cluster.run(.kadmin, "topic", "add-partitions", "t", "-n", "1").output == "t has 3 partitions\n")
        #expect(cluster.run(.kadmin, "topic", "add-partitions", "t", "-p", "3").status == .failed)
        #expect(cluster.run(.kadmin, "topic", "config", "t", "--set", "retention.ms=2000").output == "changed t\n")
        let config = cluster.run(.kadmin, "topic", "config", "t", "--overridden", "--format", "awk").output
        #expect(config == "t\tretention.ms\t2000\ttopic\n")
        let misspelt = cluster.run(.kadmin, "topic", "config", "t", "--delete", "retention.mss")
        #expect(misspelt.status == .failed && misspelt.output == "")
        #expect(misspelt.errors == "kadmin: t: there is no configuration retention.mss, did you mean retention.ms?\n")
        #expect(cluster.run(.kadmin, "topic", "config", "t", "--delete", "retention.ms").output == "changed t\n")
        let unset = cluster.run(.kadmin, "topic", "config", "t", "--delete", "retention.ms")
        #expect(unset.status == .done && unset.output == "t does not set retention.ms\n")
        #expect(cluster.run(.kadmin, "topic", "config", "t", "--set", "retention.mss=1").status == .failed)
        #expect(cluster.run(.kadmin, "topic", "delete", "t", "--dry-run").output == "would delete t, 3 partitions\n")
        #expect(cluster.run(.kadmin, "topic", "delete", "t", "-y").output == "deleted t\n")
        #expect(cluster.run(.kadmin, "topic", "delete", "t", "-y").status == .failed)
        #expect(cluster.run(.kadmin, "topic", "delete", "t", "-y", "--if-exists").status == .done)
    }

    @Test func `a topic's oldest records are deleted when it was meant`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "2").status == .done)
        for partition in ["0", "1"] {
            #expect(cluster.run(.kproduce, "-t", "t", "-p", partition, input: "a\nb\nc\nd\n").status == .done)
        }
        func trim(_ words: String...) -> (status: KCore.ExitStatus, output: String, errors: String) {
            let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            let status = Command.kadmin.run(["topic", "trim", "t", "--format", "awk"] + words, test.console)
            return (status, test.output.text, test.errors.text)
        }
        #expect(trim("--before", "-1", "--dry-run").output == "0\t0\t3\t4\n1\t0\t3\t4\n")
        // Nobody is there to be asked.
        #expect(trim("--before", "3").status == .usage)
        #expect(cluster.read("t", "-f", "%o") == "01230123")
        let done = trim("-p", "1", "--before", "2", "-y")
        #expect(done.status == .done && done.output == "1\t0\t2\t4\nt-1 begins at 2\n")
        #expect(cluster.run(.kconsume, "-t", "t", "-p", "1", "-o", "beginning", "-e", "-f", "%v").output == "cd")
        // Once more does nothing, and what is not there cannot be kept.
        #expect(trim("-p", "1", "--before", "2", "-y").output == "1\t2\t2\t4\n")
        let far = trim("--before", "5", "-y")
        #expect(far.status == .failed && far.errors.contains("t-0 ends at 4, before the offset to keep"))
        #expect(trim("-p", "0", "--before", "@0", "--dry-run").output == "0\t0\t0\t4\n")
        #expect(trim("-p", "0", "--before", "@-0s", "-y").output == "0\t0\t4\t4\nt-0 begins at 4\n")
        #expect(trim("-p", "2", "--before", "end", "-y").errors.contains("t has no partition 2; it has 0-1"))
        #expect(trim("--before", "1:2").status == .usage)
        #expect(cluster.run(.kadmin, "topic", "trim", "nobody", "--before", "1").errors.contains("no topic nobody"))
    }

    @Test func `cluster, directories and versions are shown`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "1").status == .done)
        #expect(cluster.run(.kadmin, "cluster", "info").output.hasPrefix("cluster \(cluster.broker.clusterId)\n"))
        let rows = cluster.run(.kadmin, "cluster", "info", "--format", "json").output
        #expect(rows.hasPrefix("[\n{\"cluster\":\"\(cluster.broker.clusterId)\",\"broker\":1,"))
        let directories = cluster.run(.kadmin, "log", "dirs", "t", "--replicas", "--format", "awk").output
        #expect(directories.contains("\t\(cluster.directory)\tt\t0\t"))
        #expect(cluster.run(.kadmin, "api", "versions", "--format", "awk").output.contains("\t18\tApiVersions\t0\t"))
        let dump = cluster.run(.kadmin, "log", "dump", cluster.directory + "/t-0")
        #expect(dump.status == .done)
        #expect(dump.output.contains("Log starting offset: 0\n"))
    }

    @Test func `topics that are not there are named`() throws {
        let cluster = try Cluster()
        let (status, output, errors) = cluster.run(.kconsume, "-t", "nobody", "-e")
        #expect(status == .failed)
        #expect(output.isEmpty)
        #expect(errors.hasPrefix("kconsume: there is no topic nobody"))
        #expect(cluster.run(.kconsume, "-t", "^nobody", "-e").status == .failed)
        #expect(cluster.run(.kadmin, "topic", "describe", "nobody").status == .failed)
    }
}
