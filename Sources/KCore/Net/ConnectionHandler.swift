/// What a connection tells its owner. All calls come on the connection's loop and must not block.
public protocol ConnectionHandler: AnyObject {
    /// The first call. Frames may follow.
    func connectionOpened(_ connection: Connection)
    /// A frame came, without its length. A server reserves the response's place here, before it returns
    /// (``Connection/reserveResponse()``).
    func received(_ frame: Bytes, on connection: Connection)
    /// The last call, once for each connection that was opened.
    func closed(_ connection: Connection, reason: CloseReason)
}

extension ConnectionHandler {
    public func connectionOpened(_ connection: Connection) {}
    public func closed(_ connection: Connection, reason: CloseReason) {}
}

/// Why a connection ended.
public enum CloseReason: Sendable, Equatable, CustomStringConvertible {
    /// This side wanted it.
    case local
    /// The peer closed its side.
    case peerClosed
    /// Nothing moved for `connections.max.idle.ms`.
    case idle
    /// The peer announced a frame of this many bytes, which is negative or above the limit.
    case badFrameLength(Int32)
    /// A file ended before the part of it that had been promised to the peer.
    case brokenRegion
    /// The socket failed, for instance because the peer reset it.
    case failed(NetError)
    /// The loop was stopped.
    case loopStopped

    public var description: String {
        switch self {
        case .local: "closed"
        case .peerClosed: "the peer closed the connection"
        case .idle: "idle for too long"
        case .badFrameLength(let length): "the peer announced a frame of \(length) bytes"
        case .brokenRegion: "a file is shorter than what was to be sent of it"
        case .failed(let error): error.description
        case .loopStopped: "stopped"
        }
    }
}

/// Limits and settings of a connection.
public struct ConnectionOptions: Sendable {
    /// The largest frame that is taken, in bytes without its length (`socket.request.max.bytes`).
    public var maxFrameBytes = 104_857_600
    /// Requests that may wait for their responses; while there are as many, nothing is read.
    public var maxInFlight = 100
    /// Responses that may wait to be sent, in bytes; while there are more, nothing is read. Not for outbound connections, whose
    /// owner decides what it sends (``Connection/queuedOutputBytes``).
    public var maxQueuedOutputBytes = 4 * 1024 * 1024
    /// How long a connection may be without traffic and without requests in flight (`connections.max.idle.ms`); negative: for ever.
    public var maxIdleMs: Int64 = 600_000
    /// The socket's buffer (`socket.send.buffer.bytes`); negative: what the system thinks best.
    public var sendBufferBytes = -1
    /// The socket's buffer (`socket.receive.buffer.bytes`); negative: what the system thinks best.
    public var receiveBufferBytes = -1
    /// Makes what lies between the socket and the connection; nil: nothing does.
    var makeLayer: (@Sendable (_ descriptor: Int32) throws(NetError) -> any TransportLayer)?

    public init() {}
}
