@testable import KCore
import Testing

/// What the tools say before they talk to anybody.
@Suite struct ToolUsageTests {
    func run(_ tool: Command, _ words: [String]) -> (status: KCore.ExitStatus, output: String, errors: String) {
        let test = TestConsole(tool: tool.name)
        let status = tool.run(words, test.console)
        return (status, test.output.text, test.errors.text)
    }

    static let wrong: [(tool: String, words: [String], reason: String)] = [
        ("kproduce", [], "-t, --topic TOPIC is needed"),
        ("kproduce", ["-t", "x", "-k", "a", "-K", ":"], "-k and -K contradict each other"),
        ("kproduce", ["-t", "x", "-p", "1", "--partitioner", "random"], "-p and --partitioner contradict each other"),
        ("kproduce", ["-t", "x", "--transactional-id", "a", "--acks", "1"], "--transactional-id needs --acks all"),
        ("kproduce", ["-t", "x", "-K", ""], "an empty delimiter separates nothing"),
        ("kproduce", ["-t", "x", "--json", "-H", "a=b"], "--header contradicts --json"),
        ("kproduce", ["-t", "x", "--transactional-id", ""], "--transactional-id: the value is empty"),
        ("kproduce", ["-t", "x", "--transactional-id="], "--transactional-id: the value is empty"),
        ("kproduce", ["-t", "x", "-X", "transactional.id="], "transactional.id=: it names nobody"),
        ("kproduce", ["-t", "x", "--commit-every", "5"], "--commit-every needs --transactional-id"),
        (
            "kproduce", ["-t", "x", "--transactional-id", "a", "--commit-every", "1m"],
            "--commit-every 60000ms is not below transaction.timeout.ms=60000"
        ),
        (
            "kproduce",
            ["-t", "x", "--transactional-id", "a", "--commit-every", "5s", "-X", "transaction.timeout.ms=1000"],
            "--commit-every 5000ms is not below transaction.timeout.ms=1000"
        ),
        ("kproduce", ["-t", "x", ""], "FILE: the value is empty"),
        ("kproduce", ["-t", "x", "-F", ""], "-F: the value is empty"),
        ("kproduce", ["-t", "x", "-D", "\\q"], "\\q is not known"),
        ("kproduce", ["-t", "x", "-z", "lzma"], "'lzma' is none of none, gzip, snappy, lz4, zstd"),
        ("kproduce", ["-t", "x", "-X", "linger.mss=5"], "linger.ms"),
        ("kconsume", [], "-t, --topic TOPIC[,...] is needed"),
        ("kconsume", ["-t", "x", "-f", "%v", "--json"], "-f and --json contradict each other"),
        ("kconsume", ["-t", "x", "-o", "begining"], "did you mean beginning?"),
        ("kconsume", ["-t", "x", "-p", "3-1"], "ends before it starts"),
        ("kconsume", ["-t", "^("], "not a regular expression"),
        ("kconsume", ["-t", "x", "--isolation", "read_comitted"], "did you mean read_committed?"),
        ("kconsume", ["-t", "x", "--commit", "after"], "--commit needs a group: -g GROUP"),
        ("kconsume", ["-t", "x", "-o", "stored"], "needs a consumer group: -g GROUP"),
        ("kconsume", ["-t", "x", "-g", "g", "-p", "1"], "-g and -p contradict each other"),
        ("kconsume", ["-t", "x", "-g", ""], "-g: the value is empty"),
        ("kconsume", ["-t", "x", "--sink", ""], "--sink: the value is empty"),
        ("kconsume", ["-t", "x", "-g", "g", "-o", "17"], "kadmin group seek sets stored offsets"),
        ("kconsume", ["-t", "x", "-g", "g", "-X", "partition.assignment.strategy=rang"], "there is no assignor rang"),
        ("kadmin", ["group", "seek", "g"], "say one of -o WHERE, --from-file FILE, --to-file FILE"),
        ("kadmin", ["group", "delete-offsets", "g"], "-t TOPIC is needed"),
        ("kadmin", ["group", "list", "--state", "Stabel"], "--state: 'Stabel' is none of Stable, Empty, "),
        ("kadmin", ["group", "list", "--type", "foo"], "--type: 'foo' is none of classic, consumer"),
        (
            "kadmin", ["topic", "create", "--topic", "x"],
            "unknown option '--topic': NAME stands by itself: create NAME"
        ),
        ("kadmin", ["group", "describe", "--group", "x"], "unknown option '--group': GROUP stands by itself"),
        ("kadmin", ["topic", "config", "x", "--add-config", "a=b"], "it is --set KEY=VALUE"),
        ("kconsume", ["-t", "x", "--from-beginning"], "unknown option '--from-beginning': it is -o beginning"),
        ("kconsume", ["-t", "x", "--max-messages", "5"], "it is -c N"),
        ("kproduce", ["-t", "x", "--broker-list", "a:1"], "it is -b HOST:PORT"),
        ("kconsume", ["-G", "g", "x"], "unknown option '-G': it is -g GROUP -t TOPIC\n"),
        ("kproduce", ["-G", "g", "x"], "unknown option '-G'\n"),
        ("kconsume", ["x", "-g", "g"], "unexpected argument 'x': a topic is -t TOPIC\n"),
        ("kconsume", ["-t", "x", "--timeout-ms", "5000"], "it is -e\n"),
        ("kadmin", ["group", "list", "x"], "unexpected argument 'x'\n"),
        ("kadmin", ["lag", "g"], "unknown command 'lag': it is group lag\n"),
        ("kadmin", ["consumer-group", "list"], "unknown command 'consumer-group': it is group\n"),
        ("kadmin", ["group", "offset-delete", "g"], "unknown command 'offset-delete': it is delete-offsets\n"),
        ("kadmin", ["topic"], "say which: kadmin topic create, list"),
        ("kadmin", ["topic", "create"], "NAME is missing"),
        ("kadmin", ["topic", "crate", "x"], "did you mean create?"),
        ("kadmin", ["group", "reset-offsets", "g"], "unknown command 'reset-offsets': it is seek\n"),
        ("kadmin", ["group", "relete-offsets", "g"], "unknown command 'relete-offsets'\n"),
        ("kadmin", ["group", "delete-ofsets", "g"], "did you mean delete-offsets?"),
        ("kadmin", ["group", "seek", "g", "--to-earliest"], "it is -o beginning"),
        ("kadmin", ["txn", "list", "--state", "ongoin"], "--state: 'ongoin' is none of Empty, Ongoing, "),
        ("kadmin", ["txn", "describe"], "ID is missing"),
        ("kadmin", ["producer", "describe"], "TOPIC:N is missing"),
        ("kadmin", ["topic", "create", "x", "-p", "0"], "-p: 0 is not between 1 and 100000"),
    ]

