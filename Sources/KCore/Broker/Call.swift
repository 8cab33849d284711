/// One request on its way to an answer: who asked, in which version, and where the answer goes.
///
/// Handlers run on the loop of the connection; ``reply(_:)`` may be called from any thread, once.
struct Call: Sendable {
    let client: ClientConnection
    let connection: Connection
    let slot: ResponseSlot
    let header: RequestHeader
    let api: Api

    var broker: Broker { client.broker }
    var loop: EventLoop { connection.loop }
    var version: Int16 { header.apiVersion }
    /// The cluster as this broker knows it now. Only on the loop.
    var image: ClusterImage { client.view.image }
    /// The partitions that this broker serves now. Only on the loop.
    var partitions: PartitionTable { client.view.partitions }
    /// The listener that the client came in by, whose addresses it must be given.
    var listenerName: String { client.listenerName }

    func reply<R: WireStruct>(_ response: R) {
        do throws(WireError) {
            let frame = try Framing.response(response, api: api, version: version, correlationId: header.correlationId)
            connection.complete(slot, frame)
        } catch {
            // A value that this version cannot carry is a mistake of ours; the client must not wait for ever.
            broker.logger.error("an answer cannot be written: \(error)", ["api": header.apiKey, "version": version])
            close("the answer to \(header.apiKey) cannot be written")
        }
    }

    /// For requests that the protocol does not answer.
    func replyNothing() { connection.complete(slot, nil) }

    /// Ends the connection without an answer, once the requests before this one have had theirs.
    func closeAfterEarlierAnswers(_ reason: String) {
        broker.logger.info("connection closed: \(reason)", ["peer": client.peer(of: connection)])
        connection.complete(slot, nil)
        connection.closeWhenFlushed()
    }

    func close(_ reason: String) {
        broker.logger.info("connection closed: \(reason)", ["peer": client.peer(of: connection)])
        connection.close(.local)
    }
}
