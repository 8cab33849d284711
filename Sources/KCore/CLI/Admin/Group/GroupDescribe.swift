extension Command {
    static let groupDescribe = admin(
        "describe", "Shows the members of groups and what is assigned to them",
        details: [
            """
            --format json prints an object for each group: group, state, type, protocol, assignor, coordinator
            and members, an array of objects: member, instance, client, host and partitions, an array of topic
            and partition. --format awk prints a line for each member, and one without a member for a group
            that has none.
            """
        ],
        operands: [Operand("GROUP", repeatable: true, required: true)], options: [AdminOptions.format],
        examples: [Example("kadmin group describe billing", "who reads what")]
    ) { run in
        let format = AdminOptions.format(run.arguments)
        let columns = ["member", "instance", "client", "host", "partitions"]
        var all = TextTable(["group", "state"] + columns + ["type", "protocol", "assignor", "coordinator"])
        var objects: [String] = []
        for name in run.arguments.operands {
            let group = try run.admin.describeGroup(name)
            guard group.exists else {
                run.failed("there is no group \(name)")
                continue
            }
            switch format {
            case .json: objects.append(group.json)
            case .awk:
                let empty = [TextTable.Cell](repeating: .none, count: columns.count)
                for cells in group.members.isEmpty ? [empty] : group.members.map(\.cells) {
                    all.add(
                        [.text(name), .text(group.state)] + cells + [
                            .text(group.type), .text(group.protocolType), .text(group.assignor),
                            .number(Int64(group.coordinator)),
                        ])
                }
            case .text:
                run.console.print(group.headline)
                guard !group.members.isEmpty else { continue }
                var table = TextTable(columns)
                for member in group.members { table.add(member.cells) }
                run.print(table)
            }
        }
        switch format {
        case .json: run.console.print(objects.isEmpty ? "[]\n" : "[\n" + objects.joined(separator: ",\n") + "\n]\n")
        case .awk: run.print(all)
        case .text: break
        }
    }
}

extension GroupDescription {
    fileprivate var headline: String {
        let kind = type == "classic" ? "" : ", protocol \(type)"
        let shownAssignor = assignor.isEmpty ? "" : ", assignor \(assignor)"
        return "\(name), \(state), \(Quantity.count(Int64(members.count), "member"))\(kind)\(shownAssignor), "
            + "coordinator \(coordinator)\n"
    }

    fileprivate var json: String {
        let fields = [
            ("group", JSONText.quoted(name)), ("state", JSONText.quoted(state)), ("type", JSONText.quoted(type)),
            ("protocol", JSONText.quoted(protocolType)), ("assignor", JSONText.quoted(assignor)),
            ("coordinator", "\(coordinator)"),
            ("members", "[" + members.map(\.json).joined(separator: ",") + "]"),
        ]
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }
}

extension GroupDescription.Member {
    fileprivate var cells: [TextTable.Cell] {
        let shares = TopicPartition.grouped(partitions).map { topic, indexes in
            "\(topic):\(PartitionList.text(indexes))"
        }
        return [
            .text(id), instanceId.map { .text($0) } ?? .none, .text(clientId), .text(host),
            shares.isEmpty ? .none : .text(shares.joined(separator: " ")),
        ]
    }

    fileprivate var json: String {
        let places = partitions.map { "{\"topic\":\(JSONText.quoted($0.topic)),\"partition\":\($0.partition)}" }
        let fields = [
            ("member", JSONText.quoted(id)), ("instance", instanceId.map { JSONText.quoted($0) } ?? "null"),
            ("client", JSONText.quoted(clientId)), ("host", JSONText.quoted(host)),
            ("partitions", "[" + places.joined(separator: ",") + "]"),
        ]
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }
}
