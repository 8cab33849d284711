extension Command {
    static let groupDeleteOffsets = admin(
        "delete-offsets", "Deletes a group's stored offsets of topics that it does not read",
        operands: [Operand("GROUP", required: true)],
        options: [
            GroupOptions.topic("Whose offsets to delete"), GroupOptions.partitions, CommonOptions.yes,
            CommonOptions.dryRun,
        ],
        examples: [Example("kadmin group delete-offsets billing -t orders -y", "all of one topic, without asking")]
    ) { run in
        let group = run.arguments.operands[0]
        let topics = run.arguments.texts(GroupOptions.topic)
        guard !topics.isEmpty else { throw ToolError.usage("-t TOPIC is needed: whose offsets to delete") }
        let list = try run.partitionList()
        let description = try run.admin.describeGroup(group)
        guard description.exists else { return run.failed("there is no group \(group)") }
        let stored = try run.admin.groupOffsets(group).keys
        for topic in topics where !stored.contains(where: { $0.topic == topic }) {
            run.failed("group \(group) has no stored offsets of \(topic)")
        }
        let readers = Set(description.members.flatMap { $0.partitions.map(\.topic) })
        for topic in topics where readers.contains(topic) {
            run.failed(
                "group \(group) reads \(topic); its offsets can be deleted when no member reads it"
                    + description.staticNote(readers: topic))
        }
        let partitions = stored.filter { place in
            topics.contains(place.topic) && !readers.contains(place.topic) && list?.contains(place.partition) ?? true
        }.sorted()
        for topic in topics where stored.contains(where: { $0.topic == topic }) && !readers.contains(topic) {
            if partitions.contains(where: { $0.topic == topic }) { continue }
            run.failed("group \(group) has no stored offsets of \(topic) in these partitions")
        }
        guard !partitions.isEmpty else { return run.failed("nothing was deleted") }
        let what = "\(Quantity.count(Int64(partitions.count), "offset")) of group \(group)"
        run.warnOfHeldOffsets(group, partitions)
        if run.isDryRun {
            return run.done("would delete \(what): \(partitions.map(\.description).joined(separator: " "))")
        }
        guard try run.confirm("Delete \(what)?") else { return run.failed("nothing was deleted") }
        let outcomes = try run.admin.deleteGroupOffsets(group, partitions)
        for (_, error) in outcomes { if let error { run.failed(error.message) } }
        let deleted = outcomes.count { $0.1 == nil }
        if deleted > 0 { run.done("deleted \(Quantity.count(Int64(deleted), "offset")) of group \(group)") }
    }
}
