/// The text of `--help`, laid out from a command's tables.
public enum HelpText {
    /// - Parameters:
    ///   - path: the command's name and its parents'.
    ///   - width: columns to wrap descriptions at.
    public static func of(_ command: Command, path: [String], width: Int = 100) -> String {
        var text = "\(command.summary).\n\n"
        text += "Usage: \(usage(command, path: path))\n"
        for paragraph in command.details { text += "\n\(paragraph)\n" }
        if !command.subcommands.isEmpty {
            text += "\nCommands:\n" + columns(leaves(command), width: width)
        }
        let explained = command.operands.filter { !$0.help.isEmpty }
        if !explained.isEmpty {
            text += "\nArguments:\n" + columns(explained.map { ($0.placeholder, $0.help) }, width: width)
        }
        let options = command.options + CommonOptions.everywhere
        text += "\nOptions:\n" + columns(options.map { (name($0), describe($0)) }, width: width)
        if !command.examples.isEmpty {
            text += "\nExamples:\n"
            for example in command.examples { text += "  \(example.line)\n      \(example.meaning)\n" }
        }
        return text
    }

    static func usage(_ command: Command, path: [String]) -> String {
        var words = path
        if !command.subcommands.isEmpty { words.append("COMMAND") }
        for option in command.options where option.isRequired {
            words.append(option.short.map { "-\($0) \(option.placeholder ?? "")" } ?? "--\(option.name)")
        }
        if !command.options.isEmpty { words.append("[OPTION]...") }
        for operand in command.operands {
            let name = operand.placeholder + (operand.isRepeatable ? "..." : "")
            words.append(operand.isRequired ? name : "[\(name)]")
        }
        return words.joined(separator: " ")
    }

    // Two levels are shown as one list: `topic create`.
    private static func leaves(_ command: Command) -> [(String, String)] {
        command.subcommands.flatMap { child in
            child.subcommands.isEmpty
                ? [(child.name, child.summary)] : leaves(child).map { ("\(child.name) \($0.0)", $0.1) }
        }
    }

    static func name(_ option: CommandOption) -> String {
        let short = option.short.map { "-\($0), " } ?? "    "
        return short + "--\(option.name)" + (option.placeholder.map { " \($0)" } ?? "")
    }

    static func describe(_ option: CommandOption) -> String {
        var text = option.help
        switch option.kind {
        case .choice(let names), .choiceInAnyCase(let names): text += ": \(names.joined(separator: ", "))"
        default: break
        }
        if option.isRepeatable { text += "; repeatable" }
        var origins: [String] = []
        if let environment = option.environment { origins.append("$\(environment)") }
        if let value = option.defaultNote ?? option.defaultValue { origins.append(value.isEmpty ? "''" : value) }
        if !origins.isEmpty { text += " [\(origins.joined(separator: ", else "))]" }
        return text
    }

    private static func columns(_ rows: [(String, String)], width: Int) -> String {
        let left = min(rows.map { $0.0.count }.max() ?? 0, 34)
        var text = ""
        for (name, description) in rows {
            var lead = "  " + name
            if name.count > left {
                text += lead + "\n"
                lead = ""
            }
            for (index, line) in wrapped(description, width: max(30, width - left - 4)).enumerated() {
                let start = index == 0 ? lead : ""
                text += start + String(repeating: " ", count: left + 4 - start.count) + line + "\n"
            }
        }
        return text
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].isEmpty {
                lines[lines.count - 1] = String(word)
            } else if lines[lines.count - 1].count + 1 + word.count <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
