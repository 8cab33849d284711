/// Reads a command line by its tables, with GNU's habits: `-tNAME`, `-t NAME`, `--topic=NAME`, `--topic NAME`, grouped
/// flags (`-qv`), options and operands in any order, and `--` before operands that begin with a dash.
public struct ArgumentParser {
    /// What the command line asks for.
    public enum Outcome: Sendable {
        case run(Command, Arguments)
        case help(Command, path: [String])
        case version
    }

    private var command: Command
    private var arguments: Arguments
    private var rest: ArraySlice<String>
    private var wantsHelp = false
    private var wantsVersion = false

    /// - Parameter words: the command line without the tool's name.
    public static func parse(
        _ tool: Command, _ words: [String], environment: [String: String] = [:]
    ) throws(ToolError) -> Outcome {
        var parser = ArgumentParser(command: tool, arguments: Arguments(environment: environment), rest: words[...])
        parser.arguments.path = [tool.name]
        return try parser.run()
    }

    private mutating func run() throws(ToolError) -> Outcome {
        var onlyOperands = false
        while let word = rest.popFirst() {
            if onlyOperands || word == "-" || !word.hasPrefix("-") {
                try operand(word)
            } else if word == "--" {
                onlyOperands = true
            } else if word.hasPrefix("--") {
                try long(word.dropFirst(2))
            } else {
                try short(word.dropFirst())
            }
        }
        if wantsHelp { return .help(command, path: arguments.path) }
        if wantsVersion { return .version }
        guard command.subcommands.isEmpty else {
            let names = command.subcommands.map(\.name).joined(separator: ", ")
            throw .usage("say which: \(arguments.path.joined(separator: " ")) \(names)")
        }
        try checkPresence()
        return .run(command, arguments)
    }

    private mutating func operand(_ word: String) throws(ToolError) {
        if !command.subcommands.isEmpty {
            guard let next = command.subcommands.first(where: { $0.name == word }) else {
                if let known = KafkaHabits.subcommand(word, of: command) {
                    throw .usage("unknown command '\(word)': it is \(known)")
                }
                // Nobody is sent to what destroys for something else.
                let candidates = command.subcommands.map(\.name).filter { name in
                    !name.hasPrefix("delete") || word.first == name.first
                }
                let near = NearestName.of(word, among: candidates)
                throw .usage("unknown command '\(word)'\(NearestName.question(near))")
            }
            command = next
            arguments.path.append(word)
            return
        }
        let position = arguments.operands.count
        guard let table = position < command.operands.count ? command.operands[position] : command.operands.last,
            position < command.operands.count || table.isRepeatable
        else {
            let advice = KafkaHabits.operandAdvice(command).map { ": \($0)" } ?? ""
            throw .usage("unexpected argument '\(word)'\(advice)")
        }
        try ArgumentParser.check(word, table.kind, of: table.placeholder)
        arguments.operands.append(word)
    }

    private mutating func long(_ body: Substring) throws(ToolError) {
        let equals = body.firstIndex(of: "=")
        let name = String(body[..<(equals ?? body.endIndex)])
        let inline = equals.map { String(body[body.index(after: $0)...]) }
        let option = try find(long: name)
        if option.isFlag {
            guard inline == nil else { throw .usage("--\(option.name) takes no value") }
            add("", to: option)
        } else if let value = inline ?? rest.popFirst() {
            try set(value, of: option, as: "--\(option.name)")
        } else {
            throw .usage("--\(option.name) needs a value: --\(option.name)=\(option.placeholder ?? "")")
        }
    }

    private mutating func short(_ body: Substring) throws(ToolError) {
        var body = body
        while let letter = body.popFirst() {
            guard let option = options.first(where: { $0.short == letter }) else {
                let whole = "-\(letter)\(body)"
                if let advice = KafkaHabits.advice(letter, command) {
                    throw .usage("unknown option '\(whole)': \(advice)")
                }
                let near = body.isEmpty ? nil : NearestName.of("\(letter)\(body)", among: options.map(\.name))
                throw .usage("unknown option '\(whole)'" + NearestName.question(near.map { "--\($0)" }))
            }
            if option.isFlag {
                add("", to: option)
                continue
            }
            guard let value = body.isEmpty ? rest.popFirst() : String(body) else {
                throw .usage("-\(letter) needs a value: -\(letter) \(option.placeholder ?? "")")
            }
            return try set(value, of: option, as: "-\(letter)")
        }
    }

