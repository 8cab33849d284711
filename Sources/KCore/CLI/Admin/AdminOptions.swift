/// Options that several commands of `kadmin` have, and what they share.
enum AdminOptions {
    static let format = CommandOption.value(
        "format", "FORMAT", kind: .choice(TextTable.Format.allCases.map(\.rawValue)), defaultValue: "text",
        help: "How to print")
    static let partitions = CommandOption.value(
        "partitions", short: "p", "N", kind: .integer(1...100_000), defaultNote: "num.partitions",
        help: "Partitions")
    static let replicas = CommandOption.value(
        "replicas", short: "r", "N", kind: .integer(1...10_000), defaultNote: "default.replication.factor",
        aliases: ["replication-factor"], help: "Replicas of each partition")
    static let topicConfig = CommandOption.value(
        "topic-config", short: "c", "KEY=VALUE", kind: .pair, repeatable: true, help: "A topic's configuration")
    static let ifNotExists = CommandOption.flag("if-not-exists", help: "A topic that is there already is no failure")
    static let ifExists = CommandOption.flag("if-exists", help: "A topic that is not there is no failure")
    static let broker = CommandOption.value(
        "broker", "ID", kind: .integer(0...Int64(Int32.max)), repeatable: true, help: "Only this broker")

    static func format(_ arguments: Arguments) -> TextTable.Format {
        TextTable.Format(rawValue: arguments.text(format) ?? "text") ?? .text
    }
}

/// One call of a `kadmin` command: its client, and what became of its items.
struct AdminRun {
    let arguments: Arguments
    let console: Console
    let client: KafkaClient
    private(set) var status = ExitStatus.done

    var admin: AdminClient { AdminClient(client) }
    var isDryRun: Bool { arguments.isGiven(CommonOptions.dryRun) }

    /// Connects, lets `body` work, disconnects. A signal ends what `body` waits for.
    static func with(
        _ arguments: Arguments, _ console: Console, _ body: (inout AdminRun) throws -> Void
    ) throws(ToolError) -> ExitStatus {
        let client = try ClientSetup.connect(arguments, console)
        defer { client.close() }
        console.interruption?.onInterrupt { client.interrupt() }
        var run = AdminRun(arguments: arguments, console: console, client: client)
        do {
            try body(&run)
        } catch let error as ToolError {
            throw error
        } catch let error as ClientError {
            if error.kind == .interrupted, let signal = console.interruption?.signal { return .signal(signal) }
            throw ToolError(error)
        } catch {
            throw ToolError("\(error)")
        }
        return run.status
    }

    /// One item failed; the others go on.
    mutating func failed(_ message: String) {
        console.failure(message)
        status = .failed
    }

    /// What was done, for people; quiet with -q.
    func done(_ message: String) {
        if !arguments.isGiven(CommonOptions.quiet) { console.print(message + "\n") }
    }

    func print(_ table: TextTable) { console.print(table.text(AdminOptions.format(arguments))) }

    /// Makes sure that what destroys is meant.
    /// - Returns: false when the answer is no.
    func confirm(_ question: String) throws(ToolError) -> Bool {
        if arguments.isGiven(CommonOptions.yes) { return true }
        guard let answer = console.confirm(question) else {
            throw .usage("nobody can be asked '\(question)' without a terminal; -y says yes, --dry-run only shows")
        }
        return answer
    }
}
