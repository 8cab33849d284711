extension Command {
    private static let set = CommandOption.value(
        "set", "KEY=VALUE", kind: .pair, repeatable: true, help: "Give the topic this value")
    private static let delete = CommandOption.value(
        "delete", "KEY", repeatable: true, help: "Go back to the cluster's value")
    private static let overridden = CommandOption.flag("overridden", help: "Only what the topic sets itself")

    static let topicConfig = admin(
        "config", "Shows or changes the configuration of topics",
        operands: [Operand("NAME", repeatable: true, required: true)],
        options: [set, delete, overridden, CommonOptions.dryRun, AdminOptions.format],
        examples: [
            Example("kadmin topic config orders", "all of it, and where each value comes from"),
            Example("kadmin topic config orders --set retention.ms=3600000", "keeps records for an hour"),
            Example("kadmin topic config orders --delete retention.ms", "as long as the cluster does"),
        ]
    ) { run in
        let changes: [ConfigChange] =
            run.arguments.pairs(set).map { .set($0.name, $0.value) } + run.arguments.texts(delete).map { .delete($0) }
        guard changes.isEmpty else {
            for name in run.arguments.operands {
                do throws(ClientError) {
                    try run.admin.alterConfigs(.topic(name), changes, validateOnly: run.isDryRun)
                    run.done("\(run.isDryRun ? "would change" : "changed") \(name)")
                } catch {
                    if error.kind == .interrupted { throw error }
                    run.failed(error.message)
                }
            }
            return
        }
        let isSingle = run.arguments.operands.count == 1 && AdminOptions.format(run.arguments) == .text
        var table = TextTable((isSingle ? [] : ["topic"]) + ["key", "value", "source"])
        for item in try run.admin.describeConfigs(run.arguments.operands.map { .topic($0) }) {
            switch item.result {
            case .failure(let error): run.failed(error.message)
            case .success(let entries):
                for entry in entries.sorted(by: { $0.name < $1.name }) {
                    if run.arguments.isGiven(overridden) && entry.source != .dynamicTopic { continue }
                    let cells: [TextTable.Cell] = [
                        .text(entry.name), entry.value.map { .text($0) } ?? .none, .text(entry.source.label),
                    ]
                    table.add((isSingle ? [] : [.text(item.name)]) + cells)
                }
            }
        }
        if !table.rows.isEmpty || run.status == .done { run.print(table) }
    }
}

extension ConfigSource {
    /// Where a value was set, in a word.
    var label: String {
        switch self {
        case .dynamicTopic: "topic"
        case .dynamicBroker: "broker"
        case .dynamicDefaultBroker: "all-brokers"
        case .staticBroker: "file"
        case .default: "default"
        default: "source-\(rawValue)"
        }
    }
}
