/// The options of `kproduce`.
enum ProduceOptions {
    static let topic = CommandOption.value(
        "topic", short: "t", "TOPIC", help: "Topic; with --json that of each envelope when it is not given")
    static let partition = CommandOption.value(
        "partition", short: "p", "N", kind: .integer(0...Int64(Int32.max)), help: "Partition for all records")
    static let partitioner = CommandOption.value(
        "partitioner", "NAME", kind: .choice(["murmur2", "random", "round-robin", "sticky"]),
        defaultNote: "murmur2", help: "How partitions are chosen, murmur2 by the key as Java's producer does")
    static let key = CommandOption.value("key", short: "k", "KEY", help: "Key for all records")
    static let keyDelimiter = CommandOption.value(
        "key-delimiter", short: "K", "D", help: "A record is KEY D VALUE; without D in it there is no key")
    static let header = CommandOption.value(
        "header", short: "H", "NAME=VALUE", kind: .pair, repeatable: true, help: "Header for all records")
    static let delimiter = CommandOption.value(
        "delimiter", short: "D", "D", defaultValue: "\\n",
        help: "What stands between records (\\n \\t \\r \\0 \\xHH); '' makes the whole input one record")
    static let emptyIsNull = CommandOption.flag("null", short: "Z", help: "An empty value is a null (tombstone)")
    static let json = CommandOption.flag(
        "json", help: "Lines are envelopes as kconsume --json prints them")
    static let compression = CommandOption.value(
        "compression", short: "z", "CODEC", kind: .choice(["none", "gzip", "snappy", "lz4", "zstd"]),
        defaultNote: "none", help: "How batches are compressed")
    static let acks = CommandOption.value(
        "acks", "WHO", kind: .choice(["0", "1", "all", "-1"]), defaultNote: "all",
        help: "Who must have a record before it counts as delivered")
    static let batchSize = CommandOption.value(
        "batch-size", "SIZE", kind: .size(1...(1 << 30)), help: "A batch goes when it has so many bytes")
    static let linger = CommandOption.value(
        "linger-ms", "MS", kind: .integer(0...900_000), help: "or when its first record has waited so long")
    static let maxInFlight = CommandOption.value(
        "max-in-flight", "N", kind: .integer(1...1000), help: "Requests on their way to a broker at a time")
    static let bufferMemory = CommandOption.value(
        "buffer-memory", "SIZE", kind: .size(1...(1 << 40)),
        help: "Bytes that may wait for delivery; the input is held back when they are used up")

    static let transactionalId = CommandOption.value(
        "transactional-id", "ID", kind: .name,
        help: "Send in transactions; whoever else has this id is fenced, and what it left open is aborted")
    static let commitEvery = CommandOption.value(
        "commit-every", "N|DURATION", defaultNote: "all input is one transaction",
        help: "A transaction ends after N records, or after so long (100ms, 5s)")

    static let all = [
        topic, partition, partitioner, key, keyDelimiter, header, delimiter, emptyIsNull, json, compression, acks,
        batchSize, linger, maxInFlight, bufferMemory, transactionalId, commitEvery,
    ]

    /// What the options say in Kafka's properties.
    static func properties(_ arguments: Arguments) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        func map(_ option: CommandOption, _ name: String) {
            guard arguments.isGiven(option) else { return }
            // A size may have a unit.
            if case .size = option.kind, let number = arguments.integer(option) {
                result.append((name, String(number)))
            } else if let text = arguments.text(option) {
                result.append((name, text))
            }
        }
        map(partitioner, "partitioner.class")
        map(compression, "compression.type")
        map(acks, "acks")
        map(batchSize, "batch.size")
        map(linger, "linger.ms")
        map(maxInFlight, "max.in.flight.requests.per.connection")
        map(bufferMemory, "buffer.memory")
        map(transactionalId, "transactional.id")
        return result
    }
}
