extension ClientProperty {
    private static let milliseconds = 0...Int(Int32.max)
    private static let bytes = 0...Int(Int32.max)
    private static let javaPackage = "org.apache.kafka.clients.producer."

    /// Every property that has an effect.
    static let all: [ClientProperty] = connection + producer + consumer + group

    private static let connection: [ClientProperty] = [
        ClientProperty(
            name: "bootstrap.servers", aliases: ["metadata.broker.list"], defaultText: "localhost:9092",
            values: "HOST:PORT[,HOST:PORT...]", meaning: "brokers that are asked for the rest of the cluster"
        ) { config, text throws(BadValue) in
            config.bootstrapServers = try HostAndPort.list(text)
        },
        .text("client.id", \.clientId, "the name that brokers log and count by"),
        .choice(
            "security.protocol", \.isPlaintext, default: "PLAINTEXT", [("PLAINTEXT", true)],
            notYet: ["SSL", "SASL_PLAINTEXT", "SASL_SSL"],
            "how brokers are spoken to; TLS and SASL are not there yet"),
        .integer(
            "request.timeout.ms", also: ["socket.timeout.ms"], \.requestTimeoutMs, in: 1...Int(Int32.max),
            "how long a broker may take to answer"),
        .integer(
            "default.api.timeout.ms", \.defaultApiTimeoutMs, in: milliseconds,
            "how long a call of the admin client or a look-up of offsets may take, retries included"),
        .integer(
            "retries", also: ["message.send.max.retries"], \.retries, in: 0...Int(Int32.max),
            "how often a failed batch is sent again, within delivery.timeout.ms"),
        .integer("retry.backoff.ms", \.retryBackoffMs, in: 0...300_000, "the wait before the first retry"),
        .integer(
            "retry.backoff.max.ms", \.retryBackoffMaxMs, in: 0...300_000,
            "the longest wait before a retry; it doubles up to here"),
        .integer(
            "reconnect.backoff.ms", \.reconnectBackoffMs, in: 0...3_600_000,
            "the wait before a broker is connected to again"),
        .integer(
            "reconnect.backoff.max.ms", \.reconnectBackoffMaxMs, in: 0...3_600_000,
            "the longest such wait; it doubles up to here"),
        .integer(
            "socket.connection.setup.timeout.ms", \.connectionSetupTimeoutMs, in: 1...Int(Int32.max),
            "how long connecting may take"),
        .integer(
            "connections.max.idle.ms", \.connectionsMaxIdleMs, in: milliseconds,
            "after which idle time a connection is closed; 0 never"),
        .integer(
            "metadata.max.age.ms", also: ["topic.metadata.refresh.interval.ms"], \.metadataMaxAgeMs, in: milliseconds,
            "after which time metadata is asked for anew, even without a reason"),
        .boolean(
            "allow.auto.create.topics", \.allowAutoCreateTopics,
            "whether a producer may make the broker create a topic by asking for it"),
    ]

    private static let producer: [ClientProperty] = [
        .choice(
            "acks", also: ["request.required.acks"], \.acks, default: "all",
            [("0", .none), ("1", .leader), ("all", .all)], synonyms: [("-1", .all)],
            "who must have a batch before it counts as delivered"),
        .integer(
            "linger.ms", also: ["queue.buffering.max.ms"], \.lingerMs, in: 0...900_000,
            "how long a batch waits for more records"),
        .integer("batch.size", \.batchSizeBytes, in: 1...(1 << 30), "bytes at which a batch goes without waiting"),
        .integer(
            "buffer.memory", \.bufferMemoryBytes, in: 1...(1 << 40),
            "bytes that may wait to be delivered before the sender is held back"),
        .integer(
            "max.block.ms", \.maxBlockMs, in: milliseconds,
            "how long a producer waits for the metadata of a topic"),
        .integer(
            "max.in.flight.requests.per.connection", also: ["max.in.flight"], \.maxInFlight, in: 1...1000,
            "requests on their way to one broker; at most 5 with idempotence"),
        .choice(
            "compression.type", also: ["compression.codec"], \.compression, default: "none",
            CompressionCodec.allCases.map { ($0.name, $0) }, "how batches are compressed"),
        ClientProperty(
            name: "compression.level",
            aliases: [
                "compression.gzip.level", "compression.lz4.level",
                "compression.zstd.level",
            ], defaultText: "-1", values: "a whole number, -1 for the codec's default",
            meaning: "how hard the codec tries"
        ) { config, text throws(BadValue) in
            guard let level = Int(text), (-131_072...22).contains(level) else { throw BadValue("no such level") }
            config.compressionLevel = level == -1 ? nil : level
        },
        ClientProperty(
            name: "enable.idempotence", defaultText: "true", values: "true or false",
            meaning: "whether the broker refuses a batch that it has already, so that a retry makes no duplicate"
        ) { config, text throws(BadValue) in
            guard text == "true" || text == "false" else { throw BadValue("not true or false") }
            config.isIdempotent = text == "true"
            config.isIdempotenceExplicit = config.isIdempotent
        },
        .integer(
            "delivery.timeout.ms", also: ["message.timeout.ms"], \.deliveryTimeoutMs, in: 1...Int(Int32.max),
            "after which time a record that was not acknowledged has failed"),
        ClientProperty(
            name: "transactional.id", defaultText: "", values: "any text that is not empty",
            meaning: "the name by which a producer finishes or fences what one of the same name has begun"
        ) { config, text throws(BadValue) in
            guard !text.isEmpty else { throw BadValue("it names nobody; leave it out to send without transactions") }
            guard text.utf8.count <= Int(Int16.max) else { throw BadValue("too long") }
            config.transactionalId = text
        },
        .integer(
            "transaction.timeout.ms", \.transactionTimeoutMs, in: 1...Int(Int32.max),
            "after which time the broker aborts a transaction that is still open"),
        .integer(
            "max.request.size", also: ["message.max.bytes"], \.maxRequestBytes, in: 1...(1 << 30),
            "bytes of the largest request, and so of the largest record"),
        .choice(
            "partitioner.class", also: ["partitioner"], \.partitioner, default: "murmur2",
            Partitioner.Kind.allCases.map { ($0.rawValue, $0) },
            synonyms: [
                ("murmur2_random", .murmur2), (javaPackage + "internals.DefaultPartitioner", .murmur2),
                (javaPackage + "RoundRobinPartitioner", .roundRobin),
                (javaPackage + "UniformStickyPartitioner", .sticky),
            ], "how the partition of a record is chosen"),
    ]

