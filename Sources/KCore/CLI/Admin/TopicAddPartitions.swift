extension Command {
    private static let number = CommandOption.value(
        "number", short: "n", "N", kind: .integer(1...100_000), help: "How many to add")
    private static let total = CommandOption.value(
        "partitions", short: "p", "TOTAL", kind: .integer(1...100_000), help: "How many there shall be then")

    static let topicAddPartitions = admin(
        "add-partitions", "Adds partitions to topics",
        details: ["Keys may go to other partitions afterwards: murmur2 depends on the number of partitions."],
        operands: [Operand("NAME", repeatable: true, required: true)],
        options: [number, total, CommonOptions.dryRun],
        examples: [
            Example("kadmin topic add-partitions orders -n 2", "two more"),
            Example("kadmin topic add-partitions orders payments -p 12", "each has twelve then"),
        ]
    ) { run in
        let arguments = run.arguments
        guard arguments.isGiven(number) != arguments.isGiven(total) else {
            throw ToolError.usage("say either -n, how many to add, or -p, how many there shall be")
        }
        var counts: [(topic: String, count: Int32)] = []
        for item in try run.admin.describeTopics(arguments.operands) {
            switch item.result {
            case .failure(let error): run.failed(error.message)
            case .success(let topic):
                let now = Int64(topic.partitions.count)
                let count = arguments.integer(total) ?? now + (arguments.integer(number) ?? 0)
                if count <= now {
                    run.failed("\(topic.name) has \(now) partitions already; partitions cannot be taken away")
                } else {
                    counts.append((topic.name, Int32(clamping: count)))
                }
            }
        }
        guard !counts.isEmpty else { return }
        for item in try run.admin.createPartitions(counts, validateOnly: run.isDryRun) {
            let count = counts.first { $0.topic == item.name }?.count ?? 0
            switch item.result {
            case .success: run.done("\(item.name) \(run.isDryRun ? "would have" : "has") \(count) partitions")
            case .failure(let error): run.failed(error.message)
            }
        }
    }
}
