extension Command {
    static let groupDelete = admin(
        "delete", "Deletes groups without members, with their offsets",
        operands: [Operand("GROUP", repeatable: true, required: true)],
        options: [CommonOptions.yes, CommonOptions.dryRun],
        examples: [Example("kadmin group delete test1 test2 -y", "without asking")]
    ) { run in
        let names = run.arguments.operands.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        if run.isDryRun {
            for name in names {
                let group = try run.admin.describeGroup(name)
                if group.state == "Dead" {
                    run.failed("there is no group \(name)")
                } else if !group.members.isEmpty {
                    run.failed("group \(name) has \(Quantity.count(Int64(group.members.count), "member"))")
                } else {
                    run.done("would delete \(name)")
                }
            }
            return
        }
        guard try run.confirm("Delete \(names.joined(separator: ", ")) with all stored offsets?") else {
            return run.failed("nothing was deleted")
        }
        for item in try run.admin.deleteGroups(names) {
            switch item.result {
            case .success: run.done("deleted \(item.name)")
            case .failure(let error): run.failed(error.message)
            }
        }
    }

    static let groupDeleteOffsets = admin(
        "delete-offsets", "Deletes a group's stored offsets of topics that it does not read",
        operands: [Operand("GROUP", required: true)],
        options: [GroupOptions.topic, GroupOptions.partitions, CommonOptions.yes, CommonOptions.dryRun],
        examples: [Example("kadmin group delete-offsets billing -t orders -y", "all of one topic, without asking")]
    ) { run in
        let group = run.arguments.operands[0]
        let topics = run.arguments.texts(GroupOptions.topic)
        guard !topics.isEmpty else { throw ToolError.usage("-t TOPIC is needed: whose offsets to delete") }
        let list = try run.arguments.text(GroupOptions.partitions).map { text throws(ToolError) in
            try PartitionList(text)
        }
        let partitions = try run.admin.groupOffsets(group).keys.filter { partition in
            topics.contains(partition.topic) && list?.contains(partition.partition) ?? true
        }.sorted()
        guard !partitions.isEmpty else { return run.failed("group \(group) has no stored offsets there") }
        let what = "\(Quantity.count(Int64(partitions.count), "offset")) of group \(group)"
        if run.isDryRun {
            return run.done("would delete \(what): \(partitions.map(\.description).joined(separator: " "))")
        }
        guard try run.confirm("Delete \(what)?") else { return run.failed("nothing was deleted") }
        let outcomes = try run.admin.deleteGroupOffsets(group, partitions)
        for (_, error) in outcomes { if let error { run.failed(error.message) } }
        run.done("deleted \(Quantity.count(Int64(outcomes.count { $0.1 == nil }), "offset")) of group \(group)")
    }
}
