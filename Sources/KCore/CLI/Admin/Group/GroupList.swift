extension Command {
    private static let state = CommandOption.value(
        "state", "STATE",
        kind: .choiceInAnyCase([
            "Stable", "Empty", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling", "Dead",
        ]), repeatable: true, help: "Only groups in this state")

    private static let type = CommandOption.value(
        "type", "TYPE", kind: .choiceInAnyCase(["classic", "consumer"]), repeatable: true,
        help: "Only groups of this type, consumer being KIP-848")

    static let groupList = admin(
        "list", "Shows consumer groups", options: [state, type, AdminOptions.format],
        examples: [Example("kadmin group list --state Empty", "groups that nobody is a member of")]
    ) { run in
        var table = TextTable(["group", "state", "type", "protocol"])
        let (groups, missing) = try run.admin.knownGroups(
            states: run.arguments.texts(state), types: run.arguments.texts(type))
        for error in missing { run.failed("\(error.message); the broker's log says why") }
        for group in groups {
            let cells = [group.state, group.type, group.protocolType].map {
                $0.isEmpty ? TextTable.Cell.none : .text($0)
            }
            table.add([.text(group.name)] + cells)
        }
        run.print(table)
    }
}