    private static let consumer: [ClientProperty] = [
        .integer(
            "fetch.min.bytes", \.fetchMinBytes, in: 1...Int(Int32.max),
            "bytes that a broker waits for before it answers a fetch"),
        .integer("fetch.max.bytes", \.fetchMaxBytes, in: bytes, "bytes of one fetch, unless one batch is larger"),
        .integer(
            "fetch.max.wait.ms", also: ["fetch.wait.max.ms"], \.fetchMaxWaitMs, in: milliseconds,
            "how long a broker waits for fetch.min.bytes"),
        .integer(
            "max.partition.fetch.bytes", also: ["fetch.message.max.bytes"], \.maxPartitionFetchBytes, in: bytes,
            "bytes of one partition in one fetch, unless one batch is larger"),
        ClientProperty(
            name: "queued.max.messages.kbytes", defaultText: "65536", values: "a whole number from 1 to 2097151",
            meaning: "kilobytes that are fetched ahead of the reader"
        ) { config, text throws(BadValue) in
            guard let value = Int(text), (1...2_097_151).contains(value) else { throw BadValue("out of range") }
            config.maxQueuedBytes = value << 10
        },
        .choice(
            "isolation.level", \.isolation, default: "read_uncommitted",
            [("read_uncommitted", .readUncommitted), ("read_committed", .readCommitted)],
            "whether records of transactions are seen before, and also without, their commit"),
        .choice(
            "auto.offset.reset", \.autoOffsetReset, default: "latest",
            [("earliest", .earliest), ("latest", .latest), ("none", .fail)],
            synonyms: [
                ("smallest", .earliest), ("beginning", .earliest), ("largest", .latest), ("end", .latest),
                ("error", .fail),
            ],
            notYet: ["by_duration"],
            "where to go on when an offset does not exist any more; none fails"),
        .boolean("check.crcs", \.checkCrcs, "whether the checksums of fetched batches are checked"),
        .text("client.rack", \.clientRack, "where the client is, for reading from the nearest replica"),
    ]
}

extension ClientConfig {
    // There is one value that can be set yet.
    fileprivate var isPlaintext: Bool {
        get { true }
        set {}
    }
}

extension HostAndPort {
    /// Reads `HOST:PORT[,HOST:PORT...]`; without a port it is 9092, IPv6 addresses stand in brackets, and the
    /// `PLAINTEXT://` of a listener may stand in front.
    static func list(_ text: String) throws(ClientProperty.BadValue) -> [HostAndPort] {
        var servers: [HostAndPort] = []
        for item in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            servers.append(try HostAndPort(parsing: item))
        }
        guard !servers.isEmpty else { throw .init("no server is named") }
        return servers
    }

    init(parsing text: Substring) throws(ClientProperty.BadValue) {
        var rest = text
        let scheme = "PLAINTEXT://"
        if rest.uppercased().hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        var portText: Substring = "9092"
        if rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
            let behind = rest[rest.index(after: close)...]
            guard behind.isEmpty || behind.hasPrefix(":") else { throw .init("\(text) is no HOST:PORT") }
            if !behind.isEmpty { portText = behind.dropFirst() }
            rest = rest[rest.index(after: rest.startIndex)..<close]
        } else if let colon = rest.lastIndex(of: ":") {
            portText = rest[rest.index(after: colon)...]
            rest = rest[..<colon]
            guard !rest.contains(":") else { throw .init("\(text): an IPv6 address stands in brackets") }
        }
        guard !rest.isEmpty else { throw .init("\(text) has no host") }
        guard let port = UInt16(portText), port > 0 else { throw .init("\(portText) is no port") }
        self.init(host: String(rest), port: port)
    }
}
