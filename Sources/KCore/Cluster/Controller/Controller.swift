/// Decides about changes of the cluster: a request and the present image go in, the records that carry it out and the
/// answer come out. It reads no clock, keeps no thread and does no I/O; chance is handed in. The records take effect
/// only when a ``MetadataStore`` has committed them.
struct Controller: Sendable {
    /// What the broker was started with: defaults of new topics, what is switched off.
    let config: BrokerConfig
    let nodeId: Int32
    /// For ids of topics and the placement of replicas.
    var random: any RandomNumberGenerator & Sendable

    /// Partitions that one request may create, as in Kafka.
    static let maxPartitionsPerRequest = 10_000
    /// Producer ids that a broker gets at a time.
    static let producerIdBlockSize: Int64 = 1000

    init(
        config: BrokerConfig, nodeId: Int32,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.config = config
        self.nodeId = nodeId
        self.random = random
    }

    /// An id that no topic of `image` has.
    mutating func makeTopicId(_ image: ClusterImage) -> Uuid {
        while true {
            let id = Uuid.random(using: &random)
            if image.topic(id: id) == nil { return id }
        }
    }

    /// What every place sets, for this node, in `image`.
    func resolver(_ image: ClusterImage) -> ConfigResolver {
        ConfigResolver(broker: config, nodeId: nodeId, image: image)
    }
}

/// What the controller makes of a request.
struct ControllerResult<Response: Sendable>: Sendable {
    /// To be committed together, all or none. Empty when nothing changes.
    var records: [MetadataLogRecord] = []
    var response: Response
}

/// A request that the controller answers.
protocol ControllerRequest: Sendable {
    associatedtype Response: Sendable
    func decide(_ controller: inout Controller, _ image: ClusterImage) -> ControllerResult<Response>
    /// The answer when the request as a whole cannot be carried out.
    func refused(_ error: ApiError) -> Response
}

/// What went wrong with a request or with one item of it.
struct ApiError: Error, Equatable, Sendable {
    var code: ErrorCode
    /// A sentence for a person, of a length that every answer can hold.
    let message: String

    /// Bytes of a message. It may repeat a name of a request, which itself can be as long as a string can be.
    static let maxMessageBytes = 2000

    /// - Parameter message: its end is left out when it is too long.
    init(_ code: ErrorCode, _ message: String) {
        self.code = code
        let bytes = message.utf8
        self.message =
            bytes.count <= Self.maxMessageBytes
            ? message : String(decoding: bytes.prefix(Self.maxMessageBytes), as: UTF8.self) + "..."
    }
}