    static let tools: [String: Command] = [
        "kproduce": .kproduce, "kconsume": .kconsume, "kadmin": .kadmin, "kbroker": .kbroker,
    ]

    @Test(arguments: wrong)
    func `a wrong command line exits with 2 and says in one line what is wrong`(
        tool: String, words: [String], reason: String
    ) throws {
        let (status, output, errors) = run(try #require(Self.tools[tool]), words)
        #expect(status == .usage)
        #expect(output.isEmpty)
        #expect(errors.hasPrefix("\(tool): "))
        #expect(errors.contains(reason))
        #expect(errors.contains("\nTry '\(tool)"))
        #expect(errors.hasSuffix(" --help'.\n"))
        #expect(errors.split(separator: "\n").count == 2)
    }

    @Test func `what is wrong with a command is explained by that command's help`() {
        #expect(run(.kadmin, ["topic", "create"]).errors.hasSuffix("\nTry 'kadmin topic create --help'.\n"))
        #expect(run(.kadmin, ["topic", "crate"]).errors.hasSuffix("\nTry 'kadmin topic --help'.\n"))
        #expect(run(.kadmin, ["log", "dump", "log"]).errors.contains("Try") == false)
        #expect(
            run(.kadmin, ["-b", "x:1", "topic", "create"]).errors.hasSuffix("\nTry 'kadmin topic create --help'.\n"))
    }

    static let places: [[String]] = [
        ["-qv", "-b", "x:1", "-X", "linger.ms=1", "-F", "f", "topic", "list"],
        ["topic", "-qv", "-b", "x:1", "-X", "linger.ms=1", "-F", "f", "list"],
        ["topic", "list", "-qv", "-b", "x:1", "-X", "linger.ms=1", "-F", "f"],
        ["-q", "topic", "-v", "-b", "x:1", "list", "--property", "linger.ms=1", "--config=f"],
    ]

