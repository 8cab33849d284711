/// Where a broker listens.
public struct HostAndPort: Hashable, Sendable, CustomStringConvertible {
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    public var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Who must have a batch before the broker answers.
public enum Acks: Int16, Sendable {
    /// Nobody; there is no answer, and nobody knows what became of a record.
    case none = 0
    case leader = 1
    /// All replicas that are in sync.
    case all = -1
}

/// Where a consumer goes on when its offset does not exist (any more).
public enum OffsetReset: String, Sendable {
    case earliest, latest
    /// Tell the caller.
    case fail = "none"
}

/// What a client is set up with: Kafka's client properties, typed. See ``ClientConfig/properties`` for the table.
public struct ClientConfig: Sendable {
    public internal(set) var bootstrapServers = [HostAndPort(host: "localhost", port: 9092)]
    public internal(set) var clientId = ""

    var requestTimeoutMs = 30_000
    var retries = Int(Int32.max)
    var retryBackoffMs = 100
    var retryBackoffMaxMs = 1000
    var reconnectBackoffMs = 50
    var reconnectBackoffMaxMs = 1000
    var connectionSetupTimeoutMs = 10_000
    var connectionsMaxIdleMs = 540_000
    var metadataMaxAgeMs = 300_000
    var defaultApiTimeoutMs = 60_000
    var maxBlockMs = 60_000
    var allowAutoCreateTopics = true

    public internal(set) var acks = Acks.all
    public internal(set) var lingerMs = 5
    public internal(set) var batchSizeBytes = 256 << 10
    public internal(set) var bufferMemoryBytes = 32 << 20
    public internal(set) var maxInFlight = 5
    public internal(set) var compression = CompressionCodec.none
    /// Nil for the codec's own default.
    public internal(set) var compressionLevel: Int?
    public internal(set) var isIdempotent = true
    /// Empty for a producer without transactions.
    public internal(set) var transactionalId = ""
    var transactionTimeoutMs = 60_000
    var deliveryTimeoutMs = 120_000
    var maxRequestBytes = 1 << 20
    public internal(set) var partitioner = Partitioner.Kind.murmur2

    var fetchMinBytes = 1
    var fetchMaxBytes = 50 << 20
    var fetchMaxWaitMs = 500
    var maxPartitionFetchBytes = 1 << 20
    var maxQueuedBytes = 64 << 20
    var isolation = IsolationLevel.readUncommitted
    /// Nil where nobody set it, which is `latest` to the protocol's clients.
    public internal(set) var autoOffsetReset: OffsetReset?
    var checkCrcs = true
    var clientRack = ""

    /// Empty for a consumer without a group.
    public internal(set) var groupId = ""
    var groupInstanceId = ""
    /// `group.protocol=consumer`
    var isConsumerProtocol = false
    /// Empty to leave it to the coordinator.
    var remoteAssignor = ""
    var sessionTimeoutMs = 45_000
    var heartbeatIntervalMs = 3000
    var maxPollIntervalMs = 300_000
    var assignors: [Assignor] = [.range, .cooperativeSticky]
    public internal(set) var isAutoCommit = true
    public internal(set) var autoCommitIntervalMs = 5000

    var isIdempotenceExplicit = false
    private var explicitClassicOnly: [String] = []

    /// What was set and has no effect here, a line each.
    public internal(set) var warnings: [String] = []

    var isTransactional: Bool { !transactionalId.isEmpty }

    /// The defaults.
    public init() {}

    /// - Parameter properties: by Kafka's names; later ones win over earlier ones.
    /// - Throws: ``ClientError/Kind/configuration`` for a name that nobody has, with the nearest one, for a value that
    ///   the property cannot have, and for properties that contradict each other.
    public init(_ properties: [(name: String, value: String)]) throws(ClientError) {
        for (name, value) in properties {
            try set(name, value)
        }
        try settle()
    }

    mutating func set(_ name: String, _ value: String) throws(ClientError) {
        let value = trimmed(value)
        if let property = ClientProperty.named(name) {
            if ClientProperty.classicOnly.contains(property.name) { explicitClassicOnly.append(property.name) }
            do {
                try property.apply(&self, value)
            } catch {
                throw ClientError(.configuration, "\(name)=\(value): \(error.reason); \(property.values)")
            }
        } else if let why = ClientProperty.refused(name) {
            throw ClientError(.configuration, "\(name): \(why)")
        } else if let why = ClientProperty.withoutEffect(name) {
            warnings.append("\(name) has no effect: \(why)")
        } else {
            let nearest = NearestName.of(name, among: ClientProperty.all.map(\.name))
            let advice = NearestName.question(nearest)
            throw ClientError(.configuration, "there is no client property \(name)\(advice)")
        }
    }

    // What Java's and librdkafka's producers require of idempotence: asked for, a contradiction is an error; not asked
    // for, it gives way.
    private mutating func settle() throws(ClientError) {
        if isTransactional {
            guard isIdempotent else {
                throw ClientError(.configuration, "transactional.id needs enable.idempotence=true")
            }
            isIdempotenceExplicit = true
        }
        if isConsumerProtocol {
            for name in explicitClassicOnly {
                warnings.append("\(name) has no effect: with group.protocol=consumer the coordinator decides")
            }
        } else if !remoteAssignor.isEmpty {
            warnings.append("group.remote.assignor has no effect: without group.protocol=consumer a member decides")
        }
        if isIdempotent {
            let conflict: String? =
                if acks != .all {
                    "acks=all"
                } else if maxInFlight > 5 {
                    "max.in.flight.requests.per.connection of at most 5"
                } else if retries == 0 {
                    "retries above 0"
                } else {
                    nil
                }
            if let conflict {
                if isIdempotenceExplicit {
                    throw ClientError(.configuration, "enable.idempotence=true needs \(conflict)")
                }
                isIdempotent = false
            }
        }
        if retryBackoffMs > retryBackoffMaxMs { retryBackoffMaxMs = retryBackoffMs }
        if reconnectBackoffMs > reconnectBackoffMaxMs { reconnectBackoffMaxMs = reconnectBackoffMs }
        if deliveryTimeoutMs < lingerMs + requestTimeoutMs {
            throw ClientError(
                .configuration,
                "delivery.timeout.ms=\(deliveryTimeoutMs) is less than linger.ms + request.timeout.ms = "
                    + "\(lingerMs + requestTimeoutMs); raise it or lower those")
        }
        if heartbeatIntervalMs >= sessionTimeoutMs {
            throw ClientError(
                .configuration,
                "heartbeat.interval.ms=\(heartbeatIntervalMs) is not below session.timeout.ms=\(sessionTimeoutMs); "
                    + "lower it to a third of that")
        }
        if batchSizeBytes > bufferMemoryBytes {
            throw ClientError(
                .configuration, "batch.size=\(batchSizeBytes) is more than buffer.memory=\(bufferMemoryBytes)")
        }
    }

    var retryBackoff: Backoff { Backoff(firstMs: Int64(retryBackoffMs), maxMs: Int64(retryBackoffMaxMs)) }
    var reconnectBackoff: Backoff { Backoff(firstMs: Int64(reconnectBackoffMs), maxMs: Int64(reconnectBackoffMaxMs)) }
}

private func trimmed(_ text: String) -> String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    var slice = text[...]
    while let first = slice.first, isBlank(first) { slice.removeFirst() }
    while let last = slice.last, isBlank(last) { slice.removeLast() }
    return String(slice)
}
