extension Command {
    static let groupDelete = admin(
        "delete", "Deletes groups without members, with their offsets",
        operands: [Operand("GROUP", repeatable: true, required: true)],
        options: [CommonOptions.yes, CommonOptions.dryRun],
        examples: [Example("kadmin group delete test1 test2 -y", "without asking")]
    ) { run in
        let names = run.arguments.operands.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        for name in names {
            if let stored = try? run.admin.groupOffsets(name) { run.warnOfHeldOffsets(name, stored.keys.sorted()) }
        }
        if run.isDryRun {
            for name in names {
                let group = try run.admin.describeGroup(name)
                if !group.exists {
                    run.failed("there is no group \(name)")
                } else if !group.members.isEmpty {
                    run.failed(
                        "group \(name) has \(Quantity.count(Int64(group.members.count), "member"))" + group.staticNote()
                    )
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
            case .failure(let error):
                let isUsed = error.errorCode == .nonEmptyGroup
                let note = isUsed ? (try? run.admin.describeGroup(item.name))?.staticNote() : nil
                run.failed(error.message + (note ?? ""))
            }
        }
    }
}