    private var options: [CommandOption] { command.options + CommonOptions.everywhere }

    private func find(long name: String) throws(ToolError) -> CommandOption {
        if let option = options.first(where: { $0.name == name || $0.aliases.contains(name) }) { return option }
        // Before beginnings: --topic is none of --topic-config.
        if let advice = KafkaHabits.advice(name, command) { throw .usage("unknown option '--\(name)': \(advice)") }
        // A beginning that only one option has is enough, as with GNU's getopt_long.
        let beginning = name.isEmpty ? [] : options.filter { $0.name.hasPrefix(name) }
        if beginning.count == 1 { return beginning[0] }
        if beginning.count > 1 {
            throw .usage("--\(name) may mean " + beginning.map { "--\($0.name)" }.joined(separator: " or "))
        }
        let near = NearestName.of(name, among: options.map(\.name))
        throw .usage("unknown option '--\(name)'" + NearestName.question(near.map { "--\($0)" }))
    }

    private mutating func set(_ value: String, of option: CommandOption, as shown: String) throws(ToolError) {
        try ArgumentParser.check(value, option.kind, of: shown)
        add(value, to: option)
    }

    private mutating func add(_ value: String, to option: CommandOption) {
        if option.name == CommonOptions.help.name { wantsHelp = true }
        if option.name == CommonOptions.version.name { wantsVersion = true }
        arguments.given[option.name, default: []].append(value)
    }

    private func checkPresence() throws(ToolError) {
        for option in command.options {
            if let name = option.environment, arguments.given[option.name] == nil,
                let value = arguments.environment[name], !value.isEmpty
            {
                try ArgumentParser.check(value, option.kind, of: "$\(name)")
            }
            if option.isRequired && arguments.text(option) == nil {
                let short = option.short.map { "-\($0), " } ?? ""
                throw .usage("\(short)--\(option.name) \(option.placeholder ?? "") is needed: \(option.help)")
            }
        }
        let needed = command.operands.count { $0.isRequired }
        if arguments.operands.count < needed {
            throw .usage("\(command.operands[arguments.operands.count].placeholder) is missing")
        }
    }

    private static func check(_ value: String, _ kind: ValueKind, of name: String) throws(ToolError) {
        switch kind {
        case .text: return
        case .name, .path:
            guard !value.isEmpty else { throw .usage("\(name): the value is empty; is a variable not set?") }
        case .integer(let range):
            guard let number = Int64(value) else { throw .usage("\(name): '\(value)' is not a whole number") }
            guard range.contains(number) else { throw .usage("\(name): \(value) is not \(bounds(range))") }
        case .size(let range):
            guard let number = ByteSize.parse(value) else {
                throw .usage("\(name): '\(value)' is not a size such as 16384, 64k or 32M")
            }
            guard range.contains(number) else { throw .usage("\(name): \(value) is not \(bounds(range))") }
        case .choice(let names):
            guard names.contains(value) else { throw none(of: names, value, name) }
        case .choiceInAnyCase(let names):
            guard names.contains(where: { $0.lowercased() == value.lowercased() }) else {
                throw none(of: names, value, name)
            }
        case .pair:
            guard Arguments.pair(value) != nil else { throw .usage("\(name): '\(value)' is not NAME=VALUE") }
        }
    }

    private static func none(of names: [String], _ value: String, _ option: String) -> ToolError {
        let near = NearestName.question(NearestName.of(value, among: names))
        return .usage("\(option): '\(value)' is none of \(names.joined(separator: ", "))\(near)")
    }

    private static func bounds(_ range: ClosedRange<Int64>) -> String {
        range.upperBound == .max ? "\(range.lowerBound) or more" : "between \(range.lowerBound) and \(range.upperBound)"
    }
}