    @Test(arguments: places)
    func `options that all commands have may stand before the command`(words: [String]) throws {
        guard case .run(let command, let arguments) = try ArgumentParser.parse(.kadmin, words) else {
            throw ToolError("not a run")
        }
        #expect(command.name == "list")
        #expect(arguments.text(CommonOptions.bootstrap) == "x:1")
        #expect(arguments.texts(CommonOptions.config) == ["f"])
        #expect(arguments.pairs(CommonOptions.property).map(\.name) == ["linger.ms"])
        #expect(arguments.isGiven(CommonOptions.quiet) && arguments.isGiven(CommonOptions.verbose))
    }

    @Test func `what looks like a number in a name stays as it is`() throws {
        guard
            case .run(_, let arguments) = try ArgumentParser.parse(.kproduce, ["-tx", "--transactional-id", "007"])
        else { throw ToolError("no") }
        #expect(ProduceOptions.properties(arguments).map(\.value) == ["007"])
    }

    @Test func `another word of the same length is no slip`() {
        #expect(!run(.kproduce, ["-t", "x", "--acks", "2"]).errors.contains("did you mean"))
    }

    @Test func `kbroker says when a configuration is good`() {
        let (status, output, errors) = run(.kbroker, ["--check-config"])
        #expect(status == .done && output.isEmpty)
        #expect(errors == "kbroker: the configuration is good\n")
    }

    @Test(arguments: ["kproduce", "kconsume", "kadmin", "kbroker"])
    func `tables are sound: no name twice, help for everything, examples that parse`(name: String) throws {
        let tool = try #require(Self.tools[name])
        func check(_ command: Command, _ path: [String]) throws {
            let options = command.options + CommonOptions.everywhere
            let names = options.flatMap { [$0.name] + $0.aliases }
            #expect(Set(names).count == names.count, "\(path)")
            let letters = options.compactMap(\.short)
            #expect(Set(letters).count == letters.count, "\(path)")
            for option in options {
                #expect(!option.help.isEmpty && !option.help.hasSuffix("."), "--\(option.name)")
                if let value = option.defaultValue, case .choice(let names) = option.kind {
                    #expect(names.contains(value))
                }
            }
            #expect((command.action == nil) == !command.subcommands.isEmpty, "\(path)")
            for example in command.examples { try checkExample(example, tool) }
            for line in HelpText.of(command, path: path).split(separator: "\n") {
                #expect(line.count <= 104, "\(line)")
            }
            for child in command.subcommands { try check(child, path + [child.name]) }
        }
        try check(tool, [tool.name])
    }

    // The part of an example that calls the tool itself; what is quoted is one word.
    private func checkExample(_ example: Command.Example, _ tool: Command) throws {
        for part in example.line.split(separator: "|") where part.contains(tool.name + " ") {
            var words: [String] = []
            for (index, piece) in part.split(separator: "'", omittingEmptySubsequences: false).enumerated() {
                words += index % 2 == 1 ? [String(piece)] : piece.split(separator: " ").map(String.init)
            }
            words.removeFirst()
            _ = try ArgumentParser.parse(tool, words)
        }
    }

    @Test func `explicit options go before properties, those before files, and the environment's servers last`() throws
    {
        guard
            case .run(_, let arguments) = try ArgumentParser.parse(
                .kproduce, ["-tx", "-X", "acks=1", "--acks", "0", "--linger-ms", "7", "--batch-size", "64k"],
                environment: ["KAFKA_BOOTSTRAP_SERVERS": "a:1"])
        else { throw ToolError("no") }
        let properties = try ClientSetup.properties(
            arguments, Console(tool: "kproduce"), defaults: [("linger.ms", "1")],
            options: ProduceOptions.properties(arguments))
        func last(_ name: String) -> String? { properties.last { $0.name == name }?.value }
        #expect(last("acks") == "0")
        #expect(last("linger.ms") == "7")
        #expect(last("batch.size") == "65536")
        #expect(last("bootstrap.servers") == "a:1")
        #expect(last("client.id") == "kproduce")
    }

    @Test func `what destroys needs a yes where nobody can be asked`() throws {
        let test = TestConsole(tool: "kadmin")
        #expect(Command.kadmin.run(["topic", "delete", "x", "-b", "localhost:1"], test.console) == .usage)
        #expect(test.errors.text.contains("-y says yes"))
    }
}
