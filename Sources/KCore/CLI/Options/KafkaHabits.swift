/// Options and commands that Kafka's own tools have under another name or where there is none here, for who types them by
/// habit.
enum KafkaHabits {
    /// What to type instead; nil when nothing is known.
    /// - Parameters:
    ///   - name: of a long option that `command` does not have.
    static func advice(_ name: String, _ command: Command) -> String? {
        if command.operands.contains(where: { $0.isRequired }), ["topic", "group", "transactional-id"].contains(name) {
            let operand = command.operands[0].placeholder
            return "\(operand) stands by itself: \(command.name) \(operand)"
        }
        guard let (option, usage) = renamed[name], command.options.contains(where: { $0.name == option }) else {
            return nil
        }
        return "it is \(usage)"
    }

    /// What to type instead; nil when nothing is known.
    /// - Parameters:
    ///   - letter: of a short option that `command` does not have.
    static func advice(_ letter: Character, _ command: Command) -> String? {
        letter == "G" && command.options.contains { $0.name == "group" } ? "it is -g GROUP -t TOPIC" : nil
    }

    /// What to type instead of an operand that `command` does not have; nil when nothing is known.
    static func operandAdvice(_ command: Command) -> String? {
        command.options.contains { $0.name == "topic" && $0.isRequired } ? "a topic is -t TOPIC" : nil
    }

    /// The command to type instead; nil when nothing is known.
    /// - Parameters:
    ///   - name: of a command that `command` does not have.
    static func subcommand(_ name: String, of command: Command) -> String? {
        guard let known = renamedCommands[name], command.descendant(known) != nil else { return nil }
        return known.joined(separator: " ")
    }

    private static let renamedCommands = [
        "reset-offsets": ["seek"], "offset-delete": ["delete-offsets"], "consumer-group": ["group"],
        "consumer-groups": ["group"], "lag": ["group", "lag"],
    ]

    private static let renamed: [String: (option: String, usage: String)] = [
        "from-beginning": ("offset", "-o beginning"), "max-messages": ("count", "-c N"),
        "broker-list": ("bootstrap-server", "-b HOST:PORT"), "producer.config": ("config", "-F FILE"),
        "consumer.config": ("config", "-F FILE"), "producer-property": ("property", "-X KEY=VALUE"),
        "consumer-property": ("property", "-X KEY=VALUE"), "isolation-level": ("isolation", "--isolation"),
        "compression-codec": ("compression", "-z CODEC"), "add-config": ("set", "--set KEY=VALUE"),
        "delete-config": ("delete", "--delete KEY"), "to-earliest": ("offset", "-o beginning"),
        "to-latest": ("offset", "-o end"), "to-offset": ("offset", "-o N"), "to-datetime": ("offset", "-o @TIME"),
        "by-duration": ("offset", "-o @-2h"), "execute": ("yes", "-y"), "timeout-ms": ("exit", "-e"),
    ]
}
