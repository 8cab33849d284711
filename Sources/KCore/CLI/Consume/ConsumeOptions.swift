/// The options of `kconsume`.
enum ConsumeOptions {
    static let topic = CommandOption.value(
        "topic", short: "t", "TOPIC[,...]", repeatable: true, required: true,
        help: "Topics, or ^REGEX over all topics (RE2's syntax)")
    static let partitions = CommandOption.value(
        "partition", short: "p", "N[,N-M]", defaultNote: "all", help: "Partitions")
    static let offset = CommandOption.value(
        "offset", short: "o", "WHERE", defaultNote: "stored with -g, else what auto.offset.reset says, else end",
        help: "Where to start: stored, beginning, end, N, -N (the last N of each partition), @TIME (ms since 1970, "
            + "2026-11-21T09:30Z, -2h), or a range A:B of these, B not included")
    static let group = CommandOption.value(
        "group", short: "g", "GROUP", kind: .name, help: "Read as a member of this consumer group: group.id")
    static let commit = CommandOption.value(
        "commit", "WHEN", kind: .choice(ConsumeSettings.Commit.allCases.map(\.rawValue)), defaultNote: "after",
        help: "With -g, when a record counts as read: before it is printed, after that, or never")
    static let sink = CommandOption.value(
        "sink", "DIR", kind: .path,
        help:
            "Write to files in DIR, with the position beside them: started again it goes on where they end, and after "
            + "a crash at any moment nothing is missing or there twice")
    static let count = CommandOption.value(
        "count", short: "c", "N", kind: .integer(0...(.max)), help: "Stop after N records")
    static let exitAtEnd = CommandOption.flag(
        "exit", short: "e", help: "Stop at the end as it was at the start, or where a range stops before")
    static let format = CommandOption.value(
        "format", short: "f", "FORMAT", help: "What to print for a record, see above")
    static let json = CommandOption.flag("json", help: "Print an envelope a line, which kproduce --json reads")
    static let isolation = CommandOption.value(
        "isolation", "LEVEL", kind: .choice(["read_committed", "read_uncommitted"]),
        defaultNote: "read_committed", help: "Whether records of transactions are shown only once they are committed")

    static let all = [
        topic, group, commit, sink, partitions, offset, count, exitAtEnd, format, json, isolation,
    ]
}
