/// What a broker does with one client's connection: takes its frames, finds who handles them, and closes it when a
/// frame cannot be read.
///
/// A request that is malformed, unknown or in an unknown version harms nobody but its own connection, which is closed
/// as Kafka closes it.
///
/// `@unchecked Sendable`: `parked` and `produces` are touched on the connection's loop only; the rest never changes.
final class ClientConnection: ConnectionHandler, @unchecked Sendable {
    let broker: Broker
    let view: LoopView
    let listenerName: String
    /// Produce requests that wait for a coordinator or a disk, and those behind them.
    var produces = ProduceOrder()
    // Fetches that wait for records: they are given up when the connection ends.
    private var parked: [ObjectIdentifier: FetchOperation] = [:]

    init(broker: Broker, view: LoopView, listenerName: String) {
        self.broker = broker
        self.view = view
        self.listenerName = listenerName
    }

    func received(_ frame: Bytes, on connection: Connection) {
        do throws(WireError) {
            try dispatch(frame, on: connection)
        } catch {
            broker.logger.info(
                "connection closed: a request cannot be read: \(error)",
                ["peer": peer(of: connection), "bytes": frame.count])
            connection.close(.local)
        }
    }

    private func dispatch(_ frame: Bytes, on connection: Connection) throws(WireError) {
        let (key, version, correlationId) = try RequestHeader.peek(frame)
        guard let route = Route.find(key) else {
            throw .unsupportedVersion(apiKey: key.rawValue, version: version)
        }
        guard route.api.versions.contains(version) else {
            guard key == .apiVersions else {
                throw .unsupportedVersion(apiKey: key.rawValue, version: version)
            }
            let answer = try Framing.response(
                ApiVersionsHandler.downgrade, api: ApiVersionsRequest.api, version: 0, correlationId: correlationId)
            return connection.complete(connection.reserveResponse(), answer)
        }
        let (header, position) = try RequestHeader.read(frame, headerVersion: route.api.requestHeaderVersion(version))
        let slot = connection.reserveResponse(isAlone: version < route.aloneBelow)
        let call = Call(client: self, connection: connection, slot: slot, header: header, api: route.api)
        try route.run(frame, position, call)
    }

    func closed(_ connection: Connection, reason: CloseReason) {
        let operations = parked.values
        parked = [:]
        for operation in operations { operation.abandon() }
        broker.logger.debug("connection ended: \(reason)", ["peer": peer(of: connection)])
    }

    func peer(of connection: Connection) -> String { connection.peer?.description ?? "unknown" }

    // MARK: Parked fetches

    func park(_ operation: FetchOperation) { parked[ObjectIdentifier(operation)] = operation }
    func unpark(_ operation: FetchOperation) { parked[ObjectIdentifier(operation)] = nil }
}

/// What the requests of one event loop look at: the newest cluster and partitions, without a lock while nothing changes.
///
/// `@unchecked Sendable`: the readers are touched on the loop only.
final class LoopView: @unchecked Sendable {
    private var images: ImageReader
    private var tables: Published<PartitionTable>.Reader

    init(images: ImageHolder, tables: Published<PartitionTable>) {
        self.images = ImageReader(images)
        self.tables = Published.Reader(tables)
    }

    var image: ClusterImage { images.image() }
    var partitions: PartitionTable { tables.value() }
}
