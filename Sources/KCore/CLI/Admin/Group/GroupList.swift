extension Command {
    private static let state = CommandOption.value(
        "state", "STATE", repeatable: true, help: "Only groups in this state, such as Stable or Empty")

    private static let type = CommandOption.value(
        "type", "TYPE", repeatable: true, help: "Only groups of this type: classic, or consumer (KIP-848)")

    static let groupList = admin(
        "list", "Shows consumer groups", options: [state, type, AdminOptions.format],
        examples: [Example("kadmin group list --state Empty", "groups that nobody is a member of")]
    ) { run in
        var table = TextTable(["group", "state", "type", "protocol"])
        let groups = try run.admin.listGroups(states: run.arguments.texts(state), types: run.arguments.texts(type))
        for group in groups {
            let cells = [group.state, group.type, group.protocolType].map {
                $0.isEmpty ? TextTable.Cell.none : .text($0)
            }
            table.add([.text(group.name)] + cells)
        }
        run.print(table)
    }

    static let groupDescribe = admin(
        "describe", "Shows the members of groups and what is assigned to them",
        operands: [Operand("GROUP", repeatable: true, required: true)], options: [AdminOptions.format],
        examples: [Example("kadmin group describe billing", "who reads what")]
    ) { run in
        let isForReaders = AdminOptions.format(run.arguments) == .text
        var table = TextTable(
            (isForReaders ? [] : ["group", "state"]) + ["member", "instance", "client", "host", "partitions"])
        for name in run.arguments.operands {
            let group = try run.admin.describeGroup(name)
            guard group.state != "Dead" else {
                run.failed("there is no group \(name)")
                continue
            }
            if isForReaders {
                let kind = group.type == "classic" ? "" : ", protocol \(group.type)"
                let assignor = group.assignor.isEmpty ? "" : ", assignor \(group.assignor)"
                run.console.print(
                    "\(name), \(group.state), \(Quantity.count(Int64(group.members.count), "member"))\(kind)\(assignor), "
                        + "coordinator \(group.coordinator)\n")
            }
            for member in group.members {
                let partitions = TopicPartition.grouped(member.partitions).map { topic, indexes in
                    "\(topic):\(PartitionList.text(indexes))"
                }
                table.add(
                    (isForReaders ? [] : [.text(name), .text(group.state)]) + [
                        .text(member.id), member.instanceId.map { .text($0) } ?? .none, .text(member.clientId),
                        .text(member.host), partitions.isEmpty ? .none : .text(partitions.joined(separator: " ")),
                    ])
            }
            if isForReaders {
                if !group.members.isEmpty { run.print(table) }
                table = TextTable(table.columns.map(\.name))
            }
        }
        if !isForReaders { run.print(table) }
    }
}
