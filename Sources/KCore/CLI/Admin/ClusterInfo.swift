extension Command {
    static let clusterInfo = admin(
        "info", "Shows the cluster's id and its brokers", options: [AdminOptions.format],
        examples: [Example("kadmin cluster info -b broker1:9092", "who is there, and who is the controller")]
    ) { run in
        let cluster = try run.admin.describeCluster()
        // Once above a table to read; in each row of one for programs, which take rows one by one.
        let isForReaders = AdminOptions.format(run.arguments) == .text
        if isForReaders { run.console.print("cluster \(cluster.clusterId ?? "without an id")\n") }
        var table = TextTable((isForReaders ? [] : ["cluster"]) + ["broker", "host", "port", "rack", "controller"])
        for broker in cluster.brokers.sorted(by: { $0.id < $1.id }) {
            let clusterId: TextTable.Cell = cluster.clusterId.map { .text($0) } ?? .none
            table.add(
                (isForReaders ? [] : [clusterId]) + [
                    .number(Int64(broker.id)), .text(broker.host), .number(Int64(broker.port)),
                    broker.rack.map { .text($0) } ?? .none, .bool(broker.id == cluster.controllerId),
                ])
        }
        run.print(table)
    }
}
