/// A ``Channel`` over a socket.
final class SocketChannel: Channel, ConnectionHandler {
    private weak var delegate: (any ChannelDelegate)?
    private var connection: Connection?
    // Its owner has given it up and wants to hear nothing more.
    private var isAbandoned = false

    init(delegate: any ChannelDelegate) { self.delegate = delegate }

    func connectionOpened(_ connection: Connection) {
        self.connection = connection
        guard let delegate else { return connection.close() }
        delegate.channelOpened(self)
    }

    func received(_ frame: Bytes, on _: Connection) {
        if !isAbandoned { delegate?.channelReceived(frame) }
    }

    func closed(_: Connection, reason: CloseReason) {
        connection = nil
        if !isAbandoned { delegate?.channelClosed(reason: reason.description) }
    }

    func send(_ frame: Frame) { connection?.send(frame) }

    func close() {
        isAbandoned = true
        connection?.close()
    }

    var queuedBytes: Int { connection?.queuedOutputBytes ?? 0 }

    /// Connects; the delegate hears of it or of the failure, on the loop.
    static func open(_ address: HostAndPort, on loop: EventLoop, config: ClientConfig, delegate: any ChannelDelegate) {
        var options = ConnectionOptions()
        // The answer to a fetch may be one batch that is larger than was asked for.
        options.maxFrameBytes = max(options.maxFrameBytes, config.fetchMaxBytes * 2)
        // What is in flight is bounded by the callers. To stop reading because much is to be sent would only delay
        // them.
        options.maxQueuedOutputBytes = .max
        options.maxInFlight = .max
        options.maxIdleMs = config.connectionsMaxIdleMs == 0 ? -1 : Int64(config.connectionsMaxIdleMs)
        nonisolated(unsafe) let delegate = delegate
        Connection.connect(
            host: address.host, port: Int(address.port), on: loop, options: options,
            timeoutMs: Int64(config.connectionSetupTimeoutMs),
            makeHandler: { _ in SocketChannel(delegate: delegate) },
            completion: { result in
                if case .failure(let error) = result { delegate.channelClosed(reason: error.reason) }
            })
    }
}
