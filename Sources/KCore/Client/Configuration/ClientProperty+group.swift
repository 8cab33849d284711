extension ClientProperty {
    private static let javaAssignors = "org.apache.kafka.clients.consumer."

    /// What members of consumer groups are set up with.
    static let group: [ClientProperty] = [
        .text("group.id", \.groupId, "the group that a consumer is a member of"),
        .text(
            "group.instance.id", \.groupInstanceId,
            "makes a consumer a static member, whose share waits for it while it restarts"),
        .integer(
            "session.timeout.ms", \.sessionTimeoutMs, in: 1...Int(Int32.max),
            "after which silence a member is taken out of its group"),
        .integer(
            "heartbeat.interval.ms", \.heartbeatIntervalMs, in: 1...Int(Int32.max),
            "how often a member says that it is there"),
        .integer(
            "max.poll.interval.ms", \.maxPollIntervalMs, in: 1...Int(Int32.max),
            "after which time without a poll a member gives up its share"),
        ClientProperty(
            name: "partition.assignment.strategy", defaultText: "range,cooperative-sticky",
            values: "a list of " + Assignor.allCases.map(\.rawValue).joined(separator: ", "),
            meaning: "how partitions are shared, the best first"
        ) { config, text throws(BadValue) in
            var assignors: [Assignor] = []
            for name in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
                guard let assignor = assignor(String(name)) else { throw BadValue("there is no assignor \(name)") }
                if !assignors.contains(assignor) { assignors.append(assignor) }
            }
            guard !assignors.isEmpty else { throw BadValue("no assignor is named") }
            config.assignors = assignors
        },
        .boolean(
            "enable.auto.commit", \.isAutoCommit, "whether what a group's consumer has read is committed by itself"),
        .integer(
            "auto.commit.interval.ms", \.autoCommitIntervalMs, in: 0...Int(Int32.max), "how often that is done"),
        .choice(
            "group.protocol", \.isConsumerProtocol, default: "classic", [("classic", false), ("consumer", true)],
            "who assigns partitions: a member, or with consumer the coordinator (KIP-848)"),
        .text(
            "group.remote.assignor", \.remoteAssignor,
            "which of the coordinator's assignors to use with group.protocol=consumer"),
    ]

    /// What the coordinator says, where the protocol is KIP-848's.
    static let classicOnly = ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"]

    private static func assignor(_ name: String) -> Assignor? {
        switch name {
        case javaAssignors + "RangeAssignor": .range
        case javaAssignors + "RoundRobinAssignor": .roundRobin
        case javaAssignors + "StickyAssignor": .sticky
        case javaAssignors + "CooperativeStickyAssignor": .cooperativeSticky
        default: Assignor(rawValue: name)
        }
    }
}
