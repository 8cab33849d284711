extension Command {
    private static let set = CommandOption.value(
        "set", "KEY=VALUE", kind: .pair, repeatable: true, help: "Give it this value")
    private static let delete = CommandOption.value(
        "delete", "KEY", repeatable: true, help: "Go back to the cluster's value")
    private static let overridden = CommandOption.flag("overridden", help: "Only what it sets itself")

    static let topicConfig = config(
        of: "topic", "Shows or changes the configuration of topics", source: .dynamicTopic,
        examples: [
            Example("kadmin topic config orders", "all of it, and where each value comes from"),
            Example("kadmin topic config orders --set retention.ms=3600000", "keeps records for an hour"),
            Example("kadmin topic config orders --delete retention.ms", "as long as the cluster does"),
        ]
    ) { .topic($0) }

    static let groupConfig = config(
        of: "group", "Shows or changes the configuration of consumer groups of the new protocol (KIP-848)",
        details: [
            """
            What a group sets holds from the next heartbeat of each member on, also for a group that is made
            later. The brokers' group.consumer.min.* and group.consumer.max.* say what is allowed.
            """
        ],
        source: .dynamicGroup,
        examples: [
            Example("kadmin group config billing", "all of it, and where each value comes from"),
            Example(
                "kadmin group config billing --set consumer.session.timeout.ms=60000",
                "members may be silent for a minute"),
            Example("kadmin group config billing --delete consumer.session.timeout.ms", "as long as the cluster says"),
        ]
    ) { .group($0) }

    /// - Parameters:
    ///   - kind: a topic or another thing that has a configuration.
    ///   - source: of values that such a thing sets itself.
    private static func config(
        of kind: String, _ summary: String, details: [String] = [], source: ConfigSource, examples: [Example],
        _ target: @escaping @Sendable (String) -> ConfigTarget
    ) -> Command {
        admin(
            "config", summary, details: details,
            operands: [Operand(kind == "topic" ? "NAME" : kind.uppercased(), repeatable: true, required: true)],
            options: [set, delete, overridden, CommonOptions.dryRun, AdminOptions.format], examples: examples
        ) { run in
            let changes: [ConfigChange] =
                run.arguments.pairs(set).map { .set($0.name, $0.value) }
                + run.arguments.texts(delete).map { .delete($0) }
            if changes.isEmpty {
                try show(kind, source, target, &run)
            } else {
                try change(changes, source, target, &run)
            }
        }
    }

    private static func change(
        _ changes: [ConfigChange], _ source: ConfigSource, _ target: (String) -> ConfigTarget, _ run: inout AdminRun
    ) throws {
        for name in run.arguments.operands {
            do throws(ClientError) {
                let (unknown, unset) = try deletedInVain(changes, source, target(name), run)
                for line in unknown { run.failed("\(name): \(line)") }
                if !unknown.isEmpty { continue }
                for key in unset { run.done("\(name) does not set \(key)") }
                if unset.count == changes.count { continue }
                try run.admin.alterConfigs(target(name), changes, validateOnly: run.isDryRun)
                run.done("\(run.isDryRun ? "would change" : "changed") \(name)")
            } catch {
                if error.kind == .interrupted { throw error }
                run.failed(error.message)
            }
        }
    }

    /// Of the names to delete, which brokers take whatever they are: what is wrong with those that nobody has, and those that
    /// `target` does not set.
    private static func deletedInVain(
        _ changes: [ConfigChange], _ source: ConfigSource, _ target: ConfigTarget, _ run: AdminRun
    ) throws(ClientError) -> (unknown: [String], unset: [String]) {
        let deleted = changes.compactMap { if case .delete(let name) = $0 { name } else { nil } }
        guard !deleted.isEmpty, let result = try run.admin.describeConfigs([target]).first?.result else {
            return ([], [])
        }
        let entries = try result.get()
        let unknown = deleted.filter { name in !entries.contains { $0.name == name } }.map { name in
            "there is no configuration \(name)" + NearestName.question(NearestName.of(name, among: entries.map(\.name)))
        }
        let unset = deleted.filter { name in entries.contains { $0.name == name && $0.source != source } }
        return (unknown, unset)
    }

    private static func show(
        _ kind: String, _ source: ConfigSource, _ target: (String) -> ConfigTarget, _ run: inout AdminRun
    ) throws {
        let isSingle = run.arguments.operands.count == 1 && AdminOptions.format(run.arguments) == .text
        var table = TextTable((isSingle ? [] : [kind]) + ["key", "value", "source"])
        for item in try run.admin.describeConfigs(run.arguments.operands.map(target)) {
            switch item.result {
            case .failure(let error): run.failed(error.message)
            case .success(let entries):
                for entry in entries.sorted(by: { $0.name < $1.name }) {
                    if run.arguments.isGiven(overridden) && entry.source != source { continue }
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
        case .dynamicGroup: "group"
        case .dynamicBroker: "broker"
        case .dynamicDefaultBroker: "all-brokers"
        case .staticBroker: "file"
        case .default: "default"
        default: "source-\(rawValue)"
        }
    }
}
