extension Command {
    static let apiVersions = admin(
        "versions", "Shows which APIs and versions brokers have",
        options: [AdminOptions.broker, AdminOptions.format],
        examples: [Example("kadmin api versions -b broker1:9092", "a line for each API of each broker")]
    ) { run in
        let ids = run.arguments.texts(AdminOptions.broker).compactMap { Int32($0) }
        var answers: [BrokerApiVersions] = []
        if ids.isEmpty {
            answers = try run.admin.apiVersions()
        } else {
            for id in ids { answers += try run.admin.apiVersions(broker: id) }
        }
        var table = TextTable(["broker", "key", "api", "min", "max"])
        for answer in answers {
            for (key, versions) in answer.apis.sorted(by: { $0.0.rawValue < $1.0.rawValue }) {
                table.add([
                    .number(Int64(answer.broker)), .number(Int64(key.rawValue)), .text(key.name),
                    .number(Int64(versions.lowerBound)), .number(Int64(versions.upperBound)),
                ])
            }
        }
        run.print(table)
    }
}
