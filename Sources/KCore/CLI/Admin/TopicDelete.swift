extension Command {
    static let topicDelete = admin(
        "delete", "Deletes topics with all their records",
        operands: [Operand("NAME", repeatable: true, required: true)],
        options: [CommonOptions.yes, CommonOptions.dryRun, AdminOptions.ifExists],
        examples: [Example("kadmin topic delete test1 test2 -y", "without asking")]
    ) { run in
        var names = run.arguments.operands
        if run.isDryRun {
            for item in try run.admin.describeTopics(names) {
                switch item.result {
                case .success(let topic):
                    run.done(
                        "would delete \(topic.name), \(Quantity.count(Int64(topic.partitions.count), "partition"))")
                case .failure(let error): run.failed(error.message)
                }
            }
            return
        }
        names = names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        let question =
            names.count == 1 ? "Delete \(names[0]) and all its records?" : "Delete \(names.joined(separator: ", "))?"
        guard try run.confirm(question) else { return run.failed("nothing was deleted") }
        for item in try run.admin.deleteTopics(names) {
            switch item.result {
            case .success: run.done("deleted \(item.name)")
            case .failure(let error)
            where error.errorCode == .unknownTopicOrPartition && run.arguments.isGiven(AdminOptions.ifExists):
                run.done("\(item.name) is not there")
            case .failure(let error): run.failed(error.message)
            }
        }
    }
}
