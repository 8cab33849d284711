/// A connection as ``BrokerConnection`` needs it, so that tests can stand in for the network.
protocol Channel: AnyObject {
    func send(_ frame: Frame)
    func close()
    /// Bytes that were given to ``send(_:)`` and have not left yet.
    var queuedBytes: Int { get }
}

/// What a channel tells. All calls come on the loop.
protocol ChannelDelegate: AnyObject {
    func channelOpened(_ channel: any Channel)
    func channelReceived(_ frame: Bytes)
    /// The last call. Also when the channel was never opened.
    /// - Parameter reason: why, in words.
    func channelClosed(reason: String)
}

/// What a connection needs of its surroundings: time, timers and a way to the other side.
protocol ChannelContext: AnyObject {
    var nowMs: Int64 { get }
    func schedule(afterMs: Int64, _ job: @escaping () -> Void)
    func open(_ address: HostAndPort, delegate: any ChannelDelegate)
}
