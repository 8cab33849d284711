import KCore
import Testing

@Suite struct ArgumentParserTests {
    static let topic = CommandOption.value(
        "topic", short: "t", "TOPIC", required: true, environment: "TOPIC", help: "Topic")
    static let count = CommandOption.value(
        "count", short: "c", "N", kind: .integer(1...100), defaultValue: "7", help: "How many")
    static let size = CommandOption.value("batch-size", "SIZE", kind: .size(1...(.max)), help: "Batch")
    static let header = CommandOption.value("header", short: "H", "K=V", kind: .pair, repeatable: true, help: "Header")
    static let codec = CommandOption.value(
        "compression", short: "z", "CODEC", kind: .choice(["none", "gzip"]), help: "Codec")
    static let exit = CommandOption.flag("exit", short: "e", help: "Stop")
    static let tool = Command(
        "tool", "Does things", operands: [Operand("FILE", kind: .path, repeatable: true)],
        options: [topic, count, size, header, codec, exit, CommonOptions.quiet])

    func parse(_ words: String..., environment: [String: String] = [:]) throws -> Arguments {
        guard case .run(_, let arguments) = try ArgumentParser.parse(Self.tool, words, environment: environment) else {
            throw ToolError("not a run")
        }
        return arguments
    }

    func complaint(_ words: String...) -> String {
        do throws(ToolError) {
            _ = try ArgumentParser.parse(Self.tool, words)
            return "no error"
        } catch {
            #expect(error.status == .usage)
            return error.message
        }
    }

    @Test(arguments: [
        ["-tA"], ["-t", "A"], ["--topic=A"], ["--topic", "A"], ["--top", "A"], ["-qetA"], ["-qe", "-t", "A"],
    ])
    func `a value is understood in every way that GNU tools understand it`(words: [String]) throws {
        guard case .run(_, let arguments) = try ArgumentParser.parse(Self.tool, words) else { throw ToolError("no") }
        #expect(arguments.text(Self.topic) == "A")
        #expect(arguments.isGiven(Self.exit) == words[0].hasPrefix("-q"))
    }

    @Test func `options and operands mix, and after two dashes all are operands`() throws {
        let arguments = try parse("a", "-tT", "-", "--", "-x", "--topic")
        #expect(arguments.operands == ["a", "-", "-x", "--topic"])
    }

    @Test func `the command line goes before the environment, and that before the default`() throws {
        #expect(try parse("-tA", environment: ["TOPIC": "B"]).text(Self.topic) == "A")
        #expect(try parse(environment: ["TOPIC": "B"]).text(Self.topic) == "B")
        #expect(try parse("-tA").integer(Self.count) == 7)
        #expect(try parse("-tA", "-c3", "-c", "4").integer(Self.count) == 4)
    }

    @Test func `repeatable pairs keep their order and split at the first equals sign`() throws {
        let pairs = try parse("-tA", "-Ha=1", "--header", "b=x=y", "-H", "a=").pairs(Self.header)
        #expect(pairs.map(\.name) == ["a", "b", "a"])
        #expect(pairs.map(\.value) == ["1", "x=y", ""])
    }

    @Test func `sizes have units`() throws {
        #expect(try parse("-tA", "--batch-size", "64k").integer(Self.size) == 65536)
        #expect(try parse("-tA", "--batch-size=1MiB").integer(Self.size) == 1 << 20)
        #expect(ByteSize.parse("9999999999999G") == nil)
    }

    @Test func `what cannot be meant is said in one line, with the nearest name`() {
        #expect(complaint("-tA", "--exti") == "unknown option '--exti', did you mean --exit?")
        #expect(complaint("-tA", "-W") == "unknown option '-W'")
        #expect(complaint("-tA", "-c", "0") == "-c: 0 is not between 1 and 100")
        #expect(complaint("-tA", "-c", "x") == "-c: 'x' is not a whole number")
        #expect(complaint("-tA", "-zgzi").contains("did you mean gzip?"))
        #expect(complaint("-tA", "--exit=1") == "--exit takes no value")
        #expect(complaint("-tA", "-H", "=v").contains("not NAME=VALUE"))
        #expect(complaint("-t").hasPrefix("-t needs a value"))
        #expect(complaint().hasPrefix("-t, --topic TOPIC is needed"))
    }

    @Test func `an ambiguous beginning of a name is refused with what it may mean`() {
        #expect(complaint("-tA", "--co", "1") == "--co may mean --count or --compression")
    }

    @Test func `subcommands are found by name and misspelt ones suggested`() throws {
        let tree = Command(
            "kx", "x",
            subcommands: [Command("topic", "t", subcommands: [Command("create", "c"), Command("list", "l")])])
        guard case .run(let found, let arguments) = try ArgumentParser.parse(tree, ["topic", "list"]) else {
            throw ToolError("no")
        }
        #expect(found.name == "list")
        #expect(arguments.path == ["kx", "topic", "list"])
        #expect(throws: ToolError.usage("unknown command 'craete', did you mean create?")) {
            try ArgumentParser.parse(tree, ["topic", "craete"])
        }
        #expect(throws: ToolError.usage("say which: kx topic create, list")) {
            try ArgumentParser.parse(tree, ["topic"])
        }
    }

    @Test func `help is printed even when the rest of the line is incomplete, and exits with 0`() {
        let test = TestConsole(tool: "tool")
        #expect(Self.tool.run(["--help"], test.console) == .done)
        #expect(test.output.text.hasPrefix("Does things.\n\nUsage: tool -t TOPIC [OPTION]... [FILE...]\n"))
        #expect(test.output.text.contains("  -c, --count N"))
        #expect(test.output.text.contains("How many [7]"))
        #expect(test.errors.text.isEmpty)
    }

    @Test func `a wrong command line exits with 2 and leaves stdout empty`() {
        let test = TestConsole(tool: "tool")
        #expect(Self.tool.run(["--nonsense"], test.console) == .usage)
        #expect(test.output.text.isEmpty)
        #expect(test.errors.text == "tool: unknown option '--nonsense'\nTry 'tool --help'.\n")
    }
}
